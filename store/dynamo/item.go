package dynamo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// What Application Auto Scaling calls every ECS service's desired count.
const (
	serviceNamespace  = "ecs"
	scalableDimension = "ecs:service:DesiredCount"
)

// newItem has the fields that say which target it is about, first of all AWS's.
func newItem(partition, sort string, k evaluator.Key) item {
	i := keyOf(partition, sort)
	i["ServiceNamespace"], i["ScalableDimension"] = text(serviceNamespace), text(scalableDimension)
	i["ResourceId"] = text(resourceID(k))
	put(i, "Account", k.Account)
	put(i, "Cluster", k.Cluster)
	put(i, "Service", k.Service)
	return i
}

// put sets an attribute; an empty one is left out, as AWS leaves it out.
func put[S ~string](i item, name string, value S) {
	if value != "" {
		i[name] = text(string(value))
	}
}

func putTime(i item, name string, t time.Time) {
	if !t.IsZero() {
		i[name] = text(t.Format(time.RFC3339Nano))
	}
}

func memoryItem(r *store.Remembered) (item, error) {
	memory, err := json.Marshal(r.Memory)
	if err != nil {
		return nil, fmt.Errorf("the memory of %s: %w", r.Target, err)
	}
	i := newItem(statePartition(store.ScopeOf(r.Target)), memoryPrefix+r.Target.Service, r.Target)
	i["Memory"] = text(string(memory))
	return i, nil
}

func delaysItem(s store.Scope, delays map[string]store.Delay) (item, error) {
	value, err := json.Marshal(delays)
	if err != nil {
		return nil, fmt.Errorf("the delays of %s: %w", s, err)
	}
	i := keyOf(statePartition(s), delaysSort)
	i["Delays"] = text(string(value))
	return i, nil
}

// activityItem is the activity in the history. An open one has no end yet, and none in the table either.
func activityItem(a *store.Activity) item {
	s := store.ScopeOf(a.Target)
	i := newItem(activityPrefix+s.String(), historySort(a.Place()), a.Target)
	describeActivity(i, a)
	if !a.Open() {
		i[expiresAt] = expiry(a.StartTime, store.Retention)
	}
	return i
}

// tombstone is how long an ended activity stays among the open ones, marked: DynamoDB then deletes it for nothing.
const tombstone = 24 * time.Hour

// openItem is the same activity where it is found without searching the history.
func openItem(a *store.Activity, now time.Time) item {
	i := newItem(statePartition(store.ScopeOf(a.Target)), openPrefix+a.ID, a.Target)
	describeActivity(i, a)
	if !a.Open() {
		i[expiresAt] = expiry(now, tombstone)
	}
	return i
}

func describeActivity(i item, a *store.Activity) {
	put(i, "ActivityId", a.ID)
	put(i, "PolicyName", a.Policy)
	put(i, "PolicyType", a.PolicyType)
	put(i, "Direction", a.Direction)
	i["From"], i["To"], i["Generation"] = whole(a.From), whole(a.To), counter(a.Generation)
	put(i, "StatusCode", a.Status)
	put(i, "StatusMessage", a.StatusMessage)
	put(i, "Description", a.Description)
	put(i, "Cause", a.Cause)
	put(i, "Reason", a.Reason)
	i["StartTime"] = text(a.StartTime.Format(time.RFC3339Nano))
	putTime(i, "EndTime", a.EndTime)
}

func decisionItem(d *store.DecisionRecord) item {
	i := newItem(decisionPrefix+store.ScopeOf(d.Target).String(), historySort(d.Place()), d.Target)
	put(i, "DecisionId", d.ID)
	i["Time"] = text(d.Time.Format(time.RFC3339Nano))
	put(i, "Action", d.Action)
	put(i, "Reason", d.Reason)
	put(i, "Decision", string(d.JSON))
	i[expiresAt] = expiry(d.Time, store.Retention)
	return i
}

// reader takes attributes out of an item and keeps what went wrong.
type reader struct {
	item item
	err  error
}

// text is an attribute's text, empty where there is none.
func (r *reader) text(name string) string {
	switch v := r.item[name].(type) {
	case nil:
		return ""
	case *types.AttributeValueMemberS:
		return v.Value
	default:
		r.err = errors.Join(r.err, fmt.Errorf("%s is no text", name))
		return ""
	}
}

// number is an attribute's whole number, 0 where there is none.
func (r *reader) number(name string) int64 {
	v, found := r.digits(name)
	if !found {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	r.err = errors.Join(r.err, err)
	return n
}

// counter is an attribute's number where it may be as great as numbers become.
func (r *reader) counter(name string) uint64 {
	v, found := r.digits(name)
	if !found {
		return 0
	}
	n, err := strconv.ParseUint(v, 10, 64)
	r.err = errors.Join(r.err, err)
	return n
}

func (r *reader) digits(name string) (digits string, found bool) {
	switch v := r.item[name].(type) {
	case nil:
		return "", false
	case *types.AttributeValueMemberN:
		return v.Value, true
	default:
		r.err = errors.Join(r.err, fmt.Errorf("%s is no number", name))
		return "", false
	}
}

func (r *reader) time(name string) time.Time {
	s := r.text(name)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	r.err = errors.Join(r.err, err)
	return t.UTC()
}

func (r *reader) json(name string, into any) {
	r.err = errors.Join(r.err, json.Unmarshal([]byte(r.text(name)), into))
}

func (r *reader) target() evaluator.Key {
	k := evaluator.Key{Account: r.text("Account"), Cluster: r.text("Cluster"), Service: r.text("Service")}
	if k.Cluster == "" || k.Service == "" {
		r.err = errors.Join(r.err, errors.New("it names no cluster and service"))
	}
	return k
}

func (r *reader) activity() store.Activity {
	return store.Activity{
		ID: r.text("ActivityId"), Target: r.target(), Policy: r.text("PolicyName"),
		PolicyType: evaluator.PolicyType(r.text("PolicyType")), Direction: evaluator.Action(r.text("Direction")),
		From: int(r.number("From")), To: int(r.number("To")), Status: evaluator.ActivityStatus(r.text("StatusCode")),
		StatusMessage: r.text("StatusMessage"), Description: r.text("Description"), Cause: r.text("Cause"),
		Reason: evaluator.Reason(r.text("Reason")), StartTime: r.time("StartTime"), EndTime: r.time("EndTime"),
		Generation: r.counter("Generation"),
	}
}

func (r *reader) decision() store.DecisionRecord {
	d := store.DecisionRecord{
		ID: r.text("DecisionId"), Time: r.time("Time"), Target: r.target(),
		Action: evaluator.Action(r.text("Action")), Reason: evaluator.Reason(r.text("Reason")),
	}
	if value := r.text("Decision"); value != "" {
		d.JSON = json.RawMessage(value)
	}
	return d
}

func (r *reader) memory() store.Remembered {
	m := store.Remembered{Target: r.target(), Memory: new(evaluator.Memory)}
	r.json("Memory", m.Memory)
	return m
}
