package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go/encoding/cbor"

	"ecs-autoscaler/scaler/awsapi"
)

// known is how many of the newest buckets an answer has: what a steady read asks for, and one to spare.
const known = 5

// at is the value of every datapoint: within the target of both policies, so that nothing acts.
const at = 57

// cloud is the real SDK client on prebuilt answers: what is measured is the client and what is around it.
type cloud struct {
	client *cloudwatch.Client

	mu        sync.Mutex
	recording bool
	inputs    []*cloudwatch.GetMetricDataInput
	batches   map[string][]string // the ids of a call, by the first of them
	answers   map[string][]byte
}

func newCloud(ctx context.Context) (*cloud, error) {
	c := &cloud{batches: map[string][]string{}, answers: map[string][]byte{}}
	clients, err := awsapi.Connect(ctx, awsapi.Options{
		Region: "eu-west-2", HTTPClient: &http.Client{Transport: c}, Endpoint: "http://cloudwatch.invalid",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
		}),
	})
	if err != nil {
		return nil, err
	}
	c.client = clients.CloudWatch
	return c, nil
}

// GetMetricData keeps the input, so that the SDK alone can make the same calls, and passes it on.
func (c *cloud) GetMetricData(
	ctx context.Context, in *cloudwatch.GetMetricDataInput, o ...func(*cloudwatch.Options),
) (*cloudwatch.GetMetricDataOutput, error) {
	if c.recording {
		kept := *in
		kept.MetricDataQueries = slices.Clone(in.MetricDataQueries)
		c.mu.Lock()
		c.inputs = append(c.inputs, &kept)
		c.mu.Unlock()
	}
	return c.client.GetMetricData(ctx, in, o...)
}

// prepare builds the answers for a minute, outside of what is measured.
func (c *cloud) prepare(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := now.Unix() / 60 * 60
	clear(c.answers)
	for first, ids := range c.batches {
		c.answers[first] = answer(ids, end-known*60, end)
	}
}

// RoundTrip answers a call by its first id. A call not seen before is taken apart once.
func (c *cloud) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	first := firstID(body)
	out, ok := c.answers[first]
	if !ok {
		if out, err = c.fresh(body); err != nil {
			return nil, err
		}
	}
	return &http.Response{
		StatusCode: http.StatusOK, Request: req, ContentLength: int64(len(out)), Body: io.NopCloser(bytes.NewReader(out)),
		Header: http.Header{"Content-Type": {"application/cbor"}, "Smithy-Protocol": {"rpc-v2-cbor"}},
	}, nil
}

// firstID finds the first query's id without decoding the request: CBOR text "Id" followed by a text.
func firstID(body []byte) string {
	i := bytes.Index(body, []byte("bId"))
	if i < 0 || i+3 >= len(body) {
		return ""
	}
	n := int(body[i+3] & 0x1f)
	return string(body[i+4 : i+4+n])
}

// fresh decodes a request, remembers its ids and answers the window it asks for.
func (c *cloud) fresh(body []byte) ([]byte, error) {
	v, err := cbor.Decode(body)
	if err != nil {
		return nil, err
	}
	request, ok := v.(cbor.Map)
	if !ok {
		return nil, fmt.Errorf("a request that is a %T", v)
	}
	var ids []string
	for _, q := range request["MetricDataQueries"].(cbor.List) {
		ids = append(ids, string(q.(cbor.Map)["Id"].(cbor.String)))
	}
	c.batches[ids[0]] = ids
	return answer(ids, seconds(request["StartTime"]), seconds(request["EndTime"])), nil
}

// seconds reads a timestamp: tag 1 around a number.
func seconds(v cbor.Value) int64 {
	switch n := v.(*cbor.Tag).Value.(type) {
	case cbor.Uint:
		return int64(n)
	case cbor.Float64:
		return int64(n)
	}
	return 0
}

// answer is a whole response, the same value for every bucket of every id.
func answer(ids []string, start, end int64) []byte {
	var times, values cbor.List
	for t := start; t < end; t += 60 {
		times = append(times, &cbor.Tag{ID: 1, Value: cbor.Float64(t)})
		values = append(values, cbor.Float64(at))
	}
	results := make(cbor.List, len(ids))
	for i, id := range ids {
		results[i] = cbor.Map{
			"Id": cbor.String(id), "Label": cbor.String("CPUUtilization"), "StatusCode": cbor.String("Complete"),
			"Timestamps": times, "Values": values,
		}
	}
	return cbor.Encode(cbor.Map{"MetricDataResults": results, "Messages": cbor.List{}})
}
