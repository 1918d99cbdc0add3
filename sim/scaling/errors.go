package scaling

import (
	"fmt"
	"net/http"
	"strings"

	"ecs-autoscaler/sim/wire"
)

// The codes are those of the API models (application-autoscaling, cloudwatch: Errors).

func reject(code, format string, args ...any) *wire.Error {
	return &wire.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *wire.Error {
	return reject("ValidationException", format, args...)
}

// constraint is the form in which AWS refuses a value of its API model; value is quoted, or null.
func constraint(value, member, rule string, args ...any) *wire.Error {
	return invalid("1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", value, member, fmt.Sprintf(rule, args...))
}

func missing(member string) *wire.Error {
	return constraint("null", member, "Member must not be null")
}

func oneOf(value, member string, allowed []string) *wire.Error {
	return constraint("'"+value+"'", member, "Member must satisfy enum value set: [%s]", strings.Join(allowed, ", "))
}

// notFound is the answer for what is not there: a scalable target, scaling policy or scheduled action.
func notFound(what, resource, name string) *wire.Error {
	text := fmt.Sprintf("No %s found for service namespace: %s, resource ID: %s, scalable dimension: %s", what, namespace, resource, dimension)
	if name != "" {
		text += ": " + name
	}
	return reject("ObjectNotFoundException", "%s", text)
}

// rule is something that must not be, and the answer where it is.
type rule struct {
	broken bool
	err    *wire.Error
}

// firstBroken is the answer of the first rule that is broken, nil if all hold.
func firstBroken(rules ...rule) *wire.Error {
	for _, r := range rules {
		if r.broken {
			return r.err
		}
	}
	return nil
}

// badAlarm is CloudWatch's refusal of a parameter; query is its code in the Query protocol.
func badAlarm(format string, args ...any) *wire.Error {
	return reject("ValidationError", format, args...)
}
