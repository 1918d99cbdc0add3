package scaling

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// schedule is an expression of a scheduled action. due says whether it fires after one instant, up to another at most a
// minute later; a rate counts from `from`.
type schedule interface {
	due(from, after, upTo time.Time) bool
}

// once is at(…).
type once struct{ at time.Time }

func (o once) due(_, after, upTo time.Time) bool { return o.at.After(after) && !o.at.After(upTo) }

// rate is rate(…).
type rate time.Duration

func (r rate) due(from, after, upTo time.Time) bool {
	every := time.Duration(r)
	return upTo.Sub(from) >= every && upTo.Sub(from)/every != after.Sub(from)/every
}

var ratePattern = regexp.MustCompile(`^\s*(\d{1,7})\s+(minute|hour|day)s?\s*$`)

// parseSchedule reads an expression; its times are in the zone.
func parseSchedule(text string, zone *time.Location) (schedule, error) {
	kind, rest, _ := strings.Cut(text, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	if !closed {
		return nil, fmt.Errorf("it is none of at(yyyy-mm-ddThh:mm:ss), rate(value unit) and cron(fields)")
	}
	switch kind {
	case "at":
		at, err := time.ParseInLocation("2006-01-02T15:04:05", inner, zone)
		if err != nil {
			return nil, fmt.Errorf("write at(yyyy-mm-ddThh:mm:ss)")
		}
		return once{at}, nil
	case "rate":
		m := ratePattern.FindStringSubmatch(inner)
		if m == nil || strings.Trim(m[1], "0") == "" {
			return nil, fmt.Errorf("write rate(value unit) with a unit of minutes, hours or days")
		}
		n, err := strconv.Atoi(m[1])
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]]
		return rate(time.Duration(min(n, 100_000)) * unit), err
	case "cron":
		return parseCron(inner, zone)
	}
	return nil, fmt.Errorf("%s is none of at, rate and cron", kind)
}
