package daemon_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ecs-autoscaler/scaler"
)

// says is what the daemon answers.
func (m *member) says(path string) string {
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer.Body.String()
}

// summary is the latest one.
func (m *member) summary(t *testing.T) map[string]any {
	t.Helper()
	all := m.logs.FilterMessage(scaler.SummaryMessage).All()
	if len(all) == 0 {
		t.Error("there is no summary")
		return nil
	}
	return all[len(all)-1].ContextMap()
}

// unready checks that everything that says whether the daemon does its work says that it does not, and why.
func (m *member) unready(t *testing.T, why string) {
	t.Helper()
	if text := m.says("/readyz"); !strings.Contains(text, why) || strings.Count(text, "\n") != 1 {
		t.Errorf("/readyz says %q; want %q in one line", text, why)
	}
	sum := m.summary(t)
	if said, _ := sum["why"].(string); sum["ready"] != false || sum["problems"] == int64(0) || !strings.Contains(said, why) {
		t.Errorf("the summary is %v; want it not ready, %q", sum, why)
	}
}

// writable is what the metric of that name says.
func (m *member) writable() bool {
	return strings.Contains(m.says("/metrics"), "\necs_autoscaler_state_writable 1\n")
}

func TestADaemonWhoseTableDoesNotAnswerSaysSoEverywhere(t *testing.T) {
	inTime(t, fourClusters, func(w *world) {
		m := w.join(0)
		time.Sleep(5 * time.Minute)
		if sum := m.summary(t); !m.writable() || m.says("/readyz") != "ok\n" || sum["ready"] != true || sum["problems"] != int64(0) {
			t.Errorf("before: writable %v, /readyz %q, summary %v", m.writable(), m.says("/readyz"), sum)
		}
		for why, cut := range map[string]func(operation string) bool{
			"the leases cannot be read: DynamoDB table ecs-autoscaler did not answer": func(operation string) bool { return operation == "Query" },
			"the heartbeat cannot be written":                                         func(operation string) bool { return operation == "PutItem" },
		} {
			m.line.cutOff(cut)
			time.Sleep(10 * time.Second)
			if m.writable() {
				t.Errorf("%s, and the state is said to be writable", why)
			}
			time.Sleep(2 * time.Minute)
			m.unready(t, why)
			m.line.cutOff(nil)
			time.Sleep(2 * time.Minute)
			if sum := m.summary(t); !m.writable() || m.says("/readyz") != "ok\n" || sum["ready"] != true || sum["problems"] != int64(0) {
				t.Errorf("after: writable %v, /readyz %q, summary %v", m.writable(), m.says("/readyz"), sum)
			}
		}
		m.leave(w)
	})
}

// The item of a target is spoiled while no daemon runs, and then forgotten as docs/state.md says.
func TestAClusterWithADamagedItemIsNobodysUntilTheItemIsForgotten(t *testing.T) {
	inTime(t, fourClusters, func(w *world) {
		first := w.join(0)
		time.Sleep(5 * time.Minute)
		first.leave(w)
		c := dynamodb.New(dynamodb.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: w.region.Transport()}})
		item := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "state#b"}, "SK": &types.AttributeValueMemberS{Value: "memory#web"}}
		table := aws.String("ecs-autoscaler")
		change := func(expression string, key, values map[string]types.AttributeValue) {
			t.Helper()
			if _, err := c.UpdateItem(w.t.Context(), &dynamodb.UpdateItemInput{
				TableName: table, Key: key, UpdateExpression: &expression, ExpressionAttributeValues: values,
			}); err != nil {
				t.Fatal(err)
			}
		}
		change("SET Memory = :rubbish", item, map[string]types.AttributeValue{":rubbish": &types.AttributeValueMemberS{Value: "rubbish"}})
		second := w.join(0)
		time.Sleep(3 * time.Minute)
		second.unready(t, `cluster b cannot be taken up, so nobody steers it: load what is remembered of b: DynamoDB table ecs-autoscaler has a damaged item (PK "state#b", SK "memory#web"`)
		if got := strings.Join(second.clusters(), ""); got != "acd" || second.summary(t)["problems"] != int64(1) {
			t.Errorf("it steers %s; the summary is %v", got, second.summary(t))
		}
		if n, said := second.logs.FilterMessageSnippet("the cluster cannot be taken up").Len(), second.logs.FilterMessage("this daemon steers the cluster now").Len(); n != 1 || said != 3 {
			t.Errorf("the problem is told %d times; %d times it says that it steers a cluster", n, said)
		}
		if _, err := c.DeleteItem(w.t.Context(), &dynamodb.DeleteItemInput{TableName: table, Key: item}); err != nil {
			t.Fatal(err)
		}
		lease := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "leases"}, "SK": &types.AttributeValueMemberS{Value: "lease#b"}}
		change("REMOVE CommitTime", lease, nil)
		time.Sleep(2 * time.Minute)
		if sum := second.summary(t); len(second.clusters()) != 4 || second.says("/readyz") != "ok\n" || sum["problems"] != int64(0) {
			t.Errorf("afterwards it steers %v, /readyz %q, summary %v", second.clusters(), second.says("/readyz"), sum)
		}
		second.leave(w)
	})
}
