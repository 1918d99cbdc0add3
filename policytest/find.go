package policytest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// suffixes are how the names of test files end, by which they are found in a directory.
var suffixes = []string{".test.yaml", ".test.yml", "_test.yaml", "_test.yml"}

// Find resolves what the user names: a file as it is; a directory to the test files in it and below (*.test.yaml,
// *_test.yaml, and both with .yml); a pattern with *, ? or [] to what it matches, for shells that do not. Each file
// comes once, in the order of the arguments and sorted below one. Naming something that is not there, or where there is
// no test file, is an error.
func Find(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		found, err := find(arg)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			if !slices.ContainsFunc(files, func(f string) bool { return filepath.Clean(f) == filepath.Clean(name) }) {
				files = append(files, name)
			}
		}
	}
	return files, nil
}

func find(arg string) ([]string, error) {
	named, err := expand(arg)
	if !errors.Is(err, fs.ErrNotExist) || !strings.ContainsAny(arg, "*?[") {
		return named, err
	}
	matches, err := filepath.Glob(arg)
	if err != nil {
		return nil, fmt.Errorf("the pattern %q is not well formed; * stands for any characters, ? for one, [a-z] for one of several: %w", arg, err)
	}
	if len(matches) == 0 {
		return nil, fmt.Errorf("no file matches %q", arg)
	}
	var files []string
	for _, name := range matches {
		found, err := expand(name)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

// expand is the file itself, or the test files of a directory.
func expand(name string) ([]string, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the test file cannot be read: %w", err)
	case info.IsDir():
		return within(name)
	default:
		return []string{name}, nil
	}
}

// within finds the test files of a directory. What only looks like one, such as a pipe or a socket, is none.
func within(dir string) ([]string, error) {
	var files []string
	// With a separator at its end a link to a directory is that directory.
	err := filepath.WalkDir(dir+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
		if err == nil && isTest(path) && isFile(path, d) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the directory cannot be searched for test files: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no test file in %s: their names end in %s", dir, strings.Join(suffixes, ", "))
	}
	return files, nil
}

// isFile says whether an entry of a directory is a file, or a link to one. A link that leads nowhere is, so that
// whoever reads it says so.
func isFile(path string, d fs.DirEntry) bool {
	if d.Type()&fs.ModeSymlink == 0 {
		return d.Type().IsRegular()
	}
	info, err := os.Stat(path)
	return err != nil || info.Mode().IsRegular()
}

func isTest(path string) bool {
	return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(path, s) })
}
