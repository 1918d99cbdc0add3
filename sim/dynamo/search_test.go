package dynamo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/sim/dynamo"
)

// found are the sort keys in an answer, in order.
func found(answer string) string {
	_, items, _ := strings.Cut(answer, `"Items":`)
	items, _, _ = strings.Cut(items, `"LastEvaluatedKey"`)
	var all []string
	for _, part := range strings.Split(items, `"s":{"S":"`)[1:] {
		s, _, _ := strings.Cut(part, `"`)
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

func alphabet(t *testing.T) *lab {
	l := newState(t, dynamo.Options{})
	for i, s := range []string{"a", "ab", "b", "ba", "c"} {
		l.put("x", s, fmt.Sprintf(`"n":{"N":"%d"},"even":{"BOOL":%t}`, i, i%2 == 0))
		l.put("y", s, "")
	}
	return l
}

func TestAQueryFollowsItsKeyCondition(t *testing.T) {
	l := alphabet(t)
	for _, c := range []struct{ condition, want string }{
		{"p = :x", "a ab b ba c"},
		{"p = :x AND s = :b", "b"},
		{"s = :b AND p = :x", "b"},
		{"(p = :x) AND (s < :b)", "a ab"},
		{"p = :x AND s <= :b", "a ab b"},
		{"p = :x AND s > :b", "ba c"},
		{"p = :x AND :b <= s", "b ba c"},
		{"p = :x AND s BETWEEN :a AND :b", "a ab b"},
		{"p = :x AND begins_with(s, :b)", "b ba"},
		{"p = :x AND s <> :b", "Invalid operator used in KeyConditionExpression: <>"},
		{"p = :x OR s = :b", "Invalid operator used in KeyConditionExpression: OR"},
		{"p = :x AND s > :a AND s < :b", "only contain one condition per key"},
		{"p > :x", "Query key condition not supported"},
		{"s = :b", "Query condition missed key schema element: p"},
		{"p = :x AND n = :b", "Query condition missed key schema element: s"},
		{"p = :x AND s = :n", "Condition parameter type does not match schema type"},
		{"p = :x AND s = p", "must be a value"},
	} {
		var values []string
		for _, v := range []string{`":x":{"S":"x"}`, `":a":{"S":"a"}`, `":b":{"S":"b"}`, `":n":{"N":"1"}`} {
			if strings.Contains(c.condition, v[1:3]) {
				values = append(values, v)
			}
		}
		got := l.do("Query", `{`+state+`,"KeyConditionExpression":"`+c.condition+`","ExpressionAttributeValues":{`+strings.Join(values, ",")+`}}`)
		if found(got) != c.want && !(strings.Contains(got, c.want) && strings.Contains(got, "ValidationException")) {
			t.Errorf("%s finds %s", c.condition, got)
		}
	}
}

func TestAQueryHasPages(t *testing.T) {
	l := alphabet(t)
	query := func(more string) string {
		return `{` + state + `,"KeyConditionExpression":"p = :x","ExpressionAttributeValues":{":x":{"S":"x"}}` + more + `}`
	}
	for _, c := range []struct{ more, want, next string }{
		{`,"Limit":2`, "a ab", `"LastEvaluatedKey":{"p":{"S":"x"},"s":{"S":"ab"}}`},
		{`,"Limit":2,"ExclusiveStartKey":` + at("x", "ab"), "b ba", `"LastEvaluatedKey":{"p":{"S":"x"},"s":{"S":"ba"}}`},
		{`,"Limit":2,"ExclusiveStartKey":` + at("x", "ba"), "c", ""},
		{`,"Limit":5`, "a ab b ba c", `"LastEvaluatedKey":{"p":{"S":"x"},"s":{"S":"c"}}`}, // the service does not look ahead
		{`,"ScanIndexForward":false,"Limit":2`, "c ba", `"s":{"S":"ba"}}`},
		{`,"ScanIndexForward":false,"ExclusiveStartKey":` + at("x", "b"), "ab a", ""},
		{`,"ExclusiveStartKey":` + at("x", "aa"), "ab b ba c", ""},
		{`,"Select":"COUNT"`, "", ""},
	} {
		got := l.do("Query", query(c.more))
		if found(got) != c.want || !strings.Contains(got, c.next) || strings.Contains(got, "LastEvaluatedKey") != (c.next != "") {
			t.Errorf("%s answers %s", c.more, got)
		}
	}
	l.walk([]step{
		{"Query", query(`,"Limit":0`), "...greater than or equal to 1"},
		{"Query", query(`,"ExclusiveStartKey":` + at("y", "a")), "...outside query boundaries"},
		{"Query", query(`,"ExclusiveStartKey":{"p":{"S":"x"}}`), "...starting key is invalid"},
		{"Query", query(`,"Select":"COUNT"`), `{"Count":5,"ScannedCount":5}`},
		{"Query", query(`,"Select":"ALL_PROJECTED_ATTRIBUTES"`), "...without an index"},
		{"Query", query(`,"IndexName":"other"`), "...does not know IndexName"},
		{"Query", `{` + state + `}`, "...must be specified in the request"},
	})
}

func TestAFilterComesAfterReading(t *testing.T) {
	l := alphabet(t)
	query := func(filter, values string) string {
		return `{` + state + `,"KeyConditionExpression":"p = :x","FilterExpression":"` + filter + `","ExpressionAttributeValues":{":x":{"S":"x"}` + values + `}}`
	}
	l.walk([]step{
		{"Query", query("even = :t", `,":t":{"BOOL":true}`), `..."ScannedCount":5`},
		{"Query", query("even = :t", `,":t":{"BOOL":true}`), `..."Count":3`},
		{"Query", query("s = :t", `,":t":{"S":"a"}`), "...non-primary key attributes: Primary key attribute: s"},
	})
}

func TestAScanSeesEveryItemOnce(t *testing.T) {
	l := alphabet(t)
	for name, first := range map[string]string{"pages of 3": `"Limit":3`, "one page": `"Limit":100`} {
		seen, start := 0, ""
		for range 10 {
			got := l.do("Scan", `{`+state+`,`+first+start+`}`)
			seen += len(strings.Fields(found(got)))
			_, after, more := strings.Cut(got, `"LastEvaluatedKey":`)
			if !more {
				break
			}
			key, _, _ := strings.Cut(after, `,"ScannedCount"`)
			start = `,"ExclusiveStartKey":` + key
		}
		if seen != 10 {
			t.Errorf("%s have %d items, want 10", name, seen)
		}
	}
	parts := 0
	for segment := range 3 {
		parts += len(strings.Fields(found(l.do("Scan", fmt.Sprintf(`{`+state+`,"Segment":%d,"TotalSegments":3}`, segment)))))
	}
	if parts != 10 {
		t.Errorf("three segments have %d items, want 10", parts)
	}
	l.walk([]step{{"Scan", `{` + state + `,"Segment":1}`, "...TotalSegments"}, {"Scan", `{` + state + `,"Segment":3,"TotalSegments":3}`, "...zero-based"}})
}

func TestAPageEndsBeforeAMegabyte(t *testing.T) {
	l := newState(t, dynamo.Options{})
	for i := range 4 {
		l.put("x", fmt.Sprint(i), `"b":{"S":"`+strings.Repeat("x", 300<<10)+`"}`)
	}
	got := l.do("Query", `{`+state+`,"KeyConditionExpression":"p = :x","ExpressionAttributeValues":{":x":{"S":"x"}}}`)
	if found(got) != "0 1 2" || !strings.Contains(got, `"LastEvaluatedKey":`+at("x", "2")) {
		t.Errorf("the first page has %s", found(got))
	}
}

func TestConditions(t *testing.T) {
	values := map[string]string{":n": `{"N":"5"}`, ":m": `{"N":"7"}`, ":s": `{"S":"ab"}`, ":t": `{"S":"N"}`, ":e": `{"S":"a"}`, ":b": `{"BOOL":true}`, ":l": `{"L":[]}`}
	for _, c := range []struct{ condition, want string }{
		{"n = :n", "yes"}, {"n <> :n", "no"}, {"n < :m", "yes"}, {"n > :m", "no"}, {"n <= :n", "yes"}, {"n >= :m", "no"}, {":m > n", "yes"},
		{"n = :s", "no"}, {"n < :s", "no"}, {"n <> :s", "yes"}, {"absent = :n", "no"}, {"absent <> :n", "yes"}, {"absent < :n", "no"},
		{"n BETWEEN :n AND :m", "yes"}, {"n BETWEEN :m AND :m", "no"}, {"n IN (:m, :n)", "yes"}, {"n IN (:m, :s)", "no"}, {"absent IN (:m)", "no"},
		{"attribute_exists(n)", "yes"}, {"attribute_exists(d.k[0])", "yes"}, {"attribute_exists(d.k[1])", "no"}, {"attribute_not_exists(absent)", "yes"},
		{"attribute_type(n, :t)", "yes"}, {"attribute_type(w, :t)", "no"}, {"begins_with(w, :e)", "yes"}, {"begins_with(n, :e)", "no"},
		{"contains(w, :e)", "yes"}, {"contains(g, :e)", "yes"}, {"contains(d.k, :e)", "yes"}, {"contains(g, :n)", "no"},
		{"size(w) < :n", "yes"}, {"size(g) = size(w)", "no"}, {"size(n) < :n", "no"}, {"size(d) < :n", "yes"},
		{"NOT n = :n", "no"}, {"NOT NOT n = :n", "yes"}, {"n = :n AND w = :e", "no"}, {"n = :m OR w = :s", "yes"},
		{"n = :m AND n = :n OR w = :s", "yes"}, {"n = :m AND (n = :n OR w = :s)", "no"}, {"not (n = :n and w = :s)", "no"},
		{"((n = :n))", "redundant parentheses"}, {"n = n", "must be distinct"}, {"n < :b", "operand type: BOOL"}, {"begins_with(w, :n)", "operand type: N"},
		{"attribute_type(n, :e)", "Invalid attribute type name found; type: a"}, {"n BETWEEN :m AND :n", "greater than or equal to lower bound"},
		{"n BETWEEN :n AND :s", "same data type"}, {"attribute_exists(:n)", "requires a document path"}, {"size(:b) < :n", "operand type: BOOL"},
		{"exists(n)", "Invalid function name; function: exists"}, {"n", "Syntax error"}, {"n = ", "Syntax error"}, {"n = :n AND", "Syntax error"}, {"(n = :n", "Syntax error"},
		{"n = :n w = :s", "Syntax error"}, {"n ! :n", "Syntax error"}, {"_n = :n", "Syntax error"}, {"n = :none", "not defined; attribute value: :none"}, {"#q = :n", "not defined; attribute name: #q"},
		{"year = :n", "reserved keyword: year"}, {"d.Name = :n", "reserved keyword: Name"}, {"attribute_exists(n, w)", "Incorrect number of operands"},
		{strings.Repeat("(", 400) + "n = :n" + strings.Repeat(")", 400), "too many levels"}, {"size(n)", "Syntax error"},
	} {
		l := newState(t, dynamo.Options{})
		l.put("a", "1", `"n":{"N":"5.0"},"w":{"S":"ab"},"g":{"SS":["a","b","c"]},"d":{"M":{"k":{"L":[{"S":"a"}]}}}`)
		var used []string
		for name, v := range values {
			if strings.Contains(c.condition+" ", name+" ") || strings.Contains(c.condition, name+")") || strings.Contains(c.condition, name+",") {
				used = append(used, `"`+name+`":`+v)
			}
		}
		given := ""
		if len(used) > 0 {
			given = `,"ExpressionAttributeValues":{` + strings.Join(used, ",") + `}`
		}
		got := l.do("DeleteItem", `{`+state+`,"Key":`+at("a", "1")+`,"ConditionExpression":"`+c.condition+`"`+given+`}`)
		switch got {
		case "{}":
			got = "yes"
		case "ConditionalCheckFailedException: The conditional request failed":
			got = "no"
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.condition, got, c.want)
		}
	}
}

func TestBatches(t *testing.T) {
	l := newState(t, dynamo.Options{})
	put := func(s string) string { return `{"PutRequest":{"Item":` + at("a", s) + `}}` }
	write := func(entries ...string) string {
		return `{"RequestItems":{"state":[` + strings.Join(entries, ",") + `]}}`
	}
	l.walk([]step{
		{"BatchWriteItem", write(put("1"), put("2"), put("3")), `{"UnprocessedItems":{}}`},
		{"BatchWriteItem", write(`{"DeleteRequest":{"Key":` + at("a", "3") + `}}`), `{"UnprocessedItems":{}}`},
		{"BatchWriteItem", write(put("1"), put("1")), "...contains duplicates"},
		{"BatchWriteItem", write(), "...greater than or equal to 1"},
		{"BatchWriteItem", write(`{}`), "...ValidationException"},
		{"BatchWriteItem", `{"RequestItems":{"other":[` + put("1") + `]}}`, "...ResourceNotFoundException"},
		{"BatchGetItem", `{"RequestItems":{"state":{"ConsistentRead":true,"Keys":[` + at("a", "1") + `,` + at("a", "3") + `]}}}`,
			`{"Responses":{"state":[` + at("a", "1") + `]},"UnprocessedKeys":{}}`},
		{"BatchGetItem", `{"RequestItems":{"state":{"Keys":[` + at("a", "1") + `,` + at("a", "1") + `]}}}`, "...contains duplicates"},
		{"BatchGetItem", `{"RequestItems":{}}`, "...greater than or equal to 1"},
	})
	many := make([]string, 101)
	for i := range many {
		many[i] = at("a", fmt.Sprint(i))
	}
	l.walk([]step{{"BatchGetItem", `{"RequestItems":{"state":{"Keys":[` + strings.Join(many, ",") + `]}}}`, "...Too many items requested"}})
}

func TestABatchOfBigItemsComesInParts(t *testing.T) {
	l := newState(t, dynamo.Options{})
	var keys []string
	for i := range 45 {
		l.put("a", fmt.Sprint(i), `"b":{"S":"`+strings.Repeat("x", 390<<10)+`"}`)
		keys = append(keys, at("a", fmt.Sprint(i)))
	}
	got := l.do("BatchGetItem", `{"RequestItems":{"state":{"Keys":[`+strings.Join(keys, ",")+`],"ProjectionExpression":"s"}}}`)
	_, left, _ := strings.Cut(got, `"UnprocessedKeys"`)
	if n := strings.Count(left, `"p":`); n != 3 || !strings.Contains(left, `"ProjectionExpression":"s"`) {
		t.Errorf("%d keys are left: %s", n, left)
	}
}

func TestTransactions(t *testing.T) {
	l := newState(t, dynamo.Options{})
	l.put("a", "1", `"n":{"N":"1"}`)
	in := func(entries string) string { return `{"TransactItems":[` + entries + `]}` }
	put := func(s, more string) string { return `{"Put":{` + state + `,"Item":` + at("a", s) + more + `}}` }
	check := `{"ConditionCheck":{` + state + `,"Key":` + at("a", "1") + `,"ConditionExpression":"n = :n","ReturnValuesOnConditionCheckFailure":"ALL_OLD","ExpressionAttributeValues":{":n":{"N":"2"}}}}`
	update := `{"Update":{` + state + `,"Key":` + at("a", "1") + `,"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"1"}}}}`
	l.walk([]step{
		{"TransactWriteItems", in(put("2", "") + "," + check), `TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed] ` +
			`{"CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed","Item":{"n":{"N":"1"},"p":{"S":"a"},"s":{"S":"1"}},"Message":"The conditional request failed"}]}`},
		{"GetItem", `{` + state + `,"Key":` + at("a", "2") + `}`, "{}"},
		{"TransactWriteItems", in(update + "," + put("2", "")), "{}"},
		{"TransactWriteItems", in(check + "," + put("2", `,"ConditionExpression":"attribute_exists(p)"`) + `,{"Delete":{` + state + `,"Key":` + at("a", "9") + `}}`), "{}"},
		{"TransactWriteItems", in(check + "," + update), "...cannot include multiple operations on one item"},
		{"TransactWriteItems", in(`{"Update":{` + state + `,"Key":` + at("a", "1") + `,"UpdateExpression":"SET n = x"}}`), "...[ValidationError]"},
		{"TransactWriteItems", in(`{"ConditionCheck":{` + state + `,"Key":` + at("a", "1") + `}}`), "...conditionExpression"},
		{"TransactWriteItems", in(``), "...length from 1 to 100"},
		{"TransactWriteItems", in(`{"Get":{}}`), "...can only contain one of"},
		{"TransactGetItems", in(`{"Get":{` + state + `,"Key":` + at("a", "1") + `,"ProjectionExpression":"n"}},{"Get":{` + state + `,"Key":` + at("a", "9") + `}}`),
			`{"Responses":[{"Item":{"n":{"N":"2"}}},{}]}`},
	})
}

func TestATransactionWithATokenIsDoneOnce(t *testing.T) {
	l := newState(t, dynamo.Options{})
	add := func(n string) string {
		return `{"ClientRequestToken":"token","TransactItems":[{"Update":{` + state + `,"Key":` + at("a", "1") + `,"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"` + n + `"}}}}]}`
	}
	l.walk([]step{{"TransactWriteItems", add("1"), "{}"}, {"TransactWriteItems", add("1"), "{}"}, {"TransactWriteItems", add("2"), "...IdempotentParameterMismatchException"}})
	if got := l.get("a", "1"); !strings.Contains(got, `"n":{"N":"1"}`) {
		t.Errorf("after the same request twice the item is %s", got)
	}
	l.now = l.now.Add(10 * time.Minute)
	l.walk([]step{{"TransactWriteItems", add("2"), "{}"}})
	if got := l.get("a", "1"); !strings.Contains(got, `"n":{"N":"3"}`) {
		t.Errorf("ten minutes later the token is used anew, and the item is %s", got)
	}
}
