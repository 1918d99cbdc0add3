package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// setting parses a text whose first lines are daemon settings.
func setting(text string) string { return text + "\n" + target("") }

func TestDurationsAreWholeSecondsOrGoDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "60": time.Minute, "+5": 5 * time.Second, "60s": time.Minute, "5m": 5 * time.Minute, "1h30m": 90 * time.Minute,
		"1.5m": 90 * time.Second, "0s": 0, "2147483647": 2147483647 * time.Second, "${SECONDS}": 90 * time.Second, `"5m"`: 5 * time.Minute, `"${SECONDS}"`: 90 * time.Second,
	} {
		if got := bindOnly(t, tracking(cpu+", scale_in_cooldown: "+quoteVariable(text))).Policies[0].ScaleInCooldown; got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"-1", "-5m", "1.5", "500ms", "1500ms", "1d", "60 s", "1_000", "0x10", "010", "1e3", "2147483648", "99999999999999999999", "true", "~", `""`, `"60"`, "[60]", "{s: 60}", ".inf", "auto"} {
		if messages(tracking(cpu+", scale_in_cooldown: "+text)) == "" {
			t.Errorf("%s is accepted as a duration", text)
		}
	}
}

// quoteVariable puts ${...} in quotes, which YAML demands inside braces.
func quoteVariable(text string) string {
	if strings.HasPrefix(text, "${") {
		return `"` + text + `"`
	}
	return text
}

func TestWholeNumbersAreWrittenInDecimal(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "7": 7, "+7": 7, "2147483647": 2147483647} {
		c := parse(t, fmt.Sprintf("targets: [{service: a/b, min_capacity: 0, max_capacity: %s}]", text))
		if got := c.Targets[0].MaxCapacity; got != want {
			t.Errorf("%s is %d, want %d", text, got, want)
		}
	}
	for _, text := range []string{"-1", "1.0", "1e1", "010", "0x1F", "0o7", "0b1", "1_000", `"4"`, "four", "true", "null", "", "[4]", "2147483648", "99999999999999999999999"} {
		if messages(fmt.Sprintf("targets: [{service: a/b, min_capacity: 0, max_capacity: %s}]", text)) == "" {
			t.Errorf("%s is accepted as a whole number", text)
		}
	}
}

func TestNumbersAreFiniteDecimals(t *testing.T) {
	for text, want := range map[string]float64{"10": 10, "0.5": 0.5, ".5": 0.5, "1e3": 1000, "5.": 5, "+2.5": 2.5} {
		if got := bindOnly(t, tracking("metric: ECSServiceAverageCPUUtilization, target_value: "+text)).Policies[0].TargetTracking.TargetValue; got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{".inf", ".nan", "1e999", "inf", "NaN", "0x1p4", "1,5", "50%", `"10"`, "ten"} {
		if messages(tracking("metric: ECSServiceAverageCPUUtilization, target_value: "+text)) == "" {
			t.Errorf("%s is accepted as a number", text)
		}
	}
}

func TestBooleansAreTrueAndFalseOnly(t *testing.T) {
	for text, want := range map[string]bool{"true": true, "false": false, "True": true, "FALSE": false, "${DRY}": true, `"${DRY}"`: true} {
		if got := parse(t, setting("dry_run: "+text)).DryRun; got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
	for _, text := range []string{"yes", "on", "1", `"true"`, "null", "", "[true]"} {
		if messages(setting("dry_run: "+text)) == "" {
			t.Errorf("%s is accepted as a boolean", text)
		}
	}
}

func TestSettingsHaveTheirDefaults(t *testing.T) {
	c := parse(t, target(""))
	if c.Region != "" || c.Listen != "127.0.0.1:8080" || c.DryRun || c.Interval != 0 || c.MetricDelay != Auto {
		t.Errorf("settings = %+v", c)
	}
	if c.State.String() != "file:state.db" || c.File != "test.yaml" || len(c.Unsupported()) != 0 {
		t.Errorf("state %s, file %s, unsupported %v", c.State, c.File, c.Unsupported())
	}
}

func TestSettingsAreRead(t *testing.T) {
	c := parse(t, setting("region: eu-west-2\nlisten: \":9000\"\ndry_run: true\ninterval: 30s\nmetric_delay: 0\nstate: \"memory:\""))
	if c.Region != "eu-west-2" || c.Listen != ":9000" || !c.DryRun || c.Interval != 30*time.Second || c.MetricDelay != 0 || c.State.Kind != StateMemory {
		t.Errorf("settings = %+v", c)
	}
	c = parse(t, setting("listen: \"\"\ninterval: auto\nmetric_delay: ${AUTO}\nstate: file:/var/lib/x.db"))
	if c.Listen != "" || c.Interval != 0 || c.MetricDelay != Auto || c.State != (State{Kind: StateFile, Path: "/var/lib/x.db"}) {
		t.Errorf("settings = %+v", c)
	}
}

func TestSystemdMovesARelativeStateFile(t *testing.T) {
	systemd := func(name string) (string, bool) { return "/var/lib/ecs-autoscaler:/other", name == "STATE_DIRECTORY" }
	for text, want := range map[string]string{
		"": "/var/lib/ecs-autoscaler/state.db", "state: file:a/b.db": "/var/lib/ecs-autoscaler/a/b.db", "state: file:/abs.db": "/abs.db",
	} {
		c, found := Parse(Source{Name: "x", Text: []byte(setting(text))}, systemd)
		if c == nil || c.State.Path != want {
			t.Errorf("%q: got %+v %v, want %s", text, c, found, want)
		}
	}
}

func TestWhatIsNotYetSupportedIsNamedWithItsPlace(t *testing.T) {
	c := parse(t, "state: \"dynamodb:autoscaler\"\n"+target("    scheduled_actions: [{name: a, schedule: \"rate(1 hour)\", min_capacity: 2}]\n    predictive_scaling: [{name: p, metric_pair: ECSServiceCPUUtilization, target_value: 60}]\n"))
	var got []string
	for _, d := range c.Unsupported() {
		got = append(got, d.String())
	}
	want := []string{
		"test.yaml:7:5: error: predictive_scaling of web/api is not yet supported",
	}
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want it to begin with %q", got[i], want[i])
		}
	}
	if c.State.Table != "autoscaler" {
		t.Errorf("table = %q", c.State.Table)
	}
}
