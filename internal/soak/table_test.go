package soak

import (
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// change is what a request would make of the table that several daemons share, as the request itself has it: either a commit, which
// is a transaction about one cluster, or a lease that is taken or given back. Nothing of it is asked of the daemon.
type change struct {
	cluster string
	// lease is what the lease is to be; of a commit its generation is that of the fence.
	lease store.Lease
	// token is that of a commit, "" for a lease.
	token      string
	sequence   uint64
	activities []*store.Activity
	// undone are the activities that are taken out again.
	undone []string
	puts   int
}

func (c *change) commits() bool { return c != nil && c.token != "" }

// intends says that there is an intent in a commit.
func (c *change) intends() bool {
	return c.commits() && slices.ContainsFunc(c.activities, func(a *store.Activity) bool { return a.Status == evaluator.Pending })
}

func (c *change) leases() bool { return c != nil && c.token == "" }

// attribute is a value of DynamoDB, as far as the table has any.
type attribute struct {
	S string
	N string
}

type attributes map[string]attribute

// payload is that of a request that changes something.
type payload struct {
	Key                       attributes
	ExpressionAttributeValues attributes
	ClientRequestToken        string
	TransactItems             []struct {
		Put    *struct{ Item attributes }
		Delete *struct{ Key attributes }
		Update *struct {
			Key                       attributes
			ExpressionAttributeValues attributes
		}
	}
}

const leasePrefix, activityPrefix = "lease#", "activities#"

// changeOf reads a request; it is nil for one that changes neither a lease nor what is remembered.
func changeOf(operation string, body []byte) *change {
	if operation != "TransactWriteItems" && operation != "UpdateItem" {
		return nil
	}
	var in payload
	if err := json.Unmarshal(body, &in); err != nil {
		panic(err)
	}
	if operation == "UpdateItem" {
		c := &change{cluster: strings.TrimPrefix(in.Key["SK"].S, leasePrefix)}
		c.lease = store.Lease{Owner: in.ExpressionAttributeValues[":owner"].S, Generation: in.ExpressionAttributeValues[":next"].counter()}
		return c
	}
	c := &change{token: in.ClientRequestToken, puts: len(in.TransactItems) - 1}
	for _, i := range in.TransactItems {
		switch {
		case i.Update != nil:
			c.cluster = strings.TrimPrefix(i.Update.Key["SK"].S, leasePrefix)
			c.lease.Generation = i.Update.ExpressionAttributeValues[":generation"].counter()
			c.sequence = i.Update.ExpressionAttributeValues[":sequence"].counter()
		case i.Put != nil && strings.HasPrefix(i.Put.Item["PK"].S, activityPrefix):
			c.activities = append(c.activities, i.Put.Item.activity())
		case i.Delete != nil && strings.HasPrefix(i.Delete.Key["PK"].S, activityPrefix):
			_, id, _ := strings.Cut(i.Delete.Key["SK"].S, "#")
			c.undone = append(c.undone, id)
		}
	}
	return c
}

func (a attribute) counter() uint64 {
	n, err := strconv.ParseUint(a.N, 10, 64)
	if err != nil && a.N != "" {
		panic(err)
	}
	return n
}

func (a attribute) time() time.Time {
	t, err := time.Parse(time.RFC3339Nano, a.S)
	if err != nil && a.S != "" {
		panic(err)
	}
	return t.UTC()
}

// activity is the activity that an item of the history is.
func (a attributes) activity() *store.Activity {
	return &store.Activity{
		ID: a["ActivityId"].S, Target: evaluator.Key{Cluster: a["Cluster"].S, Service: a["Service"].S}, Policy: a["PolicyName"].S,
		Direction: evaluator.Action(a["Direction"].S), From: int(a["From"].counter()), To: int(a["To"].counter()),
		Status: evaluator.ActivityStatus(a["StatusCode"].S), StatusMessage: a["StatusMessage"].S, Reason: evaluator.Reason(a["Reason"].S),
		StartTime: a["StartTime"].time(), EndTime: a["EndTime"].time(), Generation: a["Generation"].counter(),
	}
}

// contentOf is a number for a payload, whatever the order of its members: that of maps is chance.
func contentOf(body []byte) (sum uint64) {
	word := fnv.New64a()
	flush := func() {
		sum += mixed(word.Sum64())
		word.Reset()
	}
	for i, b := range body {
		switch {
		case b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b == '-':
			_, _ = word.Write(body[i : i+1]) // never fails
		default:
			flush()
		}
	}
	flush()
	return sum
}

func hashOf(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // never fails
	return h.Sum64()
}

// mixed spreads numbers over all bits.
func mixed(parts ...uint64) (x uint64) {
	for _, p := range parts {
		x ^= p
		x ^= x >> 33
		x *= 0xff51afd7ed558ccd
		x ^= x >> 29
		x *= 0x9e3779b97f4a7c15
		x ^= x >> 32
	}
	return x
}
