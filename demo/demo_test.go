package demo

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/sim"
	"ecs-autoscaler/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// options are a demo of half an hour in half a second.
func options(t *testing.T, out *bytes.Buffer) Options {
	t.Helper()
	s, err := sim.DemoScenario()
	if err != nil {
		t.Fatal(err)
	}
	return Options{Scenario: s, Speed: 3600, For: 500 * time.Millisecond, Listen: "127.0.0.1:0", Out: out}
}

func TestTheTerminalsFramesFitItsWidthAndTheSummaryComesLast(t *testing.T) {
	var out bytes.Buffer
	o := options(t, &out)
	o.Terminal, o.Width = true, 90
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	frames := strings.Split(out.String(), "\x1b[H\x1b[J")
	if len(frames) < 2 {
		t.Fatalf("%d frames", len(frames)-1)
	}
	shown, summary, ok := strings.Cut(frames[len(frames)-1], "\nSummary of ")
	if !ok || !strings.Contains(summary, "AT A FIXED MAXIMUM") {
		t.Errorf("no summary at the end: %q", frames[len(frames)-1])
	}
	for line := range strings.SplitSeq(shown, "\n") {
		if n := len([]rune(line)); n > 90 {
			t.Errorf("a line of %d characters on a terminal of 90: %s", n, line)
		}
	}
	for _, part := range []string{"SERVICE", "flaskapp/flaskapp", "shop/api"} {
		if !strings.Contains(shown, part) {
			t.Errorf("the frame lacks %s:\n%s", part, shown)
		}
	}
}

func TestCtrlCEndsTheDemoWithItsSummary(t *testing.T) {
	var out bytes.Buffer
	o := options(t, &out)
	o.For = time.Hour
	ctx, interrupt := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer interrupt()
	if err := Run(ctx, o); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "Summary of ") {
		t.Errorf("no summary: %s", out.String())
	}
}

func TestADemoWithoutServerNamesNoAddress(t *testing.T) {
	var out bytes.Buffer
	o := options(t, &out)
	o.Listen = ""
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "http://") {
		t.Errorf("an address of nothing: %s", out.String())
	}
}

func TestAPortInUseEndsTheDemoAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var out bytes.Buffer
	o := options(t, &out)
	o.Listen, o.For = l.Addr().String(), time.Hour
	if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v", err)
	}
}

func TestAServiceThatMayNotRunAnyTaskHasNoSavings(t *testing.T) {
	var out bytes.Buffer
	o := options(t, &out)
	c, found := config.Parse(config.Source{Name: "zero.yaml", Text: []byte(`
targets: [{service: shop/api, min_capacity: 0, max_capacity: 0, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]}]
`)}, func(string) (string, bool) { return "", false })
	if c == nil {
		t.Fatal(found.Detail())
	}
	o.Config = c
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`shop/api .* 0\.0 +-`).MatchString(out.String()) || strings.Contains(out.String(), "NaN") {
		t.Errorf("summary: %s", out.String())
	}
}

func TestOnlyTheNewestLinesAreKept(t *testing.T) {
	l := &lines{max: 3}
	for i := range 10 {
		fmt.Fprintf(l, "line %d\n", i)
	}
	if got := l.shown(); got != "line 7\nline 8\nline 9\n" {
		t.Errorf("shown %q", got)
	}
	if got := cut("abcdef\näöüß\n", 4); got != "abc…\näöüß\n" {
		t.Errorf("cut to %q", got)
	}
	if got := cut("abcdef", 0); got != "abcdef" {
		t.Errorf("cut to %q without a width", got)
	}
}

func TestAFailedActivityIsNoScaling(t *testing.T) {
	var c counts
	for _, a := range []store.Activity{
		{Direction: evaluator.ScaleOut, Status: evaluator.Successful},
		{Direction: evaluator.ScaleOut, Status: evaluator.Failed},
		{Direction: evaluator.ScaleIn, Status: evaluator.InProgress},
	} {
		c.add(&a)
	}
	if c != (counts{out: 1, in: 1}) {
		t.Errorf("counted %+v", c)
	}
}
