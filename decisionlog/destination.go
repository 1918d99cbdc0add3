package decisionlog

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
)

// destination is where a log goes. Only reopen may be called beside the other methods.
type destination interface {
	// ready makes it ready for the next write. anew says that nobody knows what is in it, or that nothing is; torn that it ends
	// in the middle of a line.
	ready() (anew, torn bool, err error)
	// Write tries everything once; after an error the next ready begins anew.
	io.Writer
	reopen()
	close()
}

// stream is a writer that stays, such as standard output.
type stream struct {
	w      io.Writer
	begun  bool
	broken bool
}

func (s *stream) ready() (anew, torn bool, err error) {
	anew, torn = !s.begun || s.broken, s.broken
	s.begun, s.broken = true, false
	return anew, torn, nil
}

// Write writes to the stream.
func (s *stream) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.broken = err != nil
	return n, err
}

func (s *stream) reopen() {}
func (s *stream) close()  {}

// file is a file that is appended to, and that others may move away or cut short.
type file struct {
	path string
	f    *os.File
	// size is how long it is as far as this process knows. Another one may have written since.
	size  int64
	moved atomic.Bool
}

func (d *file) ready() (anew, torn bool, err error) {
	if d.f != nil && (d.moved.Swap(false) || d.gone()) {
		d.close()
	}
	if d.f != nil {
		return d.cut()
	}
	d.moved.Store(false)
	return d.open()
}

// gone says that the path leads to another file by now, or to none.
func (d *file) gone() bool {
	there, err := os.Stat(d.path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	here, err := d.f.Stat()
	return err == nil && !os.SameFile(there, here)
}

// cut notices that the file has been cut short, as copytruncate of logrotate does.
func (d *file) cut() (anew, torn bool, err error) {
	info, err := d.f.Stat()
	if err != nil {
		d.close()
		return false, false, err
	}
	if !info.Mode().IsRegular() || info.Size() >= d.size {
		return false, false, nil
	}
	d.size = info.Size()
	return true, d.torn(info), nil
}

// open opens the file. Reading it is for the end of what a process has written that was killed.
func (d *file) open() (anew, torn bool, err error) {
	f, err := os.OpenFile(d.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return false, false, err
	}
	info, err := f.Stat()
	if err != nil {
		return false, false, errors.Join(err, f.Close())
	}
	d.f, d.size = f, info.Size()
	return true, d.torn(info), nil
}

// torn says that the last line has no end.
func (d *file) torn(info fs.FileInfo) bool {
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err := d.f.ReadAt(last, info.Size()-1)
	return err == nil && last[0] != '\n'
}

// Write appends to the file. What fails may be over when the file is opened again.
func (d *file) Write(p []byte) (int, error) {
	n, err := d.f.Write(p)
	d.size += int64(n)
	if err != nil {
		d.close()
	}
	return n, err
}

func (d *file) reopen() { d.moved.Store(true) }

func (d *file) close() {
	if d.f != nil {
		_ = d.f.Close() // each write has told what is wrong
		d.f = nil
	}
}
