package decisionlog

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Text writes the report for people. version is that of this binary, whose rules were applied.
func (r *Report) Text(w io.Writer, version string) error {
	var b strings.Builder
	for _, p := range r.Torn {
		fmt.Fprintf(&b, "%s:%d: the line was cut short, as by a kill or a full disk, and is left out\n", p.File, p.Line)
	}
	for i := range r.Differences {
		r.Differences[i].text(&b)
	}
	if more := r.Different - len(r.Differences); more > 0 {
		fmt.Fprintf(&b, "%s more\n", counted(more, "difference"))
	}
	b.WriteString(r.summary() + "\n")
	if text := r.versions(version); text != "" {
		b.WriteString(text + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (d *Difference) text(b *strings.Builder) {
	fmt.Fprintf(b, "%s:%d: %s at %s\n", d.File, d.Line, d.Target, d.Time.UTC().Format(time.RFC3339Nano))
	for _, f := range d.Fields {
		b.WriteString("  " + f.String() + "\n")
	}
	if len(d.Fields) == mostFields {
		b.WriteString("  and perhaps more\n")
	}
	if d.Logged != "" {
		b.WriteString("  logged:     " + d.Logged + "\n")
	}
	if d.Recomputed != "" {
		b.WriteString("  recomputed: " + d.Recomputed + "\n")
	}
}

// summary is one line about everything.
func (r *Report) summary() string {
	if r.Decisions == 0 {
		return "no decisions"
	}
	text := fmt.Sprintf("%s of %s from %s to %s UTC: ", counted(r.Decisions, "decision"), counted(r.Targets, "target"),
		r.From.UTC().Format(time.DateTime), r.To.UTC().Format(time.DateTime))
	switch r.Different {
	case 0:
		return text + "all the same"
	case 1:
		return text + "1 comes out differently"
	default:
		return text + grouped(r.Different) + " come out differently"
	}
}

// versions says that other rules may have been in force than this binary's, where that matters.
func (r *Report) versions(version string) string {
	others := slices.DeleteFunc(slices.Clone(r.Versions), func(v string) bool { return v == version })
	if r.Different == 0 || len(others) == 0 {
		return ""
	}
	return fmt.Sprintf("The log was written by version %s and this is version %s: rules may have changed between them.",
		strings.Join(others, ", "), version)
}

// JSON writes the report for machines.
func (r *Report) JSON(w io.Writer, version string) error {
	type difference struct {
		Place
		Target     string            `json:"target"`
		Time       time.Time         `json:"time"`
		Fields     []FieldDifference `json:"fields"`
		Logged     string            `json:"logged"`
		Recomputed string            `json:"recomputed"`
	}
	found := make([]difference, len(r.Differences))
	for i := range r.Differences {
		d := &r.Differences[i]
		found[i] = difference{d.Place, d.Target.String(), d.Time.UTC(), d.Fields, d.Logged, d.Recomputed}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Version     string       `json:"version"`
		LoggedBy    []string     `json:"logged_by"`
		Decisions   int          `json:"decisions"`
		Targets     int          `json:"targets"`
		From        time.Time    `json:"from,omitzero"`
		To          time.Time    `json:"to,omitzero"`
		Different   int          `json:"different"`
		Differences []difference `json:"differences"`
		Torn        []Place      `json:"torn"`
	}{version, r.Versions, r.Decisions, r.Targets, r.From, r.To, r.Different, found, append([]Place{}, r.Torn...)})
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(n) + " " + what + "s"
}

// grouped is 1234567 as 1,234,567.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
