package decisionlog

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"ecs-autoscaler/evaluator/schedule"
)

// schedules is the form of a schedule, the one thing in a target that is no plain value. A zone is told by its name: its rules
// are those of whoever reads the log.
type schedules struct {
	Expression string
	Zone       string
	Start, End time.Time
}

// schedule is the codec of the evaluator's interface.
func (all codecs) schedule() codec {
	form := all.of(reflect.TypeFor[schedules]())
	return codec{
		write: func(b []byte, v reflect.Value) ([]byte, error) { return writeSchedule(b, form, v) },
		read:  func(from any, into reflect.Value) error { return readSchedule(from, form, into) },
	}
}

func writeSchedule(b []byte, as *codec, v reflect.Value) ([]byte, error) {
	s, ok := reflect.TypeAssert[*schedule.Schedule](v)
	if !ok || s == nil {
		return b, fmt.Errorf(unwritableText, fmt.Sprintf("%T", v.Interface()))
	}
	form := schedules{Expression: s.Expression.String(), Start: s.Start, End: s.End}
	if s.Zone != nil {
		form.Zone = s.Zone.String()
	}
	if form.Zone == time.Local.String() {
		return b, errors.New("a schedule in the zone of this machine means something else on another one")
	}
	return as.write(b, reflect.ValueOf(form))
}

func readSchedule(from any, as *codec, into reflect.Value) error {
	var form schedules
	if err := as.read(from, reflect.ValueOf(&form).Elem()); err != nil {
		return err
	}
	expression, err := schedule.Parse(form.Expression)
	if err != nil {
		return err
	}
	s := &schedule.Schedule{Expression: expression, Start: form.Start, End: form.End}
	if form.Zone != "" {
		if s.Zone, err = time.LoadLocation(form.Zone); err != nil || form.Zone == time.Local.String() {
			return fmt.Errorf("the time zone %q is not known here", form.Zone)
		}
	}
	into.Set(reflect.ValueOf(s))
	return nil
}
