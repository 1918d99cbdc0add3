package dynamo

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// The attributes that the table itself is about: its two keys, and when DynamoDB may delete an item.
const (
	partitionKey = "PK"
	sortKey      = "SK"
	expiresAt    = "ExpiresAt"
)

// The partitions. Those of a scope have its name at the end.
const (
	metaPartition   = "meta"
	leasesPartition = "leases"
	statePrefix     = "state#"
	activityPrefix  = "activities#"
	decisionPrefix  = "decisions#"
)

// The sort keys, or how they begin.
const (
	formatSort   = "format"
	delaysSort   = "delays"
	leasePrefix  = "lease#"
	memberPrefix = "member#"
	memoryPrefix = "memory#"
	openPrefix   = "open#"
)

// maxSortKey is DynamoDB's limit of a sort key in bytes.
const maxSortKey = 1024

// timeForm sorts as the instants do, from the year 1677 to 2262, which are all that history keys have.
const timeForm = "2006-01-02T15:04:05.000000000Z"

// Beyond every history key, at either end.
const (
	firstSort = "0"
	lastSort  = "9"
)

// item is what DynamoDB stores.
type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func whole[N int | int64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

func counter(n uint64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatUint(n, 10)}
}

func keyOf(partition, sort string) item {
	return item{partitionKey: text(partition), sortKey: text(sort)}
}

func leaseKey(s store.Scope) item { return keyOf(leasesPartition, leasePrefix+s.String()) }

func statePartition(s store.Scope) string { return statePrefix + s.String() }

// historySort is the sort key of a record: by time and then by ID, as every backend has them.
func historySort(p store.Place) string { return p.Time.UTC().Format(timeForm) + "#" + p.ID }

// resourceID is Application Auto Scaling's name of the target.
func resourceID(k evaluator.Key) string { return "service/" + k.Cluster + "/" + k.Service }

// expiry is the end of what began then, as DynamoDB wants it: in seconds.
func expiry(began time.Time, after time.Duration) types.AttributeValue {
	return whole(began.Add(after).Unix())
}
