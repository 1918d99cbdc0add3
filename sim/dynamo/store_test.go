package dynamo_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/sim/dynamo"
	"ecs-autoscaler/sim/wire"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// lab is a store with a clock.
type lab struct {
	t     testing.TB
	store *dynamo.Store
	now   time.Time
}

func newLab(t testing.TB, options dynamo.Options) *lab {
	options.ARN = func(table string) string { return "arn:aws:dynamodb:eu-west-2:123456789012:table/" + table }
	if options.Dice == nil {
		options.Dice = func(string, time.Time) float64 { return 0.5 }
	}
	l := &lab{t: t, store: dynamo.New(options), now: begin}
	return l
}

// do is the answer as JSON, or the code of the error and its text.
func (l *lab) do(operation, input string) string {
	result, err := l.call(operation, input)
	if err != nil {
		text := err.Code + ": " + err.Message
		if err.Detail != nil {
			text += " " + string(wire.AppendJSON(nil, err.Detail))
		}
		return text
	}
	return string(wire.AppendJSON(nil, result.Output))
}

func (l *lab) call(operation, input string) (dynamo.Result, *wire.Error) {
	v, err := wire.DecodeJSON([]byte(input))
	if err != nil {
		l.t.Fatalf("%s: %v", input, err)
	}
	members, _ := v.(map[string]any)
	return l.store.Do(dynamo.Request{Operation: operation, In: wire.In(members), Now: l.now})
}

const state = `"TableName":"state"`

// newState has a table with a partition key p and a sort key s, both text.
func newState(t testing.TB, options dynamo.Options) *lab {
	l := newLab(t, options)
	answer := l.do("CreateTable", `{`+state+`,"BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},{"AttributeName":"s","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"p","KeyType":"HASH"},{"AttributeName":"s","KeyType":"RANGE"}]}`)
	if !strings.HasPrefix(answer, `{"TableDescription"`) {
		t.Fatal(answer)
	}
	l.now = l.now.Add(options.Creation)
	return l
}

// at is a key as JSON.
func at(p, s string) string { return `{"p":{"S":"` + p + `"},"s":{"S":"` + s + `"}}` }

// put writes an item of these further attributes.
func (l *lab) put(p, s, attributes string) {
	l.t.Helper()
	it := strings.TrimSuffix(at(p, s), "}") + "," + attributes + "}"
	if got := l.do("PutItem", `{`+state+`,"Item":`+strings.Replace(it, ",}", "}", 1)+`}`); got != "{}" {
		l.t.Fatal(got)
	}
}

// get is the item, read consistently.
func (l *lab) get(p, s string) string {
	return l.do("GetItem", `{`+state+`,"ConsistentRead":true,"Key":`+at(p, s)+`}`)
}

// step is a request and what its answer begins with, or contains after "...".
type step struct{ operation, input, want string }

func (l *lab) walk(steps []step) {
	l.t.Helper()
	for i, s := range steps {
		got := l.do(s.operation, s.input)
		part, anywhere := strings.CutPrefix(s.want, "...")
		if anywhere && !strings.Contains(got, part) || !anywhere && got != s.want {
			l.t.Errorf("%d %s %s\nanswers %s\nwant    %s", i, s.operation, s.input, got, s.want)
		}
	}
}

func TestATableHasKeysThatAreDefined(t *testing.T) {
	const p = `{"AttributeName":"p","AttributeType":"S"}`
	const hash = `{"AttributeName":"p","KeyType":"HASH"}`
	table := func(definitions, keys, more string) string {
		return `{` + state + `,"AttributeDefinitions":[` + definitions + `],"KeySchema":[` + keys + `]` + more + `}`
	}
	const demand = `,"BillingMode":"PAY_PER_REQUEST"`
	newLab(t, dynamo.Options{}).walk([]step{
		{"CreateTable", `{"TableName":"st"}`, "...at least 3 characters"},
		{"CreateTable", `{"TableName":"sta/te"}`, "...regular expression"},
		{"CreateTable", `{}`, "...Member must not be null"},
		{"CreateTable", table("", "", demand), "...keySchema"},
		{"CreateTable", table(p, `{"AttributeName":"p","KeyType":"RANGE"}`, demand), "...first KeySchemaElement is not a HASH"},
		{"CreateTable", table(p, hash+`,{"AttributeName":"q","KeyType":"RANGE"}`, demand), "...not defined in AttributeDefinitions"},
		{"CreateTable", table(p, hash+`,{"AttributeName":"p","KeyType":"RANGE"}`, demand), "...have the same name"},
		{"CreateTable", table(p+`,{"AttributeName":"q","AttributeType":"N"}`, hash, demand), "...does not exactly match"},
		{"CreateTable", table(p+","+p, hash, demand), "...Duplicate AttributeName"},
		{"CreateTable", table(`{"AttributeName":"p","AttributeType":"BOOL"}`, hash, demand), "...enum value set: [B, N, S]"},
		{"CreateTable", table(p, hash, ""), "...must both be specified when BillingMode is PROVISIONED"},
		{"CreateTable", table(p, hash, `,"BillingMode":"FREE"`), "...enum value set"},
		{"CreateTable", table(p, hash, demand+`,"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}`), "...Neither ReadCapacityUnits"},
		{"CreateTable", table(p, hash, `,"ProvisionedThroughput":{"ReadCapacityUnits":0,"WriteCapacityUnits":1}`), "...greater than or equal to 1"},
		{"CreateTable", table(p, hash, demand+`,"GlobalSecondaryIndexes":[]`), "...has no GlobalSecondaryIndexes"},
		{"CreateTable", table(p, hash, demand), `..."TableStatus":"ACTIVE"`},
		{"CreateTable", table(p, hash, demand), "ResourceInUseException: Table already exists: state"},
		{"DescribeTable", `{` + state + `}`, `..."BillingMode":"PAY_PER_REQUEST"`},
		{"DescribeTable", `{"TableName":"arn:aws:dynamodb:eu-west-2:123456789012:table/state"}`, `..."ItemCount":0`},
		{"DescribeTable", `{"TableName":"other"}`, "ResourceNotFoundException: Requested resource not found: Table: other not found"},
		{"ListTables", `{}`, `{"TableNames":["state"]}`},
		{"DeleteTable", `{` + state + `}`, `..."TableStatus":"DELETING"`},
		{"DeleteTable", `{` + state + `}`, "ResourceNotFoundException: Requested resource not found: Table: state not found"},
		{"ListTables", `{}`, `{"TableNames":[]}`},
	})
}

func TestATableTakesTimeToComeAndToGo(t *testing.T) {
	l := newState(t, dynamo.Options{Creation: time.Minute})
	l.now = begin
	get := `{` + state + `,"Key":` + at("a", "1") + `}`
	l.walk([]step{
		{"DescribeTable", `{` + state + `}`, `..."TableStatus":"CREATING"`},
		{"GetItem", get, "ResourceNotFoundException: Requested resource not found"},
		{"DeleteTable", `{` + state + `}`, "...ResourceInUseException"},
	})
	l.now = begin.Add(time.Minute)
	l.walk([]step{{"GetItem", get, "{}"}, {"DeleteTable", `{` + state + `}`, "...DELETING"}, {"GetItem", get, "...ResourceNotFoundException"}})
}

func TestListTablesHasPages(t *testing.T) {
	l := newLab(t, dynamo.Options{})
	for _, name := range []string{"ccc", "aaa", "bbb"} {
		l.do("CreateTable", `{"TableName":"`+name+`","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}],"KeySchema":[{"AttributeName":"p","KeyType":"HASH"}]}`)
	}
	l.walk([]step{
		{"ListTables", `{"Limit":2}`, `{"LastEvaluatedTableName":"bbb","TableNames":["aaa","bbb"]}`},
		{"ListTables", `{"Limit":2,"ExclusiveStartTableName":"bbb"}`, `{"TableNames":["ccc"]}`},
		{"ListTables", `{"Limit":0}`, "...Member must have value from 1 to 100"},
	})
}

func TestAPutReplacesTheItem(t *testing.T) {
	l := newState(t, dynamo.Options{})
	put := func(attributes, more string) string {
		return `{` + state + `,"Item":{"p":{"S":"a"},"s":{"S":"1"}` + attributes + `}` + more + `}`
	}
	l.walk([]step{
		{"PutItem", put(`,"n":{"N":"01.50"}`, `,"ReturnValues":"ALL_OLD"`), "{}"},
		{"PutItem", put(`,"m":{"BOOL":true}`, `,"ReturnValues":"ALL_OLD"`), `{"Attributes":{"n":{"N":"1.5"},"p":{"S":"a"},"s":{"S":"1"}}}`},
		{"GetItem", `{` + state + `,"Key":` + at("a", "1") + `}`, `{"Item":{"m":{"BOOL":true},"p":{"S":"a"},"s":{"S":"1"}}}`},
		{"PutItem", put("", `,"ReturnValues":"ALL_NEW"`), "ValidationException: Return values set to invalid value"},
		{"PutItem", put("", `,"ConditionExpression":"attribute_not_exists(p)"`), "ConditionalCheckFailedException: The conditional request failed"},
		{"PutItem", put("", `,"ConditionExpression":"m = :t","ExpressionAttributeValues":{":t":{"BOOL":false}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD"`),
			`ConditionalCheckFailedException: The conditional request failed {"Item":{"m":{"BOOL":true},"p":{"S":"a"},"s":{"S":"1"}}}`},
		{"PutItem", put("", `,"Expected":{"m":{}}`), "...does not know Expected"},
		{"PutItem", `{"TableName":"other","Item":{}}`, "ResourceNotFoundException: Requested resource not found"},
		{"PutItem", `{` + state + `}`, "...Member must not be null"},
	})
}

func TestItemsHaveLimits(t *testing.T) {
	l := newState(t, dynamo.Options{})
	item := func(content string) string { return `{` + state + `,"Item":{` + content + `}}` }
	key := `"p":{"S":"a"},"s":{"S":"1"}`
	l.walk([]step{
		{"PutItem", item(`"p":{"S":"a"}`), "...Missing the key s in the item"},
		{"PutItem", item(`"p":{"N":"1"},"s":{"S":"1"}`), "...Type mismatch for key p expected: S actual: N"},
		{"PutItem", item(`"p":{"S":""},"s":{"S":"1"}`), "...cannot contain an empty string value. Key: p"},
		{"PutItem", item(`"p":{"S":"` + strings.Repeat("x", 2049) + `"},"s":{"S":"1"}`), "...hashkey has exceeded"},
		{"PutItem", item(`"p":{"S":"a"},"s":{"S":"` + strings.Repeat("x", 1025) + `"}`), "...range keys has exceeded"},
		{"PutItem", item(key + `,"x":{"S":"` + strings.Repeat("x", 400<<10) + `"}`), "...Item size has exceeded"},
		{"PutItem", item(key + `,"x":{"S":"` + strings.Repeat("x", 400<<10-5) + `"}`), "{}"},
		{"UpdateItem", `{` + state + `,"Key":` + at("a", "1") + `,"UpdateExpression":"SET y = x"}`, "...Item size to update has exceeded"},
		{"PutItem", item(key + `,"x":{"N":"1e126"}`), "...Number overflow"},
		{"PutItem", item(key + `,"x":{"N":"1e-131"}`), "...Number underflow"},
		{"PutItem", item(key + `,"x":{"N":"` + strings.Repeat("1", 39) + `"}`), "...more than 38 significant digits"},
		{"PutItem", item(key + `,"x":{"N":"one"}`), "...cannot be converted to a numeric value: one"},
		{"PutItem", item(key + `,"x":{"SS":[]}`), "...set  may not be empty"},
		{"PutItem", item(key + `,"x":{"NS":["1","1.0"]}`), "...contains duplicates"},
		{"PutItem", item(key + `,"x":{"NULL":false}`), "...must have the value of true"},
		{"PutItem", item(key + `,"x":{}`), "...must contain exactly one of the supported datatypes"},
		{"PutItem", item(key + `,"x":{"S":"a","N":"1"}`), "...more than one datatypes set"},
		{"PutItem", item(key + `,"x":{"B":"not base64"}`), "...SerializationException"},
		{"PutItem", item(key + `,"x":` + strings.Repeat(`{"L":[`, 40) + strings.Repeat(`]}`, 40)), "...Nesting Levels have exceeded"},
		{"GetItem", `{` + state + `,"Key":{"p":{"S":"a"}}}`, "...does not match the schema"},
		{"GetItem", `{` + state + `,"Key":{"p":{"S":"a"},"s":{"N":"1"}}}`, "...does not match the schema"},
	})
}

func TestUpdateExpressions(t *testing.T) {
	values := []struct{ name, json string }{{":n", `{"N":"2"}`}, {":s", `{"S":"x"}`}, {":l", `{"L":[{"S":"x"}]}`}, {":ss", `{"SS":["b","c"]}`}}
	for _, c := range []struct{ name, expression, want string }{
		{"sets", "SET a = :n", `"a":{"N":"2"}`},
		{"adds", "SET n = n + :n", `"n":{"N":"12"}`},
		{"subtracts", "SET n = n - :n, o = n", `"n":{"N":"8"},"o":{"N":"10"}`},
		{"reads what was before", "SET n = :n, o = n", `"n":{"N":"2"},"o":{"N":"10"}`},
		{"keeps what is there", "SET n = if_not_exists(n, :n), o = if_not_exists(o, :n)", `"n":{"N":"10"},"o":{"N":"2"}`},
		{"appends", "SET l = list_append(l, :l)", `"l":{"L":[{"S":"one"},{"S":"two"},{"S":"x"}]}`},
		{"prepends", "SET l = list_append(:l, l)", `"l":{"L":[{"S":"x"},{"S":"one"},{"S":"two"}]}`},
		{"sets an element", "SET l[1] = :n", `"l":{"L":[{"S":"one"},{"N":"2"}]}`},
		{"sets behind the end", "SET l[7] = :n", `"l":{"L":[{"S":"one"},{"S":"two"},{"N":"2"}]}`},
		{"sets inside a map", "SET m.k = :n", `"m":{"M":{"j":{"S":"y"},"k":{"N":"2"}}}`},
		{"removes", "REMOVE n, m.j, l[0]", `"l":{"L":[{"S":"two"}]},"m":{"M":{}}`},
		{"removes elements as they were", "REMOVE l[0], l[1]", `"l":{"L":[]}`},
		{"adds to a number", "ADD n :n, o :n", `"n":{"N":"12"},"o":{"N":"2"}`},
		{"adds to a set", "ADD t :ss", `"t":{"SS":["a","b","c"]}`},
		{"deletes from a set", "DELETE t :ss", `"t":{"SS":["a"]}`},
		{"all sections", "SET a = :n REMOVE n ADD o :n DELETE t :ss", `"a":{"N":"2"}`},
		{"adds text to a number", "SET n = n + :s", "Incorrect operand type for operator or function; operator or function: +, operand type: S"},
		{"adds to text", "SET m.j = m.j + :n", "An operand in the update expression has an incorrect data type"},
		{"adds a number to a set", "ADD t :n", "An operand in the update expression has an incorrect data type"},
		{"deletes a number", "DELETE n :n", "Incorrect operand type for operator or function; operator: DELETE, operand type: N"},
		{"adds what is not there", "SET a = b + :n", "refers to an attribute that does not exist in the item"},
		{"goes into nothing", "SET b.c = :n", "The document path provided in the update expression is invalid for update"},
		{"goes into text", "SET m.j.k = :n", "The document path provided in the update expression is invalid for update"},
		{"removes from nothing", "REMOVE b.c", "The document path provided in the update expression is invalid for update"},
		{"changes a key", "SET s = :s", "Cannot update attribute s. This attribute is part of the key"},
		{"two at one place", "SET a = :n, a = :s", "Two document paths overlap"},
		{"one inside the other", "SET m = :n REMOVE m.j", "Two document paths overlap"},
		{"a list that is a map", "SET m.x = :n, m[0] = :n", "Two document paths conflict"},
		{"a section twice", "SET a = :n SET b = :s", `The \"SET\" section can only be used once`},
		{"no section", "a = :n", "Syntax error"},
		{"a reserved word", "SET status = :n", "reserved keyword: status"},
		{"a value that is not given", "SET a = :other", "not defined; attribute value: :other"},
		{"a function that is none", "SET a = max(n, :n)", "Invalid function name; function: max"},
		{"a function of conditions", "SET a = size(n)", "not allowed to be used this way"},
		{"one operand", "SET a = if_not_exists(n)", "Incorrect number of operands"},
		{"three summands", "SET a = n + :n + :n", "Syntax error"},
	} {
		l := newState(t, dynamo.Options{})
		l.put("a", "1", `"n":{"N":"10"},"l":{"L":[{"S":"one"},{"S":"two"}]},"m":{"M":{"j":{"S":"y"}}},"t":{"SS":["a","b"]}`)
		used := []string{}
		for _, v := range values {
			words := strings.FieldsFunc(c.expression, func(r rune) bool { return strings.ContainsRune(" ,()=+-", r) })
			if !slices.Contains(words, v.name) {
				continue
			}
			used = append(used, `"`+v.name+`":`+v.json)
		}
		input := `{` + state + `,"Key":` + at("a", "1") + `,"ReturnValues":"ALL_NEW","UpdateExpression":"` + c.expression + `"`
		if len(used) > 0 {
			input += `,"ExpressionAttributeValues":{` + strings.Join(used, ",") + `}`
		}
		got := l.do("UpdateItem", input+`}`)
		if want := strings.ReplaceAll(c.want, `\"`, `"`); !strings.Contains(got, want) {
			t.Errorf("%s: %s answers %s, want %s", c.name, c.expression, got, want)
		}
	}
}

func TestAnUpdateMakesTheItemUnlessItOnlyTakesAway(t *testing.T) {
	l := newState(t, dynamo.Options{})
	l.walk([]step{
		{"UpdateItem", `{` + state + `,"Key":` + at("a", "1") + `,"UpdateExpression":"REMOVE n"}`, "{}"},
		{"GetItem", `{` + state + `,"Key":` + at("a", "1") + `}`, "{}"},
		{"UpdateItem", `{` + state + `,"Key":` + at("a", "1") + `}`, "{}"},
		{"GetItem", `{` + state + `,"Key":` + at("a", "1") + `}`, `{"Item":` + at("a", "1") + `}`},
	})
}

func TestWhatAnUpdateReturns(t *testing.T) {
	for wish, want := range map[string]string{
		"NONE":        `{}`,
		"ALL_OLD":     `{"Attributes":{"m":{"M":{"x":{"N":"1"},"y":{"N":"2"}}},"n":{"N":"1"},"p":{"S":"a"},"s":{"S":"1"}}}`,
		"ALL_NEW":     `{"Attributes":{"m":{"M":{"x":{"N":"5"},"y":{"N":"2"}}},"p":{"S":"a"},"s":{"S":"1"}}}`,
		"UPDATED_OLD": `{"Attributes":{"m":{"M":{"x":{"N":"1"}}},"n":{"N":"1"}}}`,
		"UPDATED_NEW": `{"Attributes":{"m":{"M":{"x":{"N":"5"}}}}}`,
	} {
		l := newState(t, dynamo.Options{})
		l.put("a", "1", `"n":{"N":"1"},"m":{"M":{"x":{"N":"1"},"y":{"N":"2"}}}`)
		l.walk([]step{{"UpdateItem", `{` + state + `,"Key":` + at("a", "1") + `,"UpdateExpression":"SET m.x = :v REMOVE n","ExpressionAttributeValues":{":v":{"N":"5"}},"ReturnValues":"` + wish + `"}`, want}})
	}
}

func TestADeleteNeedsNoItem(t *testing.T) {
	l := newState(t, dynamo.Options{})
	l.put("a", "1", `"n":{"N":"1"}`)
	del := `{` + state + `,"Key":` + at("a", "1") + `,"ReturnValues":"ALL_OLD"}`
	l.walk([]step{
		{"DeleteItem", del, `{"Attributes":{"n":{"N":"1"},"p":{"S":"a"},"s":{"S":"1"}}}`},
		{"DeleteItem", del, `{}`},
		{"DeleteItem", strings.TrimSuffix(del, "}") + `,"ConditionExpression":"attribute_exists(p)"}`, "...ConditionalCheckFailedException"},
	})
}

func TestAReadTakesPartsOfAnItem(t *testing.T) {
	l := newState(t, dynamo.Options{})
	l.put("a", "1", `"l":{"L":[{"S":"zero"},{"S":"one"},{"M":{"k":{"S":"two"},"j":{"S":"x"}}}]},"n":{"N":"1"}`)
	get := func(projection, more string) string {
		return `{` + state + `,"Key":` + at("a", "1") + `,"ProjectionExpression":"` + projection + `"` + more + `}`
	}
	l.walk([]step{
		{"GetItem", get("n, l[2].k, l[0]", ""), `{"Item":{"l":{"L":[{"S":"zero"},{"M":{"k":{"S":"two"}}}]},"n":{"N":"1"}}}`},
		{"GetItem", get("#n", `,"ExpressionAttributeNames":{"#n":"n"}`), `{"Item":{"n":{"N":"1"}}}`},
		{"GetItem", get("absent", ""), `{"Item":{}}`},
		{"GetItem", get("n, n", ""), "...Two document paths overlap"},
		{"GetItem", get("n,", ""), "...Syntax error"},
		{"GetItem", get("n", `,"ExpressionAttributeNames":{"#n":"n"}`), "...unused in expressions: keys: {#n}"},
		{"GetItem", get("", ""), "...The expression can not be empty"},
		{"GetItem", `{` + state + `,"Key":` + at("a", "1") + `,"AttributesToGet":["n"]}`, "...does not know AttributesToGet"},
	})
}
