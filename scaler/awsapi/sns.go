package awsapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// ConnectSNS makes the client that publishes events, of o.Region, as Connect makes the others. It asks for no credentials and makes
// a single attempt of each call: who publishes tries again for longer than the SDK would.
func ConnectSNS(ctx context.Context, o Options) (*sns.Client, error) {
	o.Unchecked = true
	cfg, err := settle(ctx, o)
	if err != nil {
		return nil, err
	}
	each := eachCall(o)("")
	return sns.NewFromConfig(cfg, func(so *sns.Options) {
		so.APIOptions, so.Retryer = append(so.APIOptions, each...), aws.NopRetryer{}
	}), nil
}
