package wire

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Protocol is how a request and its answer are written.
type Protocol int

// The protocols of the services.
const (
	JSON11 Protocol = iota // ECS, Application Auto Scaling
	JSON10                 // DynamoDB, and CloudWatch from the AWS CLI
	CBOR2                  // CloudWatch from the Go SDK: Smithy RPC v2 CBOR
)

// The services.
const (
	ECS         = "ecs"
	CloudWatch  = "cloudwatch"
	AutoScaling = "application-autoscaling"
	DynamoDB    = "dynamodb"
)

// services maps the first half of X-Amz-Target, or the service of an RPC v2 path, to a service.
var services = map[string]string{
	"AmazonEC2ContainerServiceV20141113": ECS,
	"GraniteServiceVersion20100801":      CloudWatch,
	"AnyScaleFrontendService":            AutoScaling,
	"DynamoDB_20120810":                  DynamoDB,
}

// maxBody is above the largest request that AWS takes; it bounds what a gzip bomb can do.
const maxBody = 8 << 20

// Request is a call as it came over the wire.
type Request struct {
	Service, Operation string
	Protocol           Protocol
	// Body is the payload, inflated.
	Body []byte
	// Input is the decoded payload.
	Input map[string]any
	// Credential is the access key of the signature, "" when the request is not signed.
	Credential string
	// Region is the region the request was signed for.
	Region string
}

// Read takes an HTTP request apart. A *Error is answered in the protocol of the request; the Request is never nil and
// holds what is known so far.
func Read(req *http.Request) (*Request, *Error) {
	r := &Request{}
	if err := r.address(req); err != nil {
		return r, err
	}
	r.Credential, r.Region = signer(req)
	body, err := readBody(req)
	if err != nil {
		return r, &Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: err.Error()}
	}
	r.Body = body
	if r.Input, err = r.Decode(); err != nil {
		return r, &Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: err.Error()}
	}
	return r, nil
}

// address finds service, operation and protocol.
func (r *Request) address(req *http.Request) *Error {
	unknown := &Error{Status: http.StatusNotFound, Code: "UnknownOperationException", Message: fmt.Sprintf(
		"%s %s is no call of ECS, CloudWatch (JSON or RPC v2 CBOR), Application Auto Scaling or DynamoDB", req.Method, req.URL.Path)}
	if req.Method != http.MethodPost {
		return unknown
	}
	if req.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" {
		r.Protocol = CBOR2
		parts := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
		if len(parts) != 4 || parts[0] != "service" || parts[2] != "operation" {
			return unknown
		}
		r.Service, r.Operation = services[parts[1]], parts[3]
	} else {
		if strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-amz-json-1.0") {
			r.Protocol = JSON10
		}
		prefix, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
		r.Service, r.Operation = services[prefix], operation
	}
	if r.Service == "" {
		return unknown
	}
	return nil
}

// signer reads access key and region from a Signature Version 4 header; the signature itself is not checked.
func signer(req *http.Request) (key, region string) {
	auth := req.Header.Get("Authorization")
	_, rest, found := strings.Cut(auth, "Credential=")
	if !found {
		return auth, ""
	}
	scope, _, _ := strings.Cut(rest, ",")
	parts := strings.Split(strings.TrimSpace(scope), "/")
	if len(parts) != 5 {
		return auth, ""
	}
	return parts[0], parts[2]
}

func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	var body io.Reader = req.Body
	if strings.Contains(req.Header.Get("Content-Encoding"), "gzip") {
		inflated, err := gzip.NewReader(req.Body)
		if err != nil {
			return nil, fmt.Errorf("the body is not gzip as its header says: %w", err)
		}
		body = inflated
	}
	data, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err == nil && len(data) > maxBody {
		err = fmt.Errorf("the body is longer than %d bytes", maxBody)
	}
	return data, err
}

// Decode reads Body; an empty one is an empty input.
func (r *Request) Decode() (map[string]any, error) {
	if len(r.Body) == 0 {
		return map[string]any{}, nil
	}
	decode := DecodeJSON
	if r.Protocol == CBOR2 {
		decode = DecodeCBOR
	}
	v, err := decode(r.Body)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the input is not a structure")
	}
	return m, nil
}
