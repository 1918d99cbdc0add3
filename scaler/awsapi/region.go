package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

const (
	// taskMetadataVariable is set by the ECS agent in every container (task metadata endpoint version 4).
	taskMetadataVariable = "ECS_CONTAINER_METADATA_URI_V4"
	// metadataTimeout is short: metadata is answered on the machine itself or not at all.
	metadataTimeout = 2 * time.Second
	metadataLimit   = 1 << 20
)

// region asks, in this order: our options and the SDK's chain (both are in cfg by now), the ECS task's
// metadata, the EC2 instance's.
func region(ctx context.Context, o Options, cfg aws.Config) (string, error) {
	if cfg.Region != "" {
		return cfg.Region, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience(metadataTimeout, o.Speed))
	defer cancel()
	fromTask, taskErr := taskRegion(ctx, cfg.HTTPClient, os.Getenv(taskMetadataVariable))
	if taskErr == nil && fromTask != "" {
		return fromTask, nil
	}
	out, err := imds.NewFromConfig(cfg).GetRegion(ctx, &imds.GetRegionInput{})
	if err == nil && out.Region != "" {
		return out.Region, nil
	}
	if taskErr != nil {
		return "", fmt.Errorf("%w (task metadata: %w)", ErrNoRegion, taskErr)
	}
	return "", ErrNoRegion
}

// taskRegion reads the region out of the task's ARN, else its availability zone. Outside of ECS there is
// no endpoint, and that is no error.
func taskRegion(ctx context.Context, client aws.HTTPClient, endpoint string) (string, error) {
	if endpoint == "" {
		return "", nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(endpoint, "/")+"/task", nil)
	if err != nil {
		return "", err
	}
	res, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %s", r.URL, res.Status)
	}
	var task struct{ TaskARN, AvailabilityZone string }
	if err := json.NewDecoder(http.MaxBytesReader(nil, res.Body, metadataLimit)).Decode(&task); err != nil {
		return "", fmt.Errorf("%s: %w", r.URL, err)
	}
	if a, err := arn.Parse(task.TaskARN); err == nil && a.Region != "" {
		return a.Region, nil
	}
	if z := task.AvailabilityZone; len(z) > 1 {
		// eu-west-2a is a zone of eu-west-2.
		return z[:len(z)-1], nil
	}
	return "", errors.New("the answer has neither TaskARN nor AvailabilityZone")
}
