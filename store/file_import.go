package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// CheckImport says whether ImportFile would put a state at path: nothing is written.
func CheckImport(path string, force bool) error {
	target, err := importTarget(path, force)
	if err != nil {
		return err
	}
	return target.release()
}

// ImportFile makes a state file of d at path. One that is there must be empty of memory and history (ErrNotEmpty) unless force
// is given; then it stays beside under the name that is returned. The file is complete, on the disk and read again before
// it gets its name, so whatever happens path holds the old state or the new one. A link stays: the file that it leads to is replaced, and
// kept where it is. Errors are *FileError.
func ImportFile(path string, d *Dump, force bool) (kept string, err error) {
	target, err := importTarget(path, force)
	if err != nil {
		return "", err
	}
	kept, err = target.replace(d)
	return kept, explain(path, errors.Join(err, target.release()))
}

// importedTo is where a dump goes.
type importedTo struct {
	// path is the file itself, no link to it.
	path string
	// old is the file that is there, held so that no daemon can open it; nil if there is none or it cannot be opened.
	old Backend
	// there says that there is a file, and keep that it is to be kept.
	there, keep bool
}

func (t *importedTo) release() error {
	if t.old == nil {
		return nil
	}
	return t.old.Close()
}

// importTarget looks at what is at path, and takes hold of it.
func importTarget(path string, force bool) (*importedTo, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return &importedTo{path: path}, nil
	}
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, explain(path, err)
	}
	b, err := OpenReadOnly(path)
	if err != nil {
		if force && replaceable(err) {
			return &importedTo{path: file, there: true, keep: true}, nil
		}
		return nil, err
	}
	t := &importedTo{path: file, old: b, there: true}
	empty, err := IsEmpty(b)
	t.keep = !empty
	if err == nil && t.keep && !force {
		err = &FileError{Path: path, Problem: "holds a state already", Err: ErrNotEmpty,
			Remedy: "import into another file, or use --force, which keeps this one beside under another name"}
	}
	if err != nil {
		return nil, errors.Join(err, t.release())
	}
	return t, nil
}

// replaceable says that a file that cannot be opened may be put aside: it is damaged, or from another version. A file in
// use, another program's, or what is no file at all may not.
func replaceable(err error) bool {
	file, ok := errors.AsType[*FileError](err)
	return ok && file.Aside
}

// replace writes the new file beside and gives it its name.
func (t *importedTo) replace(d *Dump) (kept string, err error) {
	draft, err := draftBeside(t.path)
	if err != nil {
		return "", err
	}
	defer os.Remove(draft) //nolint:errcheck // After success it has no such name any more.
	if err := fillDraft(draft, d); err != nil {
		return "", err
	}
	if t.keep {
		if kept, err = keepAs(t.path); err != nil {
			return "", err
		}
	}
	if t.there {
		err = os.Rename(draft, t.path)
	} else {
		err = link(draft, t.path)
	}
	return kept, errors.Join(err, syncDirectory(filepath.Dir(t.path)))
}

// fillDraft imports into a new file, and reads it again as a daemon would.
func fillDraft(draft string, d *Dump) error {
	if err := initialize(draft, released.newest); err != nil {
		return err
	}
	b, err := OpenFile(draft)
	if err != nil {
		return err
	}
	if err := errors.Join(Import(b, d), b.Close()); err != nil {
		return err
	}
	if b, err = OpenReadOnly(draft); err != nil {
		return err
	}
	found, err := Export(b, true)
	if err := errors.Join(err, b.Close()); err != nil {
		return err
	}
	return sameText(d, found)
}

func sameText(want, found *Dump) error {
	a, err := want.Text()
	b, err2 := found.Text()
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return fmt.Errorf("what was written is not what was read: %s instead of %s", found.Summary(), want.Summary())
	}
	return nil
}

// keepAs gives the file at path a second name: PATH.before-import, or the first with a number that is free.
func keepAs(path string) (string, error) {
	for n := 1; ; n++ {
		name := path + ".before-import"
		if n > 1 {
			name += "-" + strconv.Itoa(n)
		}
		err := os.Link(path, name)
		if !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
}

// draftBeside is an empty private file in the directory of path.
func draftBeside(path string) (string, error) {
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return "", err
	}
	return draft.Name(), draft.Close()
}
