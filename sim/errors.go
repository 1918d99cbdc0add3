package sim

import (
	"fmt"
	"net/http"
	"strings"

	"ecs-autoscaler/sim/dynamo"
	"ecs-autoscaler/sim/wire"
)

// The error codes and texts are those that AWS answers (API ecs, cloudwatch, application-autoscaling: Errors; CommonErrors).

func reject(code, format string, args ...any) *wire.Error {
	return &wire.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

// parameter is an error of GetMetricStatistics and ListMetrics: its shape, and the code that the query protocol had.
func parameter(shape, query, format string, args ...any) *wire.Error {
	e := reject(shape, format, args...)
	e.QueryCode = query
	return e
}

func throttled(w *wire.Request) *wire.Error {
	if w.Service == wire.DynamoDB && !dynamo.Control(w.Operation) {
		return dynamo.Exceeded()
	}
	e := reject("ThrottlingException", "Rate exceeded")
	if w.Service == wire.CloudWatch || w.Service == wire.STS {
		e.QueryCode = "Throttling"
	}
	return e
}

func serverError(w *wire.Request) *wire.Error {
	switch w.Service {
	case wire.STS:
		return &wire.Error{Status: http.StatusInternalServerError, Code: "InternalFailure",
			Message: "The request processing has failed because of an unknown error, exception or failure."}
	case wire.CloudWatch:
		return &wire.Error{Status: http.StatusInternalServerError, Code: "InternalServiceFault", QueryCode: "InternalServiceError",
			Message: "Request processing has failed because of an unknown error, exception or failure."}
	case wire.DynamoDB:
		return &wire.Error{Status: http.StatusInternalServerError, Code: "InternalServerError", Message: "Internal server error"}
	case wire.AutoScaling:
		return &wire.Error{Status: http.StatusInternalServerError, Code: "InternalServiceException", Message: "The service encountered an internal error."}
	}
	return &wire.Error{Status: http.StatusInternalServerError, Code: "ServerException", Message: "Service Unavailable. Please try again later."}
}

func unknownOperation(w *wire.Request) *wire.Error {
	return reject("UnknownOperationException", "The simulated region does not have the operation %s of %s; it has %s",
		w.Operation, w.Service, strings.Join(operationsOf(w.Service), ", "))
}

// action is the name of the call in IAM.
func action(w *wire.Request) string { return w.Service + ":" + w.Operation }

// authenticate refuses requests without a signature, and with that of a session that is over. The signature itself is not checked.
func (c *call) authenticate() *wire.Error {
	if !c.caller.expires.IsZero() && !c.wall.Before(c.caller.expires) {
		return expired(c.wire)
	}
	if c.wire.Credential != "" {
		return nil
	}
	return credentialError(c.wire, "MissingAuthenticationTokenException", "MissingAuthenticationToken", "Missing Authentication Token")
}

// credentialError is 400 for the JSON services, and 403 for STS and CloudWatch, as the Query protocol has it.
func credentialError(w *wire.Request, code, query, message string) *wire.Error {
	e := reject(code, "%s", message)
	if w.Service == wire.CloudWatch || w.Service == wire.STS {
		e.Status, e.QueryCode = http.StatusForbidden, query
	}
	return e
}

func expired(w *wire.Request) *wire.Error {
	return credentialError(w, "ExpiredTokenException", "ExpiredToken", "The security token included in the request is expired")
}

func unrecognized(w *wire.Request) *wire.Error {
	return credentialError(w, "UnrecognizedClientException", "InvalidClientTokenId", "The security token included in the request is invalid.")
}

func (c *call) denied() *wire.Error {
	resource := "*"
	switch {
	case len(c.services) > 0:
		resource = c.region.arn("ecs", "service/"+c.services[0].String())
	case len(c.tables) > 0:
		resource = c.region.arn("dynamodb", "table/"+c.tables[0])
	case c.wire.Service == wire.STS && c.in.Has("RoleArn"):
		resource = c.in.Text("RoleArn")
	}
	return credentialError(c.wire, "AccessDeniedException", "AccessDenied", fmt.Sprintf(
		"User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		c.caller.arn, action(c.wire), resource, action(c.wire)))
}
