package config

import (
	"net"
	"regexp"
	"strconv"
	"strings"

	"ecs-autoscaler/config/strict"
)

var regionName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func region(v strict.Value) (string, bool) {
	s, ok := v.Filled()
	if ok && !regionName.MatchString(s) {
		v.Errorf(v.At, "region must be the name of an AWS region such as eu-west-2, not %q", strict.Shorten(s))
		return "", false
	}
	return s, ok
}

// listenAddress reads host:port; an empty text means no HTTP server.
func listenAddress(v strict.Value) (string, bool) {
	const what = `host:port such as "127.0.0.1:8080", or "" for no HTTP server`
	s, ok := v.Scalar(what)
	if !ok || s.Text == "" {
		return "", ok
	}
	_, port, err := net.SplitHostPort(s.Text)
	if err != nil {
		v.Wrong(what, s)
		return "", false
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		v.Errorf(v.At, "the port of listen must be a number from 0 to 65535, not %q", strict.Shorten(port))
		return "", false
	}
	return s.Text, true
}

var tableName = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)

func state(v strict.Value) (State, bool) {
	const forms = `"file:PATH", "dynamodb:TABLE" or "memory:"`
	s, ok := v.Filled()
	if !ok {
		return State{}, false
	}
	kind, rest, colon := strings.Cut(s, ":")
	switch k := StateKind(kind); {
	case k == StateFile && rest != "":
		return State{Kind: k, Path: rest}, true
	case k == StateMemory && colon && rest == "":
		return State{Kind: k}, true
	case k == StateDynamoDB && tableName.MatchString(rest):
		return State{Kind: k, Table: rest}, true
	case k == StateDynamoDB:
		v.Errorf(v.At, "state needs the name of a DynamoDB table after dynamodb:, 3 to 255 of a-z A-Z 0-9 _ . -, not %q", strict.Shorten(rest))
	case !colon:
		v.Errorf(v.At, "state must be %s, not %q; did you mean \"file:%s\"?", forms, strict.Shorten(s), strict.Shorten(s))
	default:
		v.Errorf(v.At, "state must be %s, not %q", forms, strict.Shorten(s))
	}
	return State{}, false
}
