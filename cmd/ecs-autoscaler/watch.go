package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// watchInterval is how often a verb that shows something again and again looks.
const watchInterval = 5 * time.Second

// clearScreen empties a terminal and goes to its upper left corner.
const clearScreen = "\x1b[H\x1b[2J"

// untilInterrupted is a context that SIGINT and SIGTERM end, too: what watches ends in order, with exit code 0.
func untilInterrupted(ctx context.Context) (interrupted context.Context, stop context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
}

// terminal says whether a person reads along.
func terminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// screen is where something is shown again and again: on a terminal in one place, else one below the other.
type screen struct {
	w        io.Writer
	terminal bool
}

// repeat shows something again and again until ctx ends. An error is shown in its place: the daemon may be back at the next look.
func (s screen) repeat(ctx context.Context, show func(io.Writer) error) error {
	var err error
	for first := true; err == nil && ctx.Err() == nil; first = false {
		var page bytes.Buffer
		switch {
		case s.terminal:
			page.WriteString(clearScreen)
		case !first:
			page.WriteByte('\n')
		}
		complain(&page, show(&page))
		if ctx.Err() == nil { // else it is half a page
			_, err = page.WriteTo(s.w)
		}
		if err == nil {
			wait(ctx, watchInterval)
		}
	}
	return err
}

// complain writes an error, but not one without words: that has said everything already.
func complain(w io.Writer, err error) {
	if exit, ok := errors.AsType[exitError](err); err == nil || ok && exit.err == nil {
		return
	}
	fmt.Fprintln(w, "ecs-autoscaler:", err)
}

// wait waits, or until ctx ends.
func wait(ctx context.Context, span time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(span):
	}
}

// grumbler tells of a problem that comes up again and again: once, when it is another one, and when it is over.
type grumbler struct {
	w    io.Writer
	told string
}

// about takes what came of the last attempt.
func (g *grumbler) about(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch {
	case text == g.told:
	case text == "":
		fmt.Fprintln(g.w, "ecs-autoscaler: solved:", g.told)
	default:
		fmt.Fprintln(g.w, "ecs-autoscaler:", text)
	}
	g.told = text
}
