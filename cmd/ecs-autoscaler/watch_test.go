package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ecs-autoscaler/daemon"
)

// shownFor is what a screen has after some time of a show whose pages are given; the last one comes again and again.
func shownFor(t *testing.T, span time.Duration, on bool, pages ...func(io.Writer) error) (text string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), span)
		defer cancel()
		var b bytes.Buffer
		n := -1
		err := screen{&b, on}.repeat(ctx, func(w io.Writer) error {
			n = min(n+1, len(pages)-1)
			return pages[n](w)
		})
		if err != nil {
			t.Error(err)
		}
		text = b.String()
	})
	return text
}

func page(text string, err error) func(io.Writer) error {
	return func(w io.Writer) error {
		fmt.Fprintln(w, text)
		return err
	}
}

func TestAWatchShowsPageAfterPage(t *testing.T) {
	long, short := page("a long line", nil), page("short", nil)
	for name, c := range map[string]struct {
		on    bool
		pages []func(io.Writer) error
		want  string
	}{
		"one below the other where nobody reads along": {false, []func(io.Writer) error{long, short}, "a long line\n\nshort\n\nshort\n"},
		"on a terminal each on an empty screen":        {true, []func(io.Writer) error{long, short}, clearScreen + "a long line\n" + clearScreen + "short\n" + clearScreen + "short\n"},
		"an error in its place": {false, []func(io.Writer) error{page("gone", errors.New("no daemon answers")), short},
			"gone\necs-autoscaler: no daemon answers\n\nshort\n\nshort\n"},
		"an exit code alone is not for people": {false, []func(io.Writer) error{page("NOT ready", exitError{code: 1})}, "NOT ready\n\nNOT ready\n\nNOT ready\n"},
	} {
		if got := shownFor(t, 2*watchInterval+time.Second, c.on, c.pages...); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestAWatchEndsWithoutAWordWhenInterrupted(t *testing.T) {
	got := shownFor(t, time.Hour, false, page("one", nil), func(w io.Writer) error {
		time.Sleep(2 * time.Hour)
		fmt.Fprintln(w, "half a page")
		return context.Canceled
	})
	if got != "one\n" {
		t.Errorf("it shows %q", got)
	}
}

func TestFollowingGoesOnWhenTheDaemonIsAway(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	const one, two = `{"target":"c/web","time":"2026-01-01T00:00:00Z","action":"hold"}`, `{"target":"c/web","time":"2026-01-01T00:01:00Z","action":"hold"}`
	answers := []string{one, "", "", one, two + "," + one}
	n := -1
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n == len(answers) {
			stop()
			return
		}
		if answers[n] == "" {
			http.Error(w, `{"error":{"code":"unavailable","message":"it is starting"}}`, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, `{"decisions":[%s],"next_cursor":null}`, answers[n])
	}))
	defer server.Close()
	client, err := daemon.NewClientAt(ctx, server.Listener.Addr().String(), daemon.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var stdout, stderr bytes.Buffer
	l := listing{w: &stdout, client: client, query: url.Values{}, output: "json", every: time.Millisecond}
	if err := l.follow(ctx, &grumbler{w: &stderr}); err != nil {
		t.Error(err)
	}
	if lines := strings.Count(stdout.String(), "\n"); lines != 2 {
		t.Errorf("%d lines, want each decision once:\n%s", lines, stdout.String())
	}
	if got, want := stderr.String(), "ecs-autoscaler: it is starting\necs-autoscaler: solved: it is starting\n"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func TestFollowingEndsWhereTheQuestionIsWrong(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error":{"code":"invalid_parameter","message":"since is wrong"}}`, http.StatusBadRequest)
	}))
	defer server.Close()
	client, err := daemon.NewClientAt(t.Context(), server.Listener.Addr().String(), daemon.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	l := listing{w: io.Discard, client: client, query: url.Values{}, every: time.Millisecond}
	if err := l.follow(t.Context(), &grumbler{w: io.Discard}); err == nil || err.Error() != "since is wrong" {
		t.Errorf("it ends with %v", err)
	}
}
