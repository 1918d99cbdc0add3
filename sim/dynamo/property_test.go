package dynamo_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/sim/dynamo"
)

// counters is a store of counters beside a plain map of them.
type counters struct {
	*lab
	model map[string]int
}

func (c *counters) key(r *rapid.T) (string, string) {
	return rapid.SampledFrom([]string{"x", "y"}).Draw(r, "p"), rapid.SampledFrom([]string{"a", "ab", "b", "c"}).Draw(r, "s")
}

func (c *counters) Put(r *rapid.T) {
	p, s := c.key(r)
	n := rapid.IntRange(-5, 5).Draw(r, "n")
	c.put(p, s, fmt.Sprintf(`"n":{"N":"%d"}`, n))
	c.model[p+"/"+s] = n
}

func (c *counters) Add(r *rapid.T) {
	p, s := c.key(r)
	n := rapid.IntRange(-5, 5).Draw(r, "n")
	c.do("UpdateItem", fmt.Sprintf(`{%s,"Key":%s,"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"%d"}}}`, state, at(p, s), n))
	c.model[p+"/"+s] += n
}

func (c *counters) DeleteIfSmall(r *rapid.T) {
	p, s := c.key(r)
	got := c.do("DeleteItem", fmt.Sprintf(`{%s,"Key":%s,"ConditionExpression":"n < :n","ExpressionAttributeValues":{":n":{"N":"2"}}}`, state, at(p, s)))
	n, there := c.model[p+"/"+s]
	if small := there && n < 2; small != (got == "{}") {
		r.Fatalf("deleting %s/%s with %d answers %s", p, s, n, got)
	} else if small {
		delete(c.model, p+"/"+s)
	}
}

func (c *counters) Move(r *rapid.T) {
	p, s := c.key(r)
	q, u := c.key(r)
	if p == q && s == u {
		return
	}
	n, there := c.model[p+"/"+s]
	_, taken := c.model[q+"/"+u]
	got := c.do("TransactWriteItems", fmt.Sprintf(`{"TransactItems":[{"Delete":{%s,"Key":%s,"ConditionExpression":"attribute_exists(p)"}},
		{"Put":{%s,"Item":{"p":{"S":"%s"},"s":{"S":"%s"},"n":{"N":"%d"}},"ConditionExpression":"attribute_not_exists(p)"}}]}`, state, at(p, s), state, q, u, n))
	if moves := there && !taken; moves != (got == "{}") {
		r.Fatalf("moving answers %s", got)
	} else if moves {
		delete(c.model, p+"/"+s)
		c.model[q+"/"+u] = n
	}
}

func (c *counters) Time(r *rapid.T) {
	c.now = c.now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(r, "ms")) * time.Millisecond)
}

// Check compares every item, and both partitions.
func (c *counters) Check(r *rapid.T) {
	for _, p := range []string{"x", "y"} {
		var want []string
		for _, name := range slices.Sorted(maps.Keys(c.model)) {
			s, mine := strings.CutPrefix(name, p+"/")
			if !mine {
				continue
			}
			want = append(want, s)
			if got := c.get(p, s); !strings.Contains(got, fmt.Sprintf(`"n":{"N":"%d"}`, c.model[name])) {
				r.Fatalf("%s is %s, want %d", name, got, c.model[name])
			}
		}
		got := c.do("Query", `{`+state+`,"ConsistentRead":true,"KeyConditionExpression":"p = :p","ExpressionAttributeValues":{":p":{"S":"`+p+`"}}}`)
		if found(got) != strings.Join(want, " ") {
			r.Fatalf("%s has %s, want %s", p, found(got), want)
		}
	}
}

// TestTheStoreIsAMap runs random requests against the store and against a plain map of counters.
func TestTheStoreIsAMap(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		r.Repeat(rapid.StateMachineActions(&counters{newState(t, dynamo.Options{Lag: time.Second}), map[string]int{}}))
	})
}

// TestNumbersAreExact compares sums and the order of numbers with those of math/big.
func TestNumbersAreExact(t *testing.T) {
	l := newState(t, dynamo.Options{})
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,15}(\.[0-9]{1,15})?(e-?[0-9])?`)
		a, b := text.Draw(r, "a"), text.Draw(r, "b")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		l.put("a", "1", `"x":{"N":"`+a+`"},"y":{"N":"`+b+`"}`)
		got := l.do("UpdateItem", `{`+state+`,"Key":`+at("a", "1")+`,"UpdateExpression":"SET plus = x + y, diff = x - y","ReturnValues":"UPDATED_NEW"}`)
		for name, want := range map[string]*big.Rat{"plus": new(big.Rat).Add(x, y), "diff": new(big.Rat).Sub(x, y)} {
			_, after, _ := strings.Cut(got, `"`+name+`":{"N":"`)
			number, _, _ := strings.Cut(after, `"`)
			if sum, ok := new(big.Rat).SetString(number); !ok || sum.Cmp(want) != 0 || strings.ContainsAny(number, "eE") {
				r.Fatalf("%s and %s: %s answers %s", a, b, name, got)
			}
		}
		for sign, op := range map[int]string{-1: "x < y", 0: "x = y", 1: "x > y"} {
			held := l.do("UpdateItem", `{`+state+`,"Key":`+at("a", "1")+`,"UpdateExpression":"REMOVE plus","ConditionExpression":"`+op+`"}`) == "{}"
			if held != (x.Cmp(y) == sign) {
				r.Fatalf("%s and %s: %s is %t", a, b, op, held)
			}
		}
	})
}

// TestOldReadsAreOfThePast says that a read that is not consistent sees one of the values of the last second.
func TestOldReadsAreOfThePast(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		type written struct {
			at time.Time
			n  string
		}
		luck := rapid.SliceOfN(rapid.Float64Range(0, 0.999), 40, 40).Draw(r, "luck")
		l := newState(t, dynamo.Options{Lag: time.Second, Dice: func(_ string, at time.Time) float64 { return luck[at.Sub(begin)/(100*time.Millisecond)%40] }})
		history := []written{{begin.Add(-time.Hour), ""}}
		for i := range 20 {
			l.now = l.now.Add(time.Duration(rapid.IntRange(0, 5).Draw(r, "tenths")) * 100 * time.Millisecond)
			if rapid.Bool().Draw(r, "write") {
				l.put("a", "1", fmt.Sprintf(`"n":{"N":"%d"}`, i))
				history = append(history, written{l.now, fmt.Sprint(i)})
			}
			got := l.do("GetItem", `{`+state+`,"Key":`+at("a", "1")+`}`)
			_, after, _ := strings.Cut(got, `"n":{"N":"`)
			n, _, _ := strings.Cut(after, `"`)
			k := slices.IndexFunc(history, func(w written) bool { return w.n == n })
			if k < 0 || k+1 < len(history) && l.now.Sub(history[k+1].at) > time.Second {
				r.Fatalf("at %v a read sees %q of %v", l.now, n, history)
			}
		}
	})
}

func FuzzExpressions(f *testing.F) {
	for _, text := range []string{"a = :v", "NOT (a < :v OR size(#n) >= :v) AND a IN (:v, b.c[0])", "SET a = b + :v, c[1] = if_not_exists(a, :v) REMOVE d",
		"ADD a :v DELETE b :v", "a, b.c, #n[3]", "attribute_type(a, :v)", "a BETWEEN :v AND :v", "((", "a..b", "\x00", "SET"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted := fmt.Sprintf("%q", strings.ToValidUTF8(text, "?"))
		if strings.Contains(quoted, `\x`) || strings.Contains(quoted, `\a`) || strings.Contains(quoted, `\v`) || strings.Contains(quoted, `\U`) {
			return // not JSON
		}
		l := newState(t, dynamo.Options{})
		l.put("a", "1", `"a":{"N":"1"},"b":{"M":{"c":{"L":[{"S":"x"}]}}},"n":{"SS":["x"]}`)
		bound := `,"ExpressionAttributeNames":{"#n":"n"},"ExpressionAttributeValues":{":v":{"N":"1"}}}`
		for _, call := range []step{
			{"PutItem", `{` + state + `,"Item":` + at("b", "1") + `,"ConditionExpression":` + quoted + bound, ""},
			{"UpdateItem", `{` + state + `,"Key":` + at("a", "1") + `,"UpdateExpression":` + quoted + bound, ""},
			{"GetItem", `{` + state + `,"Key":` + at("a", "1") + `,"ProjectionExpression":` + quoted + bound, ""},
			{"Query", `{` + state + `,"KeyConditionExpression":` + quoted + bound, ""},
		} {
			_, err := l.call(call.operation, call.input)
			if err != nil && err.Code != "ValidationException" && err.Code != "ConditionalCheckFailedException" {
				t.Errorf("%s %s: %v", call.operation, text, err)
			}
		}
		if got := l.get("a", "1"); !strings.Contains(got, `"p":{"S":"a"},"s":{"S":"1"}`) {
			t.Errorf("after %s the item is %s", text, got)
		}
	})
}
