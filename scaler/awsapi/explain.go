package awsapi

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// advice says what to do about codes whose class alone says too little. %s is the IAM action.
var advice = map[string]string{
	"ExpiredToken":                "%s failed: the AWS credentials have expired; renew them (aws sso login, a new session token), and restart the daemon if they stand in its environment",
	"UnrecognizedClientException": "%s failed: AWS does not know these credentials; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_PROFILE, and that they belong to this region's partition",
	"SignatureDoesNotMatch":       "%s failed: AWS rejects the request's signature; check AWS_SECRET_ACCESS_KEY and this machine's clock",
	"RequestTimeTooSkewed":        "%s failed: the request's time is too far from AWS's; set this machine's clock (chrony, systemd-timesyncd)",
	"OptInRequired":               "%s failed: the account is not opted in to this region or service; enable it in the account settings or choose another region",
	"BlockedException":            "%s failed: the AWS account is blocked; contact AWS Support",
	"ClusterNotFoundException":    "%s failed: the cluster does not exist in this region and account; check the cluster's name, the region and the credentials",
	"ServiceNotFoundException":    "%s failed: the service does not exist in its cluster; check the name, or remove the target from the configuration",
	"ServiceNotActiveException":   "%s failed: the service is not ACTIVE (deleted or draining); create it anew, or remove the target from the configuration",
	"LimitExceededException":      "%s failed: a quota of the account is reached; ask AWS for a higher one (Service Quotas) or lower max_capacity",
	"ServiceQuotaExceeded":        "%s failed: a quota of the account is reached; ask AWS for a higher one (Service Quotas) or lower max_capacity",
}

// alike maps codes onto the one of the same meaning that advice has.
var alike = map[string]string{
	"ExpiredTokenException":               "ExpiredToken",
	"TokenRefreshRequired":                "ExpiredToken",
	"InvalidClientTokenId":                "UnrecognizedClientException",
	"InvalidAccessKeyId":                  "UnrecognizedClientException",
	"AuthFailure":                         "UnrecognizedClientException",
	"MissingAuthenticationToken":          "UnrecognizedClientException",
	"MissingAuthenticationTokenException": "UnrecognizedClientException",
	"InvalidSignatureException":           "SignatureDoesNotMatch",
	"IncompleteSignature":                 "SignatureDoesNotMatch",
	"IncompleteSignatureException":        "SignatureDoesNotMatch",
	"RequestExpired":                      "RequestTimeTooSkewed",
	"LimitExceeded":                       "LimitExceededException",
	"LimitExceededFault":                  "LimitExceededException",
}

// byClass is the advice for every code without its own. %s is the IAM action.
var byClass = map[Class]string{
	OK:           "%s succeeded",
	Throttled:    "%s was throttled: more requests than the account's rate allows; it is tried again by itself, and other callers in this account and region share the rate",
	AccessDenied: "%s was denied: allow the action %[1]s in the IAM policy of the user or role the daemon runs as (deploy/iam/policy.json has the least one)",
	NotFound:     "%s failed: what it names does not exist; check names, region and account",
	NotActive:    "%s failed: what it names is not active any more; check the service and the cluster",
	Invalid:      "%s was refused as invalid: the same request fails again until the configuration or the service changes",
	Server:       "%s failed on the side of AWS or on the way there; it is tried again by itself",
	Timeout:      "%s was not answered in time; it is tried again by itself; check the network, the endpoint and the region if it lasts",
}

// Explain is one sentence for a person: which operation failed, what to do, and in parentheses the
// code and AWS's own words. operation is an API operation such as UpdateService; the error's own
// operation is taken when it is empty. A nil error gives the empty string.
func Explain(err error, operation string) string {
	if err == nil {
		return ""
	}
	action := iamAction(err, operation)
	if _, ok := errors.AsType[*aws.MissingRegionError](err); ok || errors.Is(err, ErrNoRegion) {
		return action + " failed: no AWS region is known; set region in the configuration or AWS_REGION in the environment"
	}
	if _, ok := errors.AsType[*RoleError](err); ok {
		return action + " was not sent: " + ExplainRole(err)
	}
	if ofCredentials(err) {
		return fmt.Sprintf("%s was not sent: no AWS credentials could be had; %s (%s)", action, credentialsAdvice, Brief(err))
	}
	code := Code(err)
	if same, ok := alike[code]; ok {
		code = same
	}
	text, ok := advice[code]
	if !ok {
		text = byClass[Classify(err)]
	}
	return fmt.Sprintf(text, action) + " (" + Brief(err) + ")"
}

// Brief is the code and message AWS answered with, without request ids and the SDK's wrapping, on one
// line; or the innermost cause when AWS did not answer.
func Brief(err error) string {
	text := innermost(err).Error()
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		text = api.ErrorCode()
		if m := api.ErrorMessage(); m != "" {
			text += ": " + m
		}
	}
	return strings.TrimRight(strings.Join(strings.Fields(text), " "), ". ")
}

func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// iamAction is ecs:UpdateService for UpdateService: IAM's name of the operation.
func iamAction(err error, operation string) string {
	service := "ecs"
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		service = strings.ToLower(strings.ReplaceAll(op.Service(), " ", "-"))
		if operation == "" {
			operation = op.Operation()
		}
	} else if operation == "GetMetricData" {
		service = "cloudwatch"
	}
	switch {
	case operation == "":
		return "the request"
	case strings.Contains(operation, ":"):
		return operation
	}
	return service + ":" + operation
}
