package awsapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// ConnectDynamoDB makes the client for a state in DynamoDB as Connect makes the others, of the same region, endpoint, HTTP
// client, retry and credentials; see there for its errors.
func ConnectDynamoDB(ctx context.Context, o Options) (*dynamodb.Client, error) {
	cfg, err := settle(ctx, o)
	if err != nil {
		return nil, err
	}
	each := eachCall(o)("")
	return dynamodb.NewFromConfig(cfg, func(do *dynamodb.Options) { do.APIOptions = append(do.APIOptions, each...) }), nil
}
