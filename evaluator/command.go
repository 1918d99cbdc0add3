package evaluator

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Verb is what a command does.
type Verb string

// The commands that steer a target.
const (
	Suspend     Verb = "suspend"
	Resume      Verb = "resume"
	Override    Verb = "override"
	EndOverride Verb = "end"
)

// The limits of a command: how long what it asks for may last, and how many bytes a reason may have.
const (
	ShortestSteering = time.Minute
	LongestSteering  = 31 * 24 * time.Hour
	MostReason       = 200
)

// Command is what a person asks of a target. Suspend and Override begin something, for some time and with a reason; Resume and
// EndOverride end it before its time.
type Command struct {
	Verb Verb
	// Scaling are the kinds that Suspend and Resume are about, none of them is all three.
	Scaling []Steers
	// Desired is the count of Override.
	Desired int
	// For is how long it lasts, a whole number of seconds.
	For time.Duration
	// Reason is why, in one line of at most MostReason bytes.
	Reason string
}

// begins says that the command begins something.
func (c *Command) begins() bool { return c.Verb == Suspend || c.Verb == Override }

// about are the kinds that the command is about.
func (c *Command) about() []Steers {
	switch {
	case c.Verb == Override || c.Verb == EndOverride:
		return []Steers{SteersCount}
	case len(c.Scaling) == 0:
		return suspendable
	default:
		return c.Scaling
	}
}

// Check says what is wrong with a command, in words for whoever gave it.
func (c *Command) Check() error {
	for i, s := range c.Scaling {
		if told(s) == len(suspendable) {
			return fmt.Errorf("%q is no kind of scaling; it is one of in, out, scheduled", s)
		}
		if slices.Contains(c.Scaling[:i], s) {
			return fmt.Errorf("%s is named twice", s)
		}
	}
	if c.Desired < 0 || c.Desired > math.MaxInt32 {
		return fmt.Errorf("the desired count must be 0 or more, not %d", c.Desired)
	}
	if c.begins() {
		if err := checkDuration(c.For); err != nil {
			return err
		}
	}
	return c.checkReason()
}

func checkDuration(d time.Duration) error {
	switch {
	case d == 0:
		return errors.New("say for how long, such as 2h; it ends by itself")
	case d%time.Second != 0:
		return fmt.Errorf("%s is not a whole number of seconds", d)
	case d < ShortestSteering || d > LongestSteering:
		return fmt.Errorf("%s is too short or too long; it must be from 1 minute to 31 days (744h)", d)
	default:
		return nil
	}
}

// checkReason wants one line that can be shown anywhere.
func (c *Command) checkReason() error {
	switch {
	case c.begins() && strings.TrimSpace(c.Reason) == "":
		return errors.New("say why, in a reason: it is what others read when they wonder")
	case len(c.Reason) > MostReason:
		return fmt.Errorf("the reason has %d bytes; %d is the most", len(c.Reason), MostReason)
	case !utf8.ValidString(c.Reason):
		return errors.New("the reason is not valid UTF-8")
	case strings.ContainsFunc(c.Reason, unprintable):
		return errors.New("the reason must be one line without control characters")
	default:
		return nil
	}
}

// unprintable are the characters that would do something to a terminal or a line of a log.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// ParseDuration reads how long something lasts as configurations do: whole seconds (60), or a Go duration (60s, 5m, 2h).
func ParseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if n, whole := strconv.ParseInt(text, 10, 32); whole == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil {
		return 0, fmt.Errorf("%q is no duration; write one such as 90m, 2h or 36h, or a number of seconds", text)
	}
	return d, nil
}
