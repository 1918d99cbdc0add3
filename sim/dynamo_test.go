package sim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"ecs-autoscaler/sim"
)

const stateTable = `
dynamodb:
  tables:
    - TableName: state
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: sk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
  time_to_live:
    - {TableName: state, TimeToLiveSpecification: {AttributeName: expires, Enabled: true}}
`

func (w *world) tables() *dynamodb.Client { return dynamodb.NewFromConfig(sdkConfig(w.Transport())) }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func count(n int64) types.AttributeValue { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }

func stateKey(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(pk), "sk": text(sk)}
}

func stateItem(pk, sk string, n int64) map[string]types.AttributeValue {
	it := stateKey(pk, sk)
	it["n"] = count(n)
	return it
}

func (w *world) put(item map[string]types.AttributeValue) {
	w.t.Helper()
	if _, err := w.tables().PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String("state"), Item: item}); err != nil {
		w.t.Fatal(err)
	}
}

// number is the attribute n of an item, "" if there is none.
func number(item map[string]types.AttributeValue) string {
	if n, ok := item["n"].(*types.AttributeValueMemberN); ok {
		return n.Value
	}
	return ""
}

func (w *world) get(pk, sk string, consistent bool) string {
	w.t.Helper()
	out, err := w.tables().GetItem(context.Background(), &dynamodb.GetItemInput{
		TableName: aws.String("state"), Key: stateKey(pk, sk), ConsistentRead: &consistent})
	if err != nil {
		w.t.Fatal(err)
	}
	return number(out.Item)
}

func TestTheSDKKeepsStateInATable(t *testing.T) {
	w := newWorld(t, stateTable)
	db, ctx := w.tables(), t.Context()
	w.put(stateItem("a", "1", 1))
	updated, err := db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String("state"), Key: stateKey("a", "1"), UpdateExpression: aws.String("SET n = n + :one, #l = list_append(if_not_exists(#l, :none), :some)"),
		ConditionExpression: aws.String("attribute_exists(pk) AND n = :one"), ReturnValues: types.ReturnValueUpdatedNew,
		ExpressionAttributeNames: map[string]string{"#l": "list"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":one": count(1), ":none": &types.AttributeValueMemberL{},
			":some": &types.AttributeValueMemberL{Value: []types.AttributeValue{text("x")}}},
	})
	if err != nil || number(updated.Attributes) != "2" || len(updated.Attributes) != 2 {
		t.Errorf("the update answers %+v, %v", updated, err)
	}
	_, err = db.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("state"), Item: stateItem("a", "1", 9),
		ConditionExpression: aws.String("attribute_not_exists(pk)"), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld})
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) || number(failed.Item) != "2" {
		t.Errorf("a put over what is there answers %v, item %v", err, failed)
	}
	if _, err := db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: aws.String("state"), Key: stateKey("a", "1")}); err != nil {
		t.Error(err)
	}
	if got := w.get("a", "1", true); got != "" {
		t.Errorf("after the delete the item has n %q", got)
	}
}

func TestAQueryGoesThroughItsPages(t *testing.T) {
	w := newWorld(t, stateTable)
	for i := range 10 {
		w.put(stateItem("a", fmt.Sprintf("s%02d", i), int64(i)))
		w.put(stateItem("b", fmt.Sprintf("s%02d", i), int64(i)))
	}
	pages := dynamodb.NewQueryPaginator(w.tables(), &dynamodb.QueryInput{
		TableName: aws.String("state"), ConsistentRead: aws.Bool(true), Limit: aws.Int32(3), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: aws.String("pk = :a AND sk BETWEEN :low AND :high"), FilterExpression: aws.String("n <> :four"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":a": text("a"), ":low": text("s01"), ":high": text("s08"), ":four": count(4)},
	})
	var got []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			got = append(got, number(it))
		}
	}
	if list := strings.Join(got, " "); list != "8 7 6 5 3 2 1" {
		t.Errorf("the query finds %s", list)
	}
}

func TestATransactionIsDoneWholeOrNotAtAll(t *testing.T) {
	w := newWorld(t, stateTable)
	w.put(stateItem("lease", "x", 7))
	write := func(generation int64) error {
		_, err := w.tables().TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{ConditionCheck: &types.ConditionCheck{TableName: aws.String("state"), Key: stateKey("lease", "x"), ConditionExpression: aws.String("n = :g"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":g": count(generation)}}},
			{Put: &types.Put{TableName: aws.String("state"), Item: stateItem("target", "x", generation)}},
		}})
		return err
	}
	var cancelled *types.TransactionCanceledException
	if err := write(6); !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != 2 ||
		*cancelled.CancellationReasons[0].Code != "ConditionalCheckFailed" || *cancelled.CancellationReasons[1].Code != "None" {
		t.Errorf("the transaction on an old generation answers %v", err)
	}
	if got := w.get("target", "x", true); got != "" {
		t.Errorf("the cancelled transaction wrote %s", got)
	}
	if err := write(7); err != nil {
		t.Error(err)
	}
	if got := w.get("target", "x", true); got != "7" {
		t.Errorf("the transaction wrote %q", got)
	}
}

func TestABatchWritesWhatItIsGiven(t *testing.T) {
	w := newWorld(t, stateTable)
	var requests []types.WriteRequest
	for i := range 25 {
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: stateItem("a", fmt.Sprint(i), int64(i))}})
	}
	batch := func() (*dynamodb.BatchWriteItemOutput, error) {
		return w.tables().BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"state": requests},
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
	}
	out, err := batch()
	if err != nil || len(out.UnprocessedItems) != 0 || *out.ConsumedCapacity[0].CapacityUnits != 25 {
		t.Errorf("the batch answers %+v, %v", out, err)
	}
	requests = append(requests, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: stateKey("b", "b")}})
	if _, err := batch(); code(err) != "ValidationException" {
		t.Errorf("a batch of 26 answers %v", err)
	}
	if got := w.TableUsage(); len(got) != 1 || got[0] != (sim.TableUsage{Table: "state", Operation: "BatchWriteItem", Calls: 1, WriteUnits: 25}) {
		t.Errorf("usage %+v", got)
	}
}

func TestAReadThatIsNotConsistentMayBeOld(t *testing.T) {
	w := newWorld(t, stateTable)
	w.put(stateItem("a", "1", 1))
	w.pass(time.Second)
	w.put(stateItem("a", "1", 2))
	if old, now := w.get("a", "1", false), w.get("a", "1", true); old != "1" || now != "2" {
		t.Errorf("at the moment of the write reads see %s and %s, want 1 and 2", old, now)
	}
	w.pass(100 * time.Millisecond)
	if got := w.get("a", "1", false); got != "2" {
		t.Errorf("after the lag the read sees %s", got)
	}
}

func TestTimeToLiveDeletesLate(t *testing.T) {
	w := newWorld(t, stateTable)
	it := stateItem("a", "1", 1)
	it["expires"] = count(w.now().Add(time.Hour).Unix())
	w.put(it)
	w.pass(time.Hour + time.Second)
	if got := w.get("a", "1", true); got != "1" {
		t.Error("the item went at the second in which it expired")
	}
	w.pass(48 * time.Hour)
	if got := w.get("a", "1", true); got != "" {
		t.Error("the item is still there two days later")
	}
}

func TestFaultsStrikeTables(t *testing.T) {
	for _, c := range []struct {
		kind sim.FaultKind
		want string
	}{
		{sim.Throttling, "ProvisionedThroughputExceededException"}, {sim.ServerError, "InternalServerError"},
		{sim.AccessDenied, "AccessDeniedException"}, {sim.ExpiredCredentials, "ExpiredTokenException"},
		{sim.InvalidCredentials, "UnrecognizedClientException"},
	} {
		w := newWorld(t, stateTable)
		w.inject(sim.Fault{Kind: c.kind, API: "dynamodb", Operation: "PutItem"})
		_, err := w.tables().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("state"), Item: stateItem("a", "1", 1)})
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != c.want {
			t.Errorf("%s: %v, want %s", c.kind, err, c.want)
		}
		if got := w.get("a", "1", true); got != "" {
			t.Errorf("%s: the item was written", c.kind)
		}
	}
}

func TestATableIsMadeAndGoes(t *testing.T) {
	w := newWorld(t, "")
	db, ctx := w.tables(), t.Context()
	_, err := db.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("state"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	status := func() string {
		out, err := db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String("state")})
		if err != nil {
			return code(err)
		}
		return string(out.Table.TableStatus)
	}
	got := status()
	w.pass(5 * time.Second)
	got += " " + status()
	if _, err := db.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String("state")}); err != nil {
		t.Fatal(err)
	}
	got += " " + status()
	w.pass(5 * time.Second)
	if got += " " + status(); got != "CREATING ACTIVE DELETING ResourceNotFoundException" {
		t.Errorf("the table goes through %s", got)
	}
}
