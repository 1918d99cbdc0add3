package dynamo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/sim/dynamo"
)

func TestTimeToLive(t *testing.T) {
	l := newState(t, dynamo.Options{Expiry: 10 * time.Hour, Creation: time.Second})
	l.walk([]step{
		{"DescribeTimeToLive", `{` + state + `}`, `{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}`},
		{"UpdateTimeToLive", `{` + state + `,"TimeToLiveSpecification":{"AttributeName":"e","Enabled":false}}`, "...already disabled"},
		{"UpdateTimeToLive", `{` + state + `,"TimeToLiveSpecification":{"Enabled":true}}`, "...attributeName"},
		{"UpdateTimeToLive", `{` + state + `,"TimeToLiveSpecification":{"AttributeName":"e","Enabled":true}}`, `{"TimeToLiveSpecification":{"AttributeName":"e","Enabled":true}}`},
		{"DescribeTimeToLive", `{` + state + `}`, `{"TimeToLiveDescription":{"AttributeName":"e","TimeToLiveStatus":"ENABLING"}}`},
		{"UpdateTimeToLive", `{` + state + `,"TimeToLiveSpecification":{"AttributeName":"e","Enabled":true}}`, "...already enabled"},
		{"UpdateTimeToLive", `{` + state + `,"TimeToLiveSpecification":{"AttributeName":"e","Enabled":false}}`, "...multiple times within a fixed interval"},
	})
	put := func(s string, expiry time.Time) { l.put("a", s, fmt.Sprintf(`"e":{"N":"%d"}`, expiry.Unix())) }
	put("soon", l.now.Add(time.Hour))
	put("later", l.now.Add(time.Hour))
	put("ancient", l.now.AddDate(-6, 0, 0))
	l.put("a", "text", `"e":{"S":"0"}`)
	put("past", l.now.Add(-time.Hour))
	keys := func() string {
		return found(l.do("Query", `{`+state+`,"ConsistentRead":true,"KeyConditionExpression":"p = :p","ExpressionAttributeValues":{":p":{"S":"a"}}}`))
	}
	put("later", l.now.Add(20*time.Hour))
	for _, c := range []struct {
		pass time.Duration
		want string
	}{
		{time.Hour, "ancient later past soon text"},
		{4*time.Hour - time.Second, "ancient later past soon text"}, // the dice say that it takes half of the ten hours
		{time.Second, "ancient later soon text"},
		{time.Hour, "ancient later text"},
		{30 * time.Hour, "ancient text"},
	} {
		l.now = l.now.Add(c.pass)
		if got := keys(); got != c.want {
			t.Errorf("after %v more there is %s, want %s", c.pass, got, c.want)
		}
	}
	l.walk([]step{
		{"DescribeTable", `{` + state + `}`, `..."ItemCount":2`},
		{"UpdateTimeToLive", `{` + state + `,"TimeToLiveSpecification":{"AttributeName":"f","Enabled":false}}`, "...different AttributeName"},
		{"UpdateTimeToLive", `{` + state + `,"TimeToLiveSpecification":{"AttributeName":"e","Enabled":false}}`, "...false"},
	})
}

// units are what a call consumed.
func (l *lab) units(operation, input string) string {
	result, _ := l.call(operation, input)
	return fmt.Sprintf("%g+%g", result.ReadUnits, result.WriteUnits)
}

func TestWhatCallsConsume(t *testing.T) {
	l := newState(t, dynamo.Options{})
	big := `"b":{"S":"` + strings.Repeat("x", 5000) + `"}`
	l.put("a", "big", big)
	l.put("a", "small", `"n":{"N":"1"}`)
	key := func(s string) string { return `{` + state + `,"Key":` + at("a", s) }
	query := `{` + state + `,"KeyConditionExpression":"p = :p","ExpressionAttributeValues":{":p":{"S":"a"}}`
	transact := func(entries string) string { return `{"TransactItems":[` + entries + `]}` }
	for _, c := range []struct{ operation, input, want string }{
		{"GetItem", key("small") + `}`, "0.5+0"},
		{"GetItem", key("small") + `,"ConsistentRead":true}`, "1+0"},
		{"GetItem", key("big") + `}`, "1+0"},
		{"GetItem", key("big") + `,"ConsistentRead":true,"ProjectionExpression":"p"}`, "2+0"},
		{"GetItem", key("none") + `,"ConsistentRead":true}`, "1+0"},
		{"Query", query + `}`, "1+0"},
		{"Query", query + `,"ConsistentRead":true,"Select":"COUNT"}`, "2+0"},
		{"Scan", `{` + state + `,"ConsistentRead":true}`, "2+0"},
		{"BatchGetItem", `{"RequestItems":{"state":{"ConsistentRead":true,"Keys":[` + at("a", "big") + `,` + at("a", "small") + `]}}}`, "3+0"},
		{"TransactGetItems", transact(`{"Get":` + key("big") + `}},{"Get":` + key("small") + `}}`), "6+0"},
		{"UpdateItem", key("small") + `,"UpdateExpression":"SET n = :n","ExpressionAttributeValues":{":n":{"N":"1"}}}`, "0+1"},
		{"UpdateItem", key("big") + `,"UpdateExpression":"SET n = :n","ExpressionAttributeValues":{":n":{"N":"1"}}}`, "0+5"},
		{"PutItem", `{` + state + `,"Item":` + at("a", "big") + `,"ConditionExpression":"attribute_not_exists(p)"}`, "0+5"}, // a failed condition costs as much
		{"TransactWriteItems", transact(`{"ConditionCheck":` + key("big") + `,"ConditionExpression":"attribute_exists(p)"}},{"Put":{` + state + `,"Item":` + at("a", "new") + `}}`), "0+12"},
		{"BatchWriteItem", `{"RequestItems":{"state":[{"DeleteRequest":{"Key":` + at("a", "big") + `}},{"DeleteRequest":{"Key":` + at("a", "none") + `}}]}}`, "0+6"},
		{"DescribeTable", `{` + state + `}`, "0+0"},
	} {
		if got := l.units(c.operation, c.input); got != c.want {
			t.Errorf("%s %s consumes %s, want %s", c.operation, c.input, got, c.want)
		}
	}
	usage := l.store.Usage()
	if got := usage[len(usage)-1]; got != (dynamo.Usage{Table: "state", Operation: "UpdateItem", Calls: 2, WriteUnits: 6}) {
		t.Errorf("the usage of UpdateItem is %+v", got)
	}
	l.walk([]step{
		{"GetItem", key("small") + `,"ReturnConsumedCapacity":"TOTAL"}`, `..."ConsumedCapacity":{"CapacityUnits":0.5,"TableName":"state"}`},
		{"GetItem", key("small") + `,"ReturnConsumedCapacity":"INDEXES"}`, `..."ConsumedCapacity":{"CapacityUnits":0.5,"Table":{"CapacityUnits":0.5},"TableName":"state"}`},
		{"GetItem", key("small") + `,"ReturnConsumedCapacity":"ALL"}`, "...returnConsumedCapacity"},
		{"TransactWriteItems", `{"ReturnConsumedCapacity":"TOTAL","TransactItems":[{"Delete":` + key("new") + `}}]}`, `{"ConsumedCapacity":[{"CapacityUnits":2,"TableName":"state","WriteCapacityUnits":2}]}`},
	})
}

func TestProvisionedCapacityRunsOut(t *testing.T) {
	l := newLab(t, dynamo.Options{Throttling: true})
	l.do("CreateTable", `{`+state+`,"AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},{"AttributeName":"s","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"p","KeyType":"HASH"},{"AttributeName":"s","KeyType":"RANGE"}],"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}`)
	for i := range 300 {
		l.put("a", fmt.Sprint(i), `"n":{"N":"1"}`)
	}
	put := `{` + state + `,"Item":` + at("a", "x") + `}`
	l.walk([]step{{"PutItem", put, "...ProvisionedThroughputExceededException"}, {"GetItem", `{` + state + `,"Key":` + at("a", "1") + `}`, "...Item"}})
	l.now = l.now.Add(time.Second)
	l.walk([]step{{"PutItem", put, "{}"}, {"PutItem", put, "...ProvisionedThroughputExceededException"}})
}

func TestATableWhoseItemsComeAndGoDoesNotGrow(t *testing.T) {
	l := newState(t, dynamo.Options{})
	for i := range 5000 {
		l.put(fmt.Sprint(i), "1", `"n":{"N":"1"}`)
		l.do("DeleteItem", `{`+state+`,"Key":`+at(fmt.Sprint(i), "1")+`}`)
	}
	if rows := l.store.Rows("state"); rows > 2000 {
		t.Errorf("%d rows are kept for no items", rows)
	}
}
