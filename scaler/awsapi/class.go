package awsapi

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
)

// Class is what an AWS error means to the daemon. The set is closed: it is a metric label, part of
// an outcome ("failed:throttled"), and decides between trying again and holding.
type Class string

// The classes. OK is only a metric label: Classify gives it for a nil error.
const (
	OK           Class = "ok"
	Throttled    Class = "throttled"
	AccessDenied Class = "access_denied"
	NotFound     Class = "not_found"
	NotActive    Class = "not_active"
	Invalid      Class = "invalid"
	Server       Class = "server"
	Timeout      Class = "timeout"
)

// Retry says whether the same request may succeed at the next pass by itself. The others stay as
// they are until a person changes the configuration, the service or the permissions.
func (c Class) Retry() bool {
	return c == Throttled || c == Server || c == Timeout
}

// codes has the error codes of ECS (aws-semantics 8.1), of CloudWatch, of STS and of every AWS
// service (API CommonErrors), each once.
var codes = map[string]Class{
	"BandwidthLimitExceeded":                 Throttled,
	"EC2ThrottledException":                  Throttled,
	"PriorRequestNotComplete":                Throttled,
	"ProvisionedThroughputExceededException": Throttled,
	"RequestLimitExceeded":                   Throttled,
	"RequestThrottled":                       Throttled,
	"RequestThrottledException":              Throttled,
	"SlowDown":                               Throttled,
	"ThrottledException":                     Throttled,
	"Throttling":                             Throttled,
	"ThrottlingException":                    Throttled,
	"TooManyRequestsException":               Throttled,
	"TransactionInProgressException":         Throttled,

	"AccessDenied":                         AccessDenied,
	"AccessDeniedException":                AccessDenied,
	"AuthFailure":                          AccessDenied,
	"BlockedException":                     AccessDenied,
	"ExpiredToken":                         AccessDenied,
	"ExpiredTokenException":                AccessDenied,
	"Forbidden":                            AccessDenied,
	"IncompleteSignature":                  AccessDenied,
	"IncompleteSignatureException":         AccessDenied,
	"InvalidAccessKeyId":                   AccessDenied,
	"InvalidClientTokenId":                 AccessDenied,
	"InvalidSignatureException":            AccessDenied,
	"KmsAccessDeniedException":             AccessDenied,
	"MissingAuthenticationToken":           AccessDenied,
	"MissingAuthenticationTokenException":  AccessDenied,
	"NoCredentialProviders":                AccessDenied,
	"NotAuthorized":                        AccessDenied,
	"OptInRequired":                        AccessDenied,
	"RequestExpired":                       AccessDenied,
	"RequestTimeTooSkewed":                 AccessDenied,
	"SignatureDoesNotMatch":                AccessDenied,
	"TokenRefreshRequired":                 AccessDenied,
	"UnauthorizedException":                AccessDenied,
	"UnauthorizedOperation":                AccessDenied,
	"UnrecognizedClientException":          AccessDenied,
	"ClusterNotFoundException":             NotFound,
	"DaemonNotFoundException":              NotFound,
	"GatewayNotFoundException":             NotFound,
	"NamespaceNotFoundException":           NotFound,
	"ResourceNotFound":                     NotFound,
	"ResourceNotFoundException":            NotFound,
	"ServiceDeploymentNotFoundException":   NotFound,
	"ServiceNotFoundException":             NotFound,
	"TargetNotFoundException":              NotFound,
	"TaskSetNotFoundException":             NotFound,
	"ClusterNotActiveException":            NotActive,
	"DaemonNotActiveException":             NotActive,
	"ServiceNotActiveException":            NotActive,
	"AttributeLimitExceededException":      Invalid,
	"ClientException":                      Invalid,
	"InvalidAction":                        Invalid,
	"InvalidFormat":                        Invalid,
	"InvalidFormatFault":                   Invalid,
	"InvalidNextToken":                     Invalid,
	"InvalidParameterCombination":          Invalid,
	"InvalidParameterCombinationException": Invalid,
	"InvalidParameterException":            Invalid,
	"InvalidParameterValue":                Invalid,
	"InvalidParameterValueException":       Invalid,
	"InvalidQueryParameter":                Invalid,
	"InvalidRequestException":              Invalid,
	"MalformedQueryString":                 Invalid,
	"MissingAction":                        Invalid,
	"MissingParameter":                     Invalid,
	"MissingRequiredParameterException":    Invalid,
	"MissingVersionException":              Invalid,
	"NoUpdateAvailableException":           Invalid,
	"PlatformUnknownException":             Invalid,
	"SerializationException":               Invalid,
	"UnknownOperationException":            Invalid,
	"UnsupportedFeatureException":          Invalid,
	"ValidationError":                      Invalid,
	"ValidationException":                  Invalid,
	// A quota is no throttle: the same request fails until somebody raises the quota.
	"LimitExceeded":                                  Invalid,
	"LimitExceededException":                         Invalid,
	"LimitExceededFault":                             Invalid,
	"PlatformTaskDefinitionIncompatibilityException": Invalid,

	// Somebody else's change is under way; it ends by itself.
	"ConcurrentModificationException": Server,
	"ConflictException":               Server,
	"ResourceConflict":                Server,
	"ResourceInUseException":          Server,
	"UpdateInProgressException":       Server,
	"InternalError":                   Server,
	"InternalFailure":                 Server,
	"InternalServerError":             Server,
	"InternalServerException":         Server,
	"InternalServiceError":            Server,
	"InternalServiceException":        Server,
	"InternalServiceFault":            Server,
	"ServerException":                 Server,
	"ServiceUnavailable":              Server,
	"ServiceUnavailableException":     Server,

	"RequestTimeout":          Timeout,
	"RequestTimeoutException": Timeout,
}

// CredentialsError says that no credentials could be had, so that no request was sent.
type CredentialsError struct{ Err error }

// Error is the text of the cause.
func (e *CredentialsError) Error() string { return "no AWS credentials: " + e.Err.Error() }

// Unwrap is the cause as the SDK's credential chain gave it.
func (e *CredentialsError) Unwrap() error { return e.Err }

// Classify puts an error of an AWS call into its class: by error code, else by what kind of failure
// it is (credentials, deadline, network), else by HTTP status. It never looks at an error's text.
func Classify(err error) Class {
	if err == nil {
		return OK
	}
	if ofCredentials(err) {
		return AccessDenied
	}
	if c, ok := codes[Code(err)]; ok {
		return c
	}
	if outOfTime(err) {
		return Timeout
	}
	if c, ok := classifyStatus(err); ok {
		return c
	}
	return classifyRest(err)
}

// Code is the error code AWS answered with, empty when AWS did not answer.
func Code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// ofCredentials is asked first: what goes wrong while credentials are fetched (a timeout of the
// instance's metadata, say) says nothing about the service that was to be called.
func ofCredentials(err error) bool {
	if _, ok := errors.AsType[*CredentialsError](err); ok || errors.Is(err, ErrNoCredentials) {
		return true
	}
	_, ok := errors.AsType[*credentials.StaticCredentialsEmptyError](err)
	return ok
}

func outOfTime(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

func classifyStatus(err error) (Class, bool) {
	s, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err)
	if !ok {
		return "", false
	}
	return statusClass(s.HTTPStatusCode())
}

func statusClass(status int) (Class, bool) {
	switch {
	case status == http.StatusTooManyRequests:
		return Throttled, true
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return AccessDenied, true
	case status == http.StatusNotFound:
		return NotFound, true
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		return Timeout, true
	case status >= http.StatusInternalServerError:
		return Server, true
	case status >= http.StatusBadRequest:
		return Invalid, true
	}
	return "", false
}

// classifyRest has what came without a status: an error that a test or a client made, a request the
// SDK refused to build, a connection that broke.
func classifyRest(err error) Class {
	if _, ok := errors.AsType[*aws.MissingRegionError](err); ok || errors.Is(err, ErrNoRegion) {
		return Invalid
	}
	if _, ok := errors.AsType[*smithy.SerializationError](err); ok {
		return Invalid
	}
	if _, ok := errors.AsType[*smithy.InvalidParamsError](err); ok {
		return Invalid
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorFault() == smithy.FaultClient {
		return Invalid
	}
	return Server
}
