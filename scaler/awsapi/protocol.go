package awsapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// protocols lets CloudWatch be asked in CBOR, which is the SDK's own choice and the cheapest, and in
// JSON where an endpoint does not know the CBOR paths: other implementations of AWS answer them with a
// bare 404. What an endpoint understands is found out by the first call and kept.
type protocols struct {
	smithyhttp.ClientProtocol // CBOR
	json                      smithyhttp.ClientProtocol
	onlyJSON                  atomic.Bool
}

// speak installs the protocols in a client that is being made.
func speak(o *cloudwatch.Options) {
	p := &protocols{ClientProtocol: o.Protocol, json: awsjson.New10(schemas.GraniteServiceVersion20100801)}
	o.Protocol = p
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		return s.Initialize.Add(secondTry{p}, middleware.Before)
	})
}

// inJSON marks the context of an operation that is spoken in JSON.
type inJSON struct{}

func (p *protocols) of(ctx context.Context) smithyhttp.ClientProtocol {
	if ctx.Value(inJSON{}) != nil {
		return p.json
	}
	return p.ClientProtocol
}

// SerializeRequest writes the request in the operation's protocol.
func (p *protocols) SerializeRequest(
	ctx context.Context, op *smithy.OperationSchema, in smithy.Serializable, req *smithyhttp.Request,
) error {
	return p.of(ctx).SerializeRequest(ctx, op, in, req)
}

// errNoCBOR says that the endpoint does not know the CBOR protocol.
var errNoCBOR = errors.New("the endpoint does not speak CBOR")

// DeserializeResponse reads an answer in the operation's protocol.
func (p *protocols) DeserializeResponse(
	ctx context.Context, op *smithy.OperationSchema, types *smithy.TypeRegistry, resp *smithyhttp.Response, out smithy.Deserializable,
) error {
	if ctx.Value(inJSON{}) == nil && foreign(resp) {
		return errNoCBOR
	}
	return p.of(ctx).DeserializeResponse(ctx, op, types, resp, out)
}

// foreign says that an answer came from something that did not take the request for one in CBOR. A
// client error is meant: a proxy that is out of order answers 5xx, and that is tried again as it is.
func foreign(resp *smithyhttp.Response) bool {
	return resp.StatusCode >= http.StatusBadRequest && resp.StatusCode < http.StatusInternalServerError &&
		resp.Header.Get("Smithy-Protocol") == "" && !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/cbor")
}

// secondTry makes an operation again in JSON when the endpoint did not understand CBOR.
type secondTry struct{ *protocols }

// ID names the middleware.
func (secondTry) ID() string { return "SpeakJSON" }

// HandleInitialize runs the operation in the protocol that the endpoint is known to speak, or finds out.
func (s secondTry) HandleInitialize(
	ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
) (middleware.InitializeOutput, middleware.Metadata, error) {
	if s.onlyJSON.Load() {
		return next.HandleInitialize(context.WithValue(ctx, inJSON{}, true), in)
	}
	out, meta, err := next.HandleInitialize(ctx, in)
	if !errors.Is(err, errNoCBOR) {
		return out, meta, err
	}
	out, meta, err = next.HandleInitialize(context.WithValue(ctx, inJSON{}, true), in)
	if err == nil {
		s.onlyJSON.Store(true)
	}
	return out, meta, err
}
