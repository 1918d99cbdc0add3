package awsapi

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// dates hands the date of every answer of AWS's to a function, by which the daemon sets its clock.
type dates struct{ take func(time.Time) }

func (d dates) install(s *middleware.Stack) error {
	if d.take == nil {
		return nil
	}
	return s.Deserialize.Add(d, middleware.After)
}

// ID names the middleware.
func (dates) ID() string { return "TakeDate" }

// HandleDeserialize looks at the header of one answer, whatever its status is.
func (d dates) HandleDeserialize(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, meta, err := next.HandleDeserialize(ctx, in)
	if resp, ok := out.RawResponse.(*smithyhttp.Response); ok && resp != nil {
		if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			d.take(date)
		}
	}
	return out, meta, err
}
