package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func coded(code string) error {
	return &smithy.OperationError{ServiceID: "ECS", OperationName: "UpdateService", Err: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: 400}},
		Err:      &smithy.GenericAPIError{Code: code, Message: "it says so", Fault: smithy.FaultClient},
	}}
}

func status(n int, inner error) error {
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: n}}, Err: inner}
}

// The taxonomy, class by class. All of them arrive with HTTP status 400, as ECS sends them: only the code tells.
var taxonomy = map[Class]string{
	OK: ``,
	Throttled: `Throttling ThrottlingException ThrottledException RequestThrottledException RequestThrottled TooManyRequestsException RequestLimitExceeded
		SlowDown PriorRequestNotComplete BandwidthLimitExceeded EC2ThrottledException ProvisionedThroughputExceededException TransactionInProgressException`,
	AccessDenied: `AccessDenied AccessDeniedException UnauthorizedOperation UnauthorizedException NotAuthorized Forbidden AuthFailure OptInRequired
		ExpiredToken ExpiredTokenException TokenRefreshRequired UnrecognizedClientException InvalidClientTokenId InvalidAccessKeyId NoCredentialProviders
		MissingAuthenticationToken MissingAuthenticationTokenException IncompleteSignature IncompleteSignatureException
		InvalidSignatureException SignatureDoesNotMatch RequestExpired RequestTimeTooSkewed BlockedException KmsAccessDeniedException`,
	NotFound: `ServiceNotFoundException ClusterNotFoundException NamespaceNotFoundException TaskSetNotFoundException TargetNotFoundException
		ServiceDeploymentNotFoundException DaemonNotFoundException GatewayNotFoundException ResourceNotFound ResourceNotFoundException`,
	NotActive: `ServiceNotActiveException ClusterNotActiveException DaemonNotActiveException`,
	Invalid: `InvalidParameterException ClientException PlatformUnknownException PlatformTaskDefinitionIncompatibilityException UnsupportedFeatureException
		MissingVersionException NoUpdateAvailableException AttributeLimitExceededException LimitExceededException LimitExceeded LimitExceededFault
		ValidationError ValidationException InvalidParameterValue InvalidParameterValueException InvalidParameterCombination InvalidParameterCombinationException
		MissingParameter MissingRequiredParameterException InvalidNextToken InvalidFormat InvalidFormatFault InvalidAction InvalidQueryParameter InvalidRequestException
		MalformedQueryString MissingAction SerializationException UnknownOperationException SomethingNobodyHasHeardOf`,
	Server: `ServerException InternalFailure InternalError InternalServerError InternalServerException InternalServiceError InternalServiceException InternalServiceFault
		ServiceUnavailable ServiceUnavailableException ConflictException ConcurrentModificationException ResourceConflict ResourceInUseException UpdateInProgressException`,
	Timeout: `RequestTimeout RequestTimeoutException`,
}

func TestEveryCodeHasItsClass(t *testing.T) {
	n := 0
	for class, codes := range taxonomy {
		for code := range strings.FieldsSeq(codes) {
			n++
			if got := Classify(coded(code)); got != class {
				t.Errorf("%s is %s, want %s", code, got, class)
			}
		}
	}
	if n-1 != len(codes) {
		t.Errorf("the table has %d codes, the program %d", n-1, len(codes))
	}
}

func TestWhatTheSDKThrottlesIsThrottledOrAQuota(t *testing.T) {
	for code := range retry.DefaultThrottleErrorCodes {
		if got := Classify(coded(code)); got != Throttled && code != "LimitExceededException" {
			t.Errorf("%s is %s", code, got)
		}
	}
}

func TestTheSDKsOwnErrorTypesHaveTheirClass(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Class
	}{
		{&ecstypes.AccessDeniedException{}, AccessDenied},
		{&ecstypes.BlockedException{}, AccessDenied},
		{&ecstypes.ClientException{}, Invalid},
		{&ecstypes.ClusterNotFoundException{}, NotFound},
		{&ecstypes.ConflictException{}, Server},
		{&ecstypes.InvalidParameterException{}, Invalid},
		{&ecstypes.LimitExceededException{}, Invalid},
		{&ecstypes.NamespaceNotFoundException{}, NotFound},
		{&ecstypes.PlatformTaskDefinitionIncompatibilityException{}, Invalid},
		{&ecstypes.PlatformUnknownException{}, Invalid},
		{&ecstypes.ResourceInUseException{}, Server},
		{&ecstypes.ServerException{}, Server},
		{&ecstypes.ServiceNotActiveException{}, NotActive},
		{&ecstypes.ServiceNotFoundException{}, NotFound},
		{&ecstypes.UnsupportedFeatureException{}, Invalid},
		{&ecstypes.UpdateInProgressException{}, Server},
		{&cwtypes.InternalServiceFault{}, Server},
		{&cwtypes.InvalidNextToken{}, Invalid},
		{&cwtypes.InvalidParameterCombinationException{}, Invalid},
		{&cwtypes.InvalidParameterValueException{}, Invalid},
		{&cwtypes.LimitExceededFault{}, Invalid},
		{&cwtypes.MissingRequiredParameterException{}, Invalid},
		{&cwtypes.ResourceNotFound{}, NotFound},
	} {
		if got := Classify(fmt.Errorf("wrapped: %w", c.err)); got != c.want {
			t.Errorf("%T is %s, want %s", c.err, got, c.want)
		}
	}
}

func TestFailuresWithoutACodeAreClassedByTheirKind(t *testing.T) {
	unknown := &smithy.GenericAPIError{Code: "Unheard"}
	for _, c := range []struct {
		name string
		err  error
		want Class
	}{
		{"nothing", nil, OK},
		{"deadline", fmt.Errorf("x: %w", context.DeadlineExceeded), Timeout},
		{"cancelled", &smithy.CanceledError{Err: context.Canceled}, Timeout},
		{"our own attempt timeout", attemptTimeoutError{1}, Timeout},
		{"network timeout", &net.OpError{Op: "read", Err: attemptTimeoutError{1}}, Timeout},
		{"name not found", &net.DNSError{IsNotFound: true}, Server},
		{"connection refused", &smithyhttp.RequestSendError{Err: &net.OpError{Op: "dial", Err: errors.New("refused")}}, Server},
		{"no credentials", &CredentialsError{errors.New("chain")}, AccessDenied},
		{"no credentials for want of an answer", &CredentialsError{context.DeadlineExceeded}, AccessDenied},
		{"no credentials because STS throttles", &CredentialsError{coded("Throttling")}, AccessDenied},
		{"static keys that are empty", fmt.Errorf("get identity: %w", &credentials.StaticCredentialsEmptyError{}), AccessDenied},
		{"no credentials at the start", fmt.Errorf("x: %w", ErrNoCredentials), AccessDenied},
		{"no region", &aws.MissingRegionError{}, Invalid},
		{"no region at the start", fmt.Errorf("x: %w", ErrNoRegion), Invalid},
		{"a request the SDK cannot build", &smithy.SerializationError{Err: errors.New("x")}, Invalid},
		{"a request that lacks a parameter", &smithy.InvalidParamsError{}, Invalid},
		{"status 401", status(401, unknown), AccessDenied},
		{"status 403", status(403, unknown), AccessDenied},
		{"status 404", status(404, unknown), NotFound},
		{"status 408", status(408, unknown), Timeout},
		{"status 429", status(429, unknown), Throttled},
		{"status 418", status(418, unknown), Invalid},
		{"status 500", status(500, unknown), Server},
		{"status 503 without a code", status(503, errors.New("html")), Server},
		{"status 504", status(504, unknown), Timeout},
		{"an answer that cannot be read", status(200, &smithy.DeserializationError{Err: errors.New("x")}), Server},
		{"a client's fault without status", &smithy.GenericAPIError{Code: "Unheard", Fault: smithy.FaultClient}, Invalid},
		{"a server's fault without status", &smithy.GenericAPIError{Code: "Unheard", Fault: smithy.FaultServer}, Server},
		{"anything else", errors.New("unheard"), Server},
	} {
		if got := Classify(c.err); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestTheTextOfAnErrorClassesNothing(t *testing.T) {
	misleading := &smithy.GenericAPIError{Code: "ValidationError", Message: "ThrottlingException AccessDenied timeout ServerException", Fault: smithy.FaultClient}
	if got := Classify(misleading); got != Invalid {
		t.Errorf("classed %s, want invalid", got)
	}
	if got := Classify(errors.New("AccessDeniedException: ThrottlingException")); got != Server {
		t.Errorf("classed %s, want server", got)
	}
}

func TestRetryIsForWhatPassesByItself(t *testing.T) {
	for class, want := range map[Class]bool{Throttled: true, Server: true, Timeout: true, AccessDenied: false, NotFound: false, NotActive: false, Invalid: false, OK: false} {
		if class.Retry() != want {
			t.Errorf("%s: Retry is %v", class, !want)
		}
	}
}

func TestAnExplanationSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name, operation string
		err             error
		want            string
	}{
		{"nothing", "UpdateService", nil, ""},
		{"denied", "UpdateService", coded("AccessDeniedException"), "ecs:UpdateService was denied: allow the action ecs:UpdateService in the IAM policy of the user or role the daemon runs as (deploy/iam/policy.json has the least one) (AccessDeniedException: it says so)"},
		{"operation of the error", "", coded("ThrottlingException"), "ecs:UpdateService was throttled: more requests than the account's rate allows; it is tried again by itself, and other callers in this account and region share the rate (ThrottlingException: it says so)"},
		{"a result of GetMetricData", "GetMetricData", &smithy.GenericAPIError{Code: "Forbidden"}, "cloudwatch:GetMetricData was denied: allow the action cloudwatch:GetMetricData in the IAM policy of the user or role the daemon runs as (deploy/iam/policy.json has the least one) (Forbidden)"},
		{"expired", "DescribeServices", coded("ExpiredTokenException"), "ecs:DescribeServices failed: the AWS credentials have expired; renew them (aws sso login, a new session token), and restart the daemon if they stand in its environment (ExpiredTokenException: it says so)"},
		{"unknown keys", "UpdateService", coded("UnrecognizedClientException"), "ecs:UpdateService failed: AWS does not know these credentials; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_PROFILE, and that they belong to this region's partition (UnrecognizedClientException: it says so)"},
		{"clock", "UpdateService", coded("RequestExpired"), "ecs:UpdateService failed: the request's time is too far from AWS's; set this machine's clock (chrony, systemd-timesyncd) (RequestExpired: it says so)"},
		{"no credentials", "UpdateService", &smithy.OperationError{ServiceID: "ECS", OperationName: "UpdateService", Err: &CredentialsError{errors.New("no EC2 IMDS role found")}}, "ecs:UpdateService was not sent: no AWS credentials could be had; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the ECS task or EC2 instance an IAM role (no EC2 IMDS role found)"},
		{"no region", "UpdateService", &aws.MissingRegionError{}, "ecs:UpdateService failed: no AWS region is known; set region in the configuration or AWS_REGION in the environment"},
		{"no cluster", "DescribeServices", coded("ClusterNotFoundException"), "ecs:DescribeServices failed: the cluster does not exist in this region and account; check the cluster's name, the region and the credentials (ClusterNotFoundException: it says so)"},
		{"no answer", "GetMetricData", attemptTimeoutError{1e10}, "cloudwatch:GetMetricData was not answered in time; it is tried again by itself; check the network, the endpoint and the region if it lasts (context deadline exceeded)"},
		{"action given in full", "iam:GetRole", errors.New("x"), "iam:GetRole failed on the side of AWS or on the way there; it is tried again by itself (x)"},
		{"nothing known", "", errors.New("a\nb. "), "the request failed on the side of AWS or on the way there; it is tried again by itself (a b)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Explain(c.err, c.operation); got != c.want {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestEveryClassAndCodeIsExplainedInOneLine(t *testing.T) {
	for code := range codes {
		got := Explain(coded(code), "UpdateService")
		if !strings.HasPrefix(got, "ecs:UpdateService ") || !strings.HasSuffix(got, "("+code+": it says so)") || strings.ContainsAny(got, "\n%") {
			t.Errorf("%s: %q", code, got)
		}
	}
}
