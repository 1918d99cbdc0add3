package decisionlog

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
)

func TestALogProvesItself(t *testing.T) {
	r, err := replayOf(t, string(text(t)))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := r.Report.Text(&b, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	if want := "6 decisions of 2 targets from 2026-01-31 12:00:00 to 2026-01-31 12:02:00 UTC: all the same\n"; b.String() != want {
		t.Errorf("it says %q, want %q", b.String(), want)
	}
}

func TestOneChangedDatapointIsFound(t *testing.T) {
	log := strings.Replace(string(text(t)), `"values":[50,null,80,90]`, `"values":[50,null,80,90.5]`, 1)
	r, err := replayOf(t, log)
	if err != nil || r.Report.Different != 1 {
		t.Fatalf("%v: %+v", err, r.Report)
	}
	var b strings.Builder
	if err := r.Report.Text(&b, "2.0"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"d.jsonl:3: shop/web at 2026-01-31T12:00:00Z\n",
		"  policies[0].alarms[0].values[3]: logged 90, recomputed 90.5\n",
		"  policies[0].metric: logged 73.33333333333333, recomputed 73.5\n",
		"  logged:     Would scale out from 2 to 4 (dry run): policy out: CPUUtilization averaged 73.333 over",
		"  recomputed: Would scale out from 2 to 4 (dry run): policy out: CPUUtilization averaged 73.5 over",
		"6 decisions of 2 targets from 2026-01-31 12:00:00 to 2026-01-31 12:02:00 UTC: 1 comes out differently\n",
		"The log was written by version 1.2.3 and this is version 2.0: rules may have changed between them.\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it says\n%swant %s", b.String(), want)
		}
	}
}

func TestEachChangeOfADecisionIsFound(t *testing.T) {
	log := string(text(t))
	for from, to := range map[string]string{
		`"action":"scale_out"`:            `"action":"hold"`,
		`"wanted":4`:                      `"wanted":5`,
		`"decision":{`:                    `"decision":{"surprise":true,`,
		`"registered":true,`:              ``,
		`"state":"INSUFFICIENT_DATA"`:     `"state":"OK"`,
		`"now":"2026-01-31T12:00:00Z"`:    `"now":"2026-01-31T12:00:01Z"`,
		`"has_metric":true,`:              ``,
		`"decision":{"target":{"cluster"`: `"decision":{"target":{"account":"x","cluster"`,
	} {
		i := strings.Index(log, `{"kind":"decision"`)
		changed := log[:i] + strings.Replace(log[i:], from, to, 1)
		if changed == log {
			t.Errorf("%s is not in the log", from)
		}
		r, err := replayOf(t, changed)
		if err != nil || r.Report.Different != 1 {
			t.Errorf("%s instead of %s: %v, %d differences", to, from, err, r.Report.Different)
		}
	}
}

// Other programs write the keys in another order, with blanks between, and numbers in another way.
func TestALineThatWasWrittenAnewIsStillTheSame(t *testing.T) {
	var b bytes.Buffer
	for line := range bytes.Lines(text(t)) {
		object, err := parse(line)
		if err != nil {
			t.Fatal(err)
		}
		anew, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(bytes.ReplaceAll(anew, []byte(`,"`), []byte(` , "`)), '\n'))
	}
	log := strings.ReplaceAll(b.String(), `"metric":73.33333333333333`, `"metric":7.333333333333333e+1`)
	r, err := replayOf(t, log)
	if err != nil || r.Report.Decisions != 6 || r.Report.Different != 0 {
		t.Errorf("%v: %+v", err, r.Report)
	}
	for _, pair := range [][2]string{{"1", "1.0"}, {"1e3", "1000"}, {"-0", "-0.0"}} {
		if !same(json.Number(pair[0]), json.Number(pair[1])) {
			t.Errorf("%s is not %s", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"-0", "0"}, {"9007199254740993", "9007199254740992"}, {"1", "1.0000000000000000001"}} {
		if same(json.Number(pair[0]), json.Number(pair[1])) {
			t.Errorf("%s is %s", pair[0], pair[1])
		}
	}
}

func TestAZippedLogIsRead(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text(t)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := replayOf(t, b.String())
	if err != nil || r.Report.Decisions != 6 {
		t.Errorf("%v: %+v", err, r.Report)
	}
	if r, err = replayOf(t, b.String()[:b.Len()-30]); err != nil || r.Report.Decisions == 0 || len(r.Report.Torn) != 1 {
		t.Errorf("cut short: %v: %+v", err, r.Report)
	}
	if _, err = replayOf(t, "\x1f\x8bnonsense"); err == nil || !strings.Contains(err.Error(), "d.jsonl:1: gzip: invalid header") {
		t.Errorf("nonsense: %v", err)
	}
}

func TestASelectionIsALogOfItsOwn(t *testing.T) {
	var b bytes.Buffer
	r := &Replay{
		Match: func(k evaluator.Key) bool { return k.Service == "api" }, Since: noon.Add(time.Minute), Until: noon.Add(2 * time.Minute), Copy: &b,
	}
	var sentences []string
	r.Each = func(d *evaluator.Decision, sentence string) {
		sentences = append(sentences, d.Target.Service+": "+sentence)
	}
	if err := r.Log("d.jsonl", bytes.NewReader(text(t))); err != nil {
		t.Fatal(err)
	}
	if len(sentences) != 1 || !strings.HasPrefix(sentences[0], "api: Held at 2") {
		t.Errorf("the sentences are %q", sentences)
	}
	if got := bytes.Count(b.Bytes(), []byte("\n")); got != 3 {
		t.Errorf("%d lines were copied\n%s", got, b.String())
	}
	again, err := replayOf(t, b.String())
	if err != nil || again.Report.Decisions != 1 || again.Report.Different != 0 || !again.Report.From.Equal(noon.Add(time.Minute)) {
		t.Errorf("%v: %+v", err, again.Report)
	}
}

func TestAnUnreadableLogSaysWhere(t *testing.T) {
	log := string(text(t))
	lines := strings.SplitAfter(log, "\n")
	for name, c := range map[string]struct{ log, want string }{
		"nothing":              {"", "d.jsonl:1: this is no decision log"},
		"something else":       {"hello\nworld\n", "d.jsonl:1: this is no JSON"},
		"a word":               {"hello\n", "d.jsonl:1: this is no decision log"},
		"another log":          {`{"level":"info"}` + "\n", "d.jsonl:1: this is no decision log"},
		"no object":            {"7\n" + log, "d.jsonl:1: this is no decision log"},
		"a newer format":       {strings.Replace(log, `"format":1`, `"format":2`, 1), `d.jsonl:1: the log has format 2 and was written by version "1.2.3"; this version reads format 1: use the other one, or a newer one`},
		"no format":            {strings.Replace(log, `"format":1,`, ``, 1), "d.jsonl:1: the log has format null"},
		"no version":           {strings.Replace(log, `"1.2.3"`, `""`, 1), `d.jsonl:1: version: it must be the version`},
		"an unknown kind":      {lines[0] + `{"kind":"surprise"}` + "\n", `d.jsonl:2: the kind of a line must be log, target or decision, not "surprise"`},
		"a line in between":    {lines[0] + "{\n" + log, ""}, // as one that was cut short
		"a broken line":        {lines[0] + "{\n" + lines[1], "d.jsonl:2: this is no JSON"},
		"two in a line":        {lines[0] + strings.TrimSpace(lines[1]) + lines[1] + lines[2], "d.jsonl:2: this is no JSON"},
		"no target":            {lines[0] + lines[2], "d.jsonl:2: target: no line before this one describes the target"},
		"a changed target":     {strings.Replace(log, `"threshold":70`, `"threshold":71`, 1), "d.jsonl:2: the target is not the one that was written"},
		"an unknown field":     {strings.Replace(log, `"memory":{`, `"memory":{"surprise":{},`, 1), `d.jsonl:3: memory.surprise: this version of ecs-autoscaler does not know the field; the log was written by version "1.2.3": use that one`},
		"no time":              {strings.Replace(log, `"now":"`, `"now":"x`, 1), "d.jsonl:3: now: it must be a time"},
		"no observation":       {strings.Replace(log, `"observation":{`, `"observation":null,"memory":{`, 1), "d.jsonl:3: "},
		"another key":          {strings.Replace(log, `"observation":{`, `"foo":1,"observation":{`, 1), "d.jsonl:3: foo: this version of ecs-autoscaler does not know the field"},
		"an unknown outcome":   {regexp.MustCompile(`"outcome":"[a-z_]*"`).ReplaceAllString(log, `"outcome":"bogus"`), "d.jsonl:3: outcome: it must be the outcome of a write, such as none or written, not \"bogus\""},
		"more series":          {strings.Replace(log, `"series":[`, `"series":[null,`, 1), "d.jsonl:3: observation.series: the target has 1 metrics, not 2"},
		"an endless delay":     {strings.Replace(log, `"period":60,"values":[50`, `"period":1,"delay":999999999999,"values":[50`, 1), "d.jsonl:3: observation.series[0]: period must be above 0"},
		"the beginning is cut": {strings.Join(lines[2:], ""), "d.jsonl:1: this is no decision log"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := replayOf(t, c.log)
			if c.want == "" && err == nil {
				return
			}
			if err == nil || c.want == "" || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("it says %v, want %s", err, c.want)
			}
		})
	}
}

func TestALastLineThatIsCutShortIsSaidAndLeftOut(t *testing.T) {
	log := string(text(t))
	r, err := replayOf(t, log[:len(log)-40])
	if err != nil || r.Report.Decisions != 5 || len(r.Report.Torn) != 1 || r.Report.Torn[0] != (Place{"d.jsonl", 9}) {
		t.Fatalf("%v: %+v", err, r.Report)
	}
	var b strings.Builder
	if err := r.Report.Text(&b, "1.2.3"); err != nil || !strings.HasPrefix(b.String(), "d.jsonl:9: the line was cut short, as by a kill or a full disk, and is left out\n") {
		t.Errorf("%v: %s", err, b.String())
	}
	if r, err = replayOf(t, strings.TrimSuffix(log, "\n")); err != nil || r.Report.Decisions != 6 || len(r.Report.Torn) != 0 {
		t.Errorf("only the end of the line is missing: %v: %+v", err, r.Report)
	}
}

func TestTheReportForMachines(t *testing.T) {
	r, err := replayOf(t, strings.Replace(string(text(t)), `,90]`, `,91]`, 1))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Report.JSON(&b, "2.0"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\"version\": \"2.0\"", "\"logged_by\": [\n    \"1.2.3\"\n  ]", "\"decisions\": 6", "\"targets\": 2", "\"different\": 1", "\"torn\": []",
		"\"target\": \"shop/web\"", "\"file\": \"d.jsonl\"", "\"line\": 3", "\"from\": \"2026-01-31T12:00:00Z\"", "\"field\": \"policies[0].metric\"",
	} {
		if !json.Valid(b.Bytes()) || !strings.Contains(b.String(), want) {
			t.Errorf("it lacks %s:\n%s", want, b.String())
		}
	}
}

func TestNumbersArePutInGroups(t *testing.T) {
	for n, want := range map[int]string{0: "0", 12: "12", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

// FuzzReplay: whatever is in a file, it is read, or refused with a line of it.
func FuzzReplay(f *testing.F) {
	log := string(text(f))
	f.Add(log)
	f.Add(log[:len(log)/2])
	f.Add(strings.Replace(log, `"values":[50,null`, `"values":["+Inf",-1e308`, 1))
	f.Add(strings.Replace(log, `"end":`, `"end":-9`, -1))
	f.Add("{\"kind\":\"log\"}\n{\n")
	f.Fuzz(func(t *testing.T, log string) {
		var b bytes.Buffer
		r := &Replay{Copy: &b}
		err := r.Log("d.jsonl", strings.NewReader(log))
		if err == nil {
			if err := r.Report.Text(&b, "x"); err != nil {
				t.Fatal(err)
			}
			return
		}
		if !regexp.MustCompile(`^d\.jsonl:[1-9][0-9]*: .`).MatchString(err.Error()) {
			t.Errorf("without a line: %v", err)
		}
	})
}
