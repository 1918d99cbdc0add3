package config

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// named binds a target whose one policy has the given name and says what name arrived.
func named(t *testing.T, yaml string) string {
	t.Helper()
	return bindOnly(t, target("    target_tracking:\n      - "+cpuWithName(yaml))).Policies[0].Name
}

func cpuWithName(yaml string) string {
	return "name: " + yaml + "\n        metric: ECSServiceAverageCPUUtilization\n        target_value: 50\n"
}

func TestVariablesAreReplacedInEveryKindOfScalar(t *testing.T) {
	for yaml, want := range map[string]string{
		"${SERVICE}": "api", `"${SERVICE}"`: "api", `'${SERVICE}'`: "api", "a-${SERVICE}-${REGION}": "a-api-eu-west-2",
		"x${EMPTY}y": "xy", "$${SERVICE}": "${SERVICE}", `"$${A} ${SERVICE}"`: "${A} api", "$SERVICE": "$SERVICE", "$$": "$$", "a$b}": "a$b}",
		"${ACCOUNT}": "012345678901", ">-\n          folded ${SERVICE}": "folded api",
	} {
		if got := named(t, yaml); got != want {
			t.Errorf("%s is %q, want %q", yaml, got, want)
		}
	}
}

func TestNumbersAndBooleansMayComeFromTheEnvironment(t *testing.T) {
	c := parse(t, "dry_run: ${DRY}\nregion: ${REGION}\ntargets:\n  - {service: \"web/${SERVICE}\", min_capacity: \"${MIN}\", max_capacity: \"1${MAX}\"}\n")
	if e := c.Targets[0]; !c.DryRun || c.Region != "eu-west-2" || e.MinCapacity != 2 || e.MaxCapacity != 18 || e.Service != "api" {
		t.Errorf("config %+v, target %+v", c, e)
	}
}

func TestKeysOfTagsAndDimensionsAreReplacedToo(t *testing.T) {
	c := parse(t, target("    tags: {\"${SERVICE}\": \"${REGION}\"}\n"))
	if got := c.Targets[0].Tags["api"]; got != "eu-west-2" {
		t.Errorf("tags = %v", c.Targets[0].Tags)
	}
}

func TestAnUnsetVariableIsAnErrorWhereItStands(t *testing.T) {
	for text, place := range map[string]string{
		"region: ${NOPE}":                "1:9:",
		"region: 'é ${SERVICE} ${NOPE}'": "1:23:",
		"region:   \"${NOPE}\"":          "1:12:",
		"region: >-\n  eu\n  ${NOPE}":    "3:3:",
	} {
		if got := messages(setting(text)); !strings.Contains(got, "test.yaml:"+place+" error: the environment variable NOPE is not set") {
			t.Errorf("%q: want the error at %s, got\n%s", text, place, got)
		}
	}
}

func TestPlacesStayRightBehindASubstitution(t *testing.T) {
	got := messages("region: ${REGION}\ntargets: [{service: \"web/${SERVICE}\", min_capacity: \"${MIN}\", max_capacity: -1}]\n")
	if want := "test.yaml:2:77: error: max_capacity"; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNothingInTheEnvironmentBecomesStructure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.String().Draw(t, "value")
		style := rapid.SampledFrom([]string{"${V}", `"${V}"`, "'${V}'"}).Draw(t, "style")
		env := func(string) (string, bool) { return value, true }
		text := target("    target_tracking:\n      - " + cpuWithName(style))
		c, found := Parse(Source{Name: "x", Text: []byte(text)}, env)
		if c == nil {
			for _, d := range found.Errors() {
				if !strings.Contains(d.Message, "name must") {
					t.Fatalf("%q changed more than the name: %s", value, d)
				}
			}
			return
		}
		if got := c.Targets[0].Bind("web", "api").Policies[0].Name; got != value || c.State.Path == "" {
			t.Fatalf("%q arrived as %q", value, got)
		}
	})
}

func TestAValueWithDollarSignsIsNotReplacedAgain(t *testing.T) {
	env := func(name string) (string, bool) { return "${OTHER} $${X}", name == "V" }
	c, found := Parse(Source{Name: "x", Text: []byte(target("    target_tracking:\n      - " + cpuWithName("${V}")))}, env)
	if c == nil || c.Targets[0].Bind("a", "b").Policies[0].Name != "${OTHER} $${X}" {
		t.Errorf("got %v %v", c, found)
	}
}
