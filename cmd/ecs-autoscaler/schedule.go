package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator/schedule"
)

// scheduleFlags are the flags of schedule.
type scheduleFlags struct {
	timezone, start, end, from, output string
	next                               int
}

// maxNext is the most fires that are shown.
const maxNext = 1000

func newSchedule() *cobra.Command {
	var f scheduleFlags
	cmd := &cobra.Command{
		Use:   "schedule EXPR",
		Short: "Show when an at, rate or cron expression fires, or what is wrong with it",
		Long: `Show the next fires of a schedule expression, in its time zone and in UTC. An expression that is not
right is exit code 1, with the place of the mistake and what was probably meant. docs/schedules.md
teaches the dialect.`,
		Example: `  ecs-autoscaler schedule "cron(0 8 ? * MON-FRI *)" --timezone Europe/London
  ecs-autoscaler schedule "rate(5 hours)" --start 2026-01-30T12:00:00Z --end 2026-01-31T22:00:00Z --from 2026-01-30T00:00:00Z`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("schedule takes one expression, not %d arguments: put it in quotes, as in \"cron(0 8 ? * MON-FRI *)\"", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return showSchedule(cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.timezone, "timezone", "UTC", "IANA `ZONE` of at and cron, such as Europe/London")
	flags.IntVar(&f.next, "next", 5, fmt.Sprintf("how many fires, 1 to %d", maxNext))
	flags.StringVar(&f.start, "start", "", "start_time of the action: a `TIME` such as 2026-01-31T17:00:00Z")
	flags.StringVar(&f.end, "end", "", "end_time of the action: a `TIME`")
	flags.StringVar(&f.from, "from", "", "show what fires after this `TIME` (default: now)")
	outputFlag(cmd, &f.output)
	return cmd
}

// showSchedule answers in text or JSON. Everything but a wrong expression is wrong usage.
func showSchedule(stdout, stderr io.Writer, text string, f scheduleFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	s, from, err := f.schedule(time.Now())
	if err != nil {
		return err
	}
	s.Expression, err = schedule.Parse(text)
	if wrong, ok := errors.AsType[*schedule.Error](err); ok {
		return showMistake(stdout, stderr, wrong, f.output)
	}
	var fires []time.Time
	at, more := s.Next(from, from)
	for ; more && len(fires) < f.next; at, more = s.Next(at, from) {
		fires = append(fires, at)
	}
	if f.output == "json" {
		return firesJSON(stdout, s, fires)
	}
	about(stdout, s, from)
	if err := firesText(stdout, s, fires, from); err != nil {
		return err
	}
	if !more && len(fires) > 0 {
		fmt.Fprintln(stdout, "It does not fire after that.")
	}
	return nil
}

// check looks at the flags that stand for themselves.
func (f scheduleFlags) check() error {
	if f.next < 1 || f.next > maxNext {
		return fmt.Errorf("--next %d: must be from 1 to %d", f.next, maxNext)
	}
	return checkOutput(f.output)
}

// schedule is what the flags say: the zone, the bounds and where to look from.
func (f scheduleFlags) schedule(now time.Time) (*schedule.Schedule, time.Time, error) {
	s, from := &schedule.Schedule{}, now
	zone, err := config.Timezone(f.timezone)
	if err != nil {
		return s, from, fmt.Errorf("--timezone: %w", err)
	}
	s.Zone = zone
	for _, t := range []struct {
		flag, text string
		at         *time.Time
	}{{"start", f.start, &s.Start}, {"end", f.end, &s.End}, {"from", f.from, &from}} {
		if t.text == "" {
			continue
		}
		if *t.at, err = time.Parse(time.RFC3339, t.text); err != nil {
			return s, from, fmt.Errorf("--%s %s: must be a time such as 2026-01-31T17:00:00Z", t.flag, t.text)
		}
	}
	if !s.Start.IsZero() && !s.End.IsZero() && !s.End.After(s.Start) {
		return s, from, fmt.Errorf("--end %s: must be after --start %s", f.end, f.start)
	}
	return s, from, nil
}

// showMistake says what is wrong with the expression; the exit code is 1.
func showMistake(stdout, stderr io.Writer, wrong *schedule.Error, output string) error {
	if output != "json" {
		wrongText(stderr, wrong)
		return exitError{code: 1}
	}
	if err := wrongJSON(stdout, wrong); err != nil {
		return err
	}
	return exitError{code: 1}
}

// wrongText shows the expression with a caret below what is wrong.
func wrongText(w io.Writer, e *schedule.Error) {
	before := utf8.RuneCountInString(e.Text[:e.Offset])
	wrong := max(1, utf8.RuneCountInString(e.Text[e.Offset:e.Offset+e.Length]))
	line := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, e.Text)
	fmt.Fprintf(w, "ecs-autoscaler: %s\n", e.Problem)
	if line != "" {
		fmt.Fprintf(w, "    %s\n    %s%s\n", line, strings.Repeat(" ", before), strings.Repeat("^", wrong))
	}
	for hint := range strings.SplitSeq(e.Hint, "; ") {
		if hint != "" {
			fmt.Fprintln(w, hint)
		}
	}
}

// about says what the fires are those of.
func about(w io.Writer, s *schedule.Schedule, from time.Time) {
	fmt.Fprintf(w, "%s in %s, from %s\n", s.Expression, s.Zone, from.In(s.Zone).Format(localForm))
	if s.Expression.Kind() == schedule.Rate && s.Start.IsZero() {
		fmt.Fprintln(w, "A rate without a start counts from the registration of its action; here it counts from --from.")
	}
}

// firesText is a table of the fires: local time, UTC, and how far away they are.
func firesText(w io.Writer, s *schedule.Schedule, fires []time.Time, from time.Time) error {
	if s.Never() {
		_, err := fmt.Fprintln(w, "It never fires: its date or its local time does not exist, or lies outside --start and --end.")
		return err
	}
	if len(fires) == 0 {
		_, err := fmt.Fprintln(w, "It does not fire any more.")
		return err
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "LOCAL\tUTC\tIN")
	for _, at := range fires {
		local := at.In(s.Zone).Format(localForm)
		fmt.Fprintf(table, "%s\t%s\t%s%s\n", local, at.Format(time.RFC3339), distance(at.Sub(from)), remark(s, at))
	}
	return table.Flush()
}

// localForm has the weekday, the name of the zone at that time, and its offset, because the name alone may not be unique.
const localForm = "Mon 2006-01-02 15:04:05 MST (-07:00)"

// remark marks local times that mean two instants.
func remark(s *schedule.Schedule, at time.Time) string {
	if s.Expression.Kind() == schedule.Rate || !s.ComesTwice(at) {
		return ""
	}
	return "  this local time comes twice; it fires the first time only"
}

// distance is a duration in its two largest units.
func distance(d time.Duration) string {
	d = d.Round(time.Second)
	minutes := int64(d / time.Minute)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("in %ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("in %dm %ds", minutes, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("in %dh %dm", minutes/60, minutes%60)
	}
	return fmt.Sprintf("in %dd %dh", minutes/1440, minutes/60%24)
}

// firesJSON is the machine's form: {"expression","timezone","fires":[{"local","utc"}]}.
func firesJSON(w io.Writer, s *schedule.Schedule, fires []time.Time) error {
	type fire struct {
		Local string `json:"local"`
		UTC   string `json:"utc"`
	}
	out := struct {
		Expression string `json:"expression"`
		Timezone   string `json:"timezone"`
		Fires      []fire `json:"fires"`
	}{s.Expression.String(), s.Zone.String(), []fire{}}
	for _, at := range fires {
		out.Fires = append(out.Fires, fire{at.In(s.Zone).Format(time.RFC3339), at.Format(time.RFC3339)})
	}
	return writeJSON(w, out)
}

// wrongJSON is the machine's form of a mistake: {"expression","error":{"offset","length","problem","hint"}}, bytes from 0.
func wrongJSON(w io.Writer, e *schedule.Error) error {
	type mistake struct {
		Offset  int    `json:"offset"`
		Length  int    `json:"length"`
		Problem string `json:"problem"`
		Hint    string `json:"hint"`
	}
	return writeJSON(w, struct {
		Expression string  `json:"expression"`
		Error      mistake `json:"error"`
	}{e.Text, mistake{e.Offset, e.Length, e.Problem, e.Hint}})
}
