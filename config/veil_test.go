package config

import (
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

type testError string

func (e testError) Error() string { return string(e) }

const errTest = testError("it is wrong")
