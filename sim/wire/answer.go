package wire

import (
	"cmp"
	"hash/crc32"
	"maps"
	"net/http"
	"strconv"
)

// Error is a failure in a service's words.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is the name of the error shape, such as ClusterNotFoundException.
	Code string
	// QueryCode is the code of the Query protocol, which STS speaks and CloudWatch sends beside Code; "" is the same as Code.
	QueryCode string
	Message   string
	// Detail are further members of the error's shape, nil for most.
	Detail map[string]any
}

// Error gives code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Encoded is an output that writes its own CBOR, for answers too big for a tree.
type Encoded interface {
	AppendCBOR(b []byte) []byte
	Tree() map[string]any
}

// Answer is what goes back over the wire.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Succeed writes an output: a map[string]any or an Encoded.
func (r *Request) Succeed(id string, output any) Answer {
	a := Answer{Status: http.StatusOK, Header: r.header(id)}
	encoded, own := output.(Encoded)
	switch {
	case r.Protocol == Query:
		a.Body = r.queryAnswer(id, output)
	case own && r.Protocol == CBOR2:
		a.Body = encoded.AppendCBOR(nil)
	case own:
		a.Body = AppendJSON(nil, encoded.Tree())
	default:
		a.Body = r.encode(output)
	}
	return r.sum(a)
}

// Fail writes an error.
func (r *Request) Fail(id string, e *Error) Answer {
	a := Answer{Status: e.Status, Header: r.header(id)}
	shape := e.Code
	switch r.Service {
	case STS:
		a.Body = queryError(id, cmp.Or(e.QueryCode, e.Code), e)
		return a
	case DynamoDB:
		shape = namespaceOf(e.Code) + "#" + e.Code
	case CloudWatch:
		code, fault := cmp.Or(e.QueryCode, e.Code), "Sender"
		if e.Status >= http.StatusInternalServerError {
			fault = "Receiver"
		}
		a.Header.Set("x-amzn-query-error", code+";"+fault)
		shape = "com.amazonaws.cloudwatch#" + e.Code
	}
	body := map[string]any{"__type": shape, "message": e.Message}
	maps.Copy(body, e.Detail)
	a.Body = r.encode(body)
	return r.sum(a)
}

// namespaceOf is what DynamoDB writes before the name of an error.
func namespaceOf(code string) string {
	switch code {
	case "ValidationException":
		return "com.amazon.coral.validate"
	case "ThrottlingException":
		return "com.amazon.coral.availability"
	case "AccessDeniedException", "ExpiredTokenException", "MissingAuthenticationTokenException", "SerializationException",
		"UnknownOperationException", "UnrecognizedClientException":
		return "com.amazon.coral.service"
	}
	return "com.amazonaws.dynamodb.v20120810"
}

// sum adds the checksum with which DynamoDB's clients find answers that were damaged on the way.
func (r *Request) sum(a Answer) Answer {
	if r.Service == DynamoDB {
		a.Header.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(a.Body)), 10))
	}
	return a
}

func (r *Request) header(id string) http.Header {
	h := http.Header{}
	h.Set("x-amzn-RequestId", id)
	switch r.Protocol {
	case Query:
		h.Set("Content-Type", "text/xml")
	case CBOR2:
		h.Set("Content-Type", "application/cbor")
		h.Set("Smithy-Protocol", "rpc-v2-cbor")
	case JSON10:
		h.Set("Content-Type", "application/x-amz-json-1.0")
	default:
		h.Set("Content-Type", "application/x-amz-json-1.1")
	}
	return h
}

func (r *Request) encode(v any) []byte {
	if r.Protocol == CBOR2 {
		var c CBOR
		c.Value(v)
		return c
	}
	return AppendJSON(nil, v)
}
