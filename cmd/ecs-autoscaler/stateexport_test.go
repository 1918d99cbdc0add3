package main

import (
	"bytes"
	"strings"
	"testing"

	"ecs-autoscaler/store"
)

// There is only one format so far, so that no script can do this.
func TestAnExportSaysThatTheFileHasAnEarlierFormat(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if err := writeDump(&store.Dump{Migration: &store.Migration{Path: "state.db", From: 1, To: 2}}, "-", &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	if got, want := stderr.String(), "state.db has format 1 and was read as one of format 2; the file itself is as it was\n"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	if strings.Contains(stdout.String(), "igration") {
		t.Errorf("the document is\n%s", stdout.String())
	}
}
