package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever a variable holds and wherever it is put, no message shows eight characters of it in a row.
func TestNoMessageShowsWhatAVariableHolds(t *testing.T) {
	texts := []string{
		"region: \"${V}\"\n", "state: \"${V}\"\n", "state: \"dynamodb:${V}!\"\n", "listen: \"h:${V}\"\n", "interval: \"${V}\"\n", "dry_run: \"${V}\"\n", "defaults: {cooldown_scope: \"${V}\"}\n",
		"targets: [{service: \"${V}\", min_capacity: \"${V}\", max_capacity: \"x${V}\", tags: {\"${V}\": \"${V}${V}\"}, target_tracking: \"${V}\"}]\n",
		"targets: [{service: a/b, min_capacity: 5, max_capacity: 1, step_scaling: [{name: \"${V}\", alarm: {metric: \"${V}\", threshold: \"${V}\"}, adjustment_type: \"${V}\"}]}]\n",
	}
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9/+="\\ \n%-]{8,200}`).Draw(t, "secret")
		text := rapid.SampledFrom(texts).Draw(t, "text")
		_, found := Parse(Source{Name: "x", Text: []byte(text)}, func(string) (string, bool) { return secret, true })
		detail := found.Detail()
		// What the message would say of a harmless value may share its words with the secret.
		_, harmless := Parse(Source{Name: "x", Text: []byte(text)}, func(string) (string, bool) { return "?", true })
		plain := harmless.Detail()
		for i := 0; i+8 <= len(secret); i++ {
			if piece := secret[i : i+8]; strings.Contains(detail, piece) && !strings.Contains(plain, piece) {
				t.Fatalf("%q of the secret stands in\n%s", piece, detail)
			}
		}
	})
}

func TestPathsOfAccessAreRelativeToTheConfigurationFile(t *testing.T) {
	text := "web_config_file: web.yaml\ntoken_file: ../tokens\ncontrol_socket: /run/x.sock\npprof: true\n" + target("")
	c, found := Parse(Source{Name: "/etc/autoscaler/main.yaml", Text: []byte(text)}, environment)
	if c == nil {
		t.Fatal(found.Detail())
	}
	want := Access{WebConfigFile: "/etc/autoscaler/web.yaml", TokenFile: "/etc/tokens", ControlSocket: "/run/x.sock", Pprof: true}
	if c.Access != want {
		t.Errorf("%+v, want %+v", c.Access, want)
	}
	if got := c.About("token_file", errTest).String(); got != "/etc/autoscaler/main.yaml:2:13: error: token_file: it is wrong" {
		t.Errorf("a problem with the token file is told as %s", got)
	}
}

// A file that is named by a variable by mistake is opened long after the text was read.
func TestAProblemWithAFileShowsNotWhatAVariableHolds(t *testing.T) {
	secret := "wJalrXUtnFEMI/K7MDENG+bPxRfiCY"
	text := "web_config_file: \"${SECRET}\"\ntoken_file: \"a${SECRET}b\"\ncontrol_socket: \"${SECRET}/s\"\n" + target("")
	c, found := Parse(Source{Name: "/etc/c.yaml", Text: []byte(text)}, func(string) (string, bool) { return secret, true })
	if c == nil {
		t.Fatal(found.Detail())
	}
	for key, path := range map[string]string{
		"web_config_file": c.Access.WebConfigFile, "token_file": c.Access.TokenFile, "control_socket": c.Access.ControlSocket,
	} {
		told := c.About(key, testError(path+" cannot be read")).String()
		if !strings.Contains(told, "${SECRET}") || strings.Contains(told, "wJalr") || strings.Contains(told, "bPxRfi") {
			t.Errorf("it is told as %s", told)
		}
	}
}

// The state is opened long after the text was read, too, and by a name that may have been cut or made longer.
func TestAnErrorAboutTheStateShowsNotWhatAVariableHolds(t *testing.T) {
	secret := "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	c, found := Parse(Source{Name: "c.yaml", Text: []byte("state: \"file:${SECRET}\"\n" + target(""))}, func(name string) (string, bool) { return secret, name == "SECRET" })
	if c == nil {
		t.Fatal(found.Detail())
	}
	was := fmt.Errorf("state file %s.dry has no directory to be in: create %s: %w", secret, secret[:19], errTest)
	told := c.Veil(was)
	if want := "state file ${SECRET}.dry has no directory to be in: create ${SECRET}: it is wrong"; told.Error() != want {
		t.Errorf("it is told as %q, want %q", told, want)
	}
	if !errors.Is(told, errTest) || c.Veil(nil) != nil || (&Config{}).Veil(was) != was { //nolint:errorlint // it is the very error
		t.Error("errors are not what they were")
	}
}

type testError string

func (e testError) Error() string { return string(e) }

const errTest = testError("it is wrong")
