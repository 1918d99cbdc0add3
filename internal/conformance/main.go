// Command conformance writes docs/conformance.md: every conformance case of cases.tsv beside the tests that carry its number.
//
//	go run ./internal/conformance                 writes the page and says what is wrong with the record
//	go run ./internal/conformance -ran FILE       says which cases did not pass in the stream of a `go test -json ./...`
//
// A test carries a number by a string literal that begins with "case N: ", as the name of a subtest or of a row of a table.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// pagePath is where the page stands in the module.
const pagePath = "docs/conformance.md"

func main() {
	root := flag.String("root", ".", "the module's `DIRECTORY`")
	ran := flag.String("ran", "", "instead of writing the page, look through the stream of `go test -json` in `FILE`")
	flag.Parse()
	err := write(*root)
	if *ran != "" {
		err = passed(*root, *ran)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// write makes the page anew. It is written even if something is missing, and then says so where it is missing.
func write(root string) error {
	r, err := read(root)
	if err != nil {
		return err
	}
	page, err := r.page()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, pagePath), page, 0o644); err != nil {
		return err
	}
	return told(r.findings())
}

// passed says which of the cases that have a test did not pass in a stream of events.
func passed(root, file string) error {
	r, err := read(root)
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	results, err := readEvents(f)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return told(r.unproven(results))
}

func told(findings []string) error {
	if len(findings) == 0 {
		return nil
	}
	return errors.New(strings.Join(findings, "\nconformance: "))
}
