package config

import (
	"strings"

	"ecs-autoscaler/config/strict"
)

// DecisionLog says where the decision log goes: to the file at Path, or to standard output. The zero value is nowhere.
type DecisionLog struct {
	Path   string
	Stdout bool
}

// decisionLog reads file:PATH or stdout.
func decisionLog(v strict.Value) (DecisionLog, bool) {
	const forms = `"file:PATH" or "stdout"`
	s, ok := v.Filled()
	if !ok {
		return DecisionLog{}, false
	}
	path, isFile := strings.CutPrefix(s, "file:")
	switch {
	case s == "stdout":
		return DecisionLog{Stdout: true}, true
	case isFile && path != "":
		return DecisionLog{Path: path}, true
	case isFile:
		v.Errorf(v.At, "decision_log needs the path of a file after file:, for example file:decisions.jsonl")
	case !strings.Contains(s, ":"):
		v.Errorf(v.At, "decision_log must be %s, not %q; did you mean \"file:%s\"?", forms, strict.Shorten(s), strict.Shorten(s))
	default:
		v.Errorf(v.At, "decision_log must be %s, not %q", forms, strict.Shorten(s))
	}
	return DecisionLog{}, false
}
