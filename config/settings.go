package config

import (
	"net"
	"regexp"
	"strconv"
	"strings"
)

var regionName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func region(v value) (string, bool) {
	s, ok := v.filled()
	if ok && !regionName.MatchString(s) {
		v.d.errorf(v.at, "region must be the name of an AWS region such as eu-west-2, not %q", shorten(s))
		return "", false
	}
	return s, ok
}

// listenAddress reads host:port; an empty text means no HTTP server.
func listenAddress(v value) (string, bool) {
	const what = `host:port such as "127.0.0.1:8080", or "" for no HTTP server`
	s, ok := v.scalar(what)
	if !ok || s.text == "" {
		return "", ok
	}
	_, port, err := net.SplitHostPort(s.text)
	if err != nil {
		v.wrong(what, s)
		return "", false
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		v.d.errorf(v.at, "the port of listen must be a number from 0 to 65535, not %q", shorten(port))
		return "", false
	}
	return s.text, true
}

var tableName = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)

func state(v value) (State, bool) {
	const forms = `"file:PATH", "dynamodb:TABLE" or "memory:"`
	s, ok := v.filled()
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
		v.d.errorf(v.at, "state needs the name of a DynamoDB table after dynamodb:, 3 to 255 of a-z A-Z 0-9 _ . -, not %q", shorten(rest))
	case !colon:
		v.d.errorf(v.at, "state must be %s, not %q; did you mean \"file:%s\"?", forms, shorten(s), shorten(s))
	default:
		v.d.errorf(v.at, "state must be %s, not %q", forms, shorten(s))
	}
	return State{}, false
}
