package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
)

// result is what became of the tests that carry a number.
type result struct{ passed, failed bool }

// inTestName is how `go test` writes the name of a subtest that carries a number.
var inTestName = regexp.MustCompile(`(?:^|/)case_(\d+):`)

// readEvents gathers the results by number from the stream of a `go test -json`.
func readEvents(r io.Reader) (map[int]result, error) {
	results := map[int]result{}
	for d := json.NewDecoder(r); ; {
		var e struct{ Action, Test string }
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			return results, nil
		}
		if err != nil {
			return nil, fmt.Errorf("this is not the output of go test -json: %w", err)
		}
		for _, m := range inTestName.FindAllStringSubmatch(e.Test, -1) {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				continue
			}
			was := results[n]
			results[n] = result{was.passed || e.Action == "pass", was.failed || e.Action == "fail" || e.Action == "skip"}
		}
	}
}

// unproven are the cases that have a test in the tree and did not pass, or did not run.
func (r *record) unproven(results map[int]result) []string {
	var found []string
	for c := range r.cases {
		if len(c.tests) == 0 {
			continue
		}
		switch got := results[c.number]; {
		case got.failed:
			found = append(found, fmt.Sprintf("case %d failed or was skipped (%s)", c.number, c.tests[0]))
		case !got.passed:
			found = append(found, fmt.Sprintf("case %d did not run (%s)", c.number, c.tests[0]))
		}
	}
	return found
}
