package awsapi

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// ConnectDynamoDB makes the client for a state in DynamoDB as Connect makes the others, of the same region, endpoint, HTTP
// client, retry and credentials; see there for its errors.
func ConnectDynamoDB(ctx context.Context, o Options) (*dynamodb.Client, error) {
	if o.Speed <= 0 {
		o.Speed = 1
	}
	cfg, err := load(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("AWS settings of the environment or of a profile: %w", err)
	}
	if cfg.Region, err = region(ctx, o, cfg); err != nil {
		return nil, err
	}
	if err := checkEndpoint(cfg.BaseEndpoint); err != nil {
		return nil, err
	}
	if err := finish(ctx, o, &cfg); err != nil {
		return nil, err
	}
	each := eachCall(o)("")
	return dynamodb.NewFromConfig(cfg, func(do *dynamodb.Options) { do.APIOptions = append(do.APIOptions, each...) }), nil
}
