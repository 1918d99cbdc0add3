package wire

import (
	"bytes"
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
	Query                  // STS: a form, answered in XML
)

// The services.
const (
	ECS         = "ecs"
	CloudWatch  = "cloudwatch"
	AutoScaling = "application-autoscaling"
	DynamoDB    = "dynamodb"
	STS         = "sts"
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

// maxBatch is the same for DynamoDB, whose batches have up to 16 MB.
const maxBatch = 24 << 20

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
	limit := int64(maxBody)
	if r.Service == DynamoDB {
		limit = maxBatch
	}
	body, err := readBody(req, limit)
	if err != nil {
		return r, &Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: err.Error()}
	}
	r.Body = body
	if r.Input, err = r.Decode(); err != nil {
		return r, &Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: err.Error()}
	}
	if r.Protocol == Query {
		return r, r.named()
	}
	return r, nil
}

// address finds service, operation and protocol.
func (r *Request) address(req *http.Request) *Error {
	unknown := &Error{Status: http.StatusNotFound, Code: "UnknownOperationException", Message: fmt.Sprintf(
		"%s %s is no call of ECS, CloudWatch (JSON or RPC v2 CBOR), Application Auto Scaling, DynamoDB or STS", req.Method, req.URL.Path)}
	if req.Method != http.MethodPost {
		return unknown
	}
	if strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") && req.Header.Get("X-Amz-Target") == "" {
		r.Service, r.Protocol = STS, Query
		return nil
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

func readBody(req *http.Request, limit int64) ([]byte, error) {
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
	var buffer bytes.Buffer
	buffer.Grow(int(min(max(req.ContentLength, 0), limit)) + bytes.MinRead)
	_, err := buffer.ReadFrom(io.LimitReader(body, limit+1))
	data := buffer.Bytes()
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("the body is longer than %d bytes", limit)
	}
	return data, err
}

// Decode reads Body; an empty one is an empty input.
func (r *Request) Decode() (map[string]any, error) {
	if len(r.Body) == 0 {
		return map[string]any{}, nil
	}
	decode := DecodeJSON
	switch r.Protocol {
	case CBOR2:
		decode = DecodeCBOR
	case Query:
		return decodeQuery(r.Body)
	case JSON10, JSON11:
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
