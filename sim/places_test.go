package sim_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"ecs-autoscaler/sim"
)

const twoAccounts = `
region: eu-west-2
account: "111111111111"
services: [{service: shop/api, desired: 1}]
places:
  - account: "222222222222"
    services: [{service: shop/api, desired: 2}]
    dynamodb:
      tables:
        - TableName: state
          BillingMode: PAY_PER_REQUEST
          AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
          KeySchema: [{AttributeName: pk, KeyType: HASH}]
  - {region: us-east-1, services: [{service: shop/api, desired: 3}]}
roles:
  - {arn: "arn:aws:iam::222222222222:role/scaler", external_id: s3cret, trusts: ["111111111111"]}
  - {arn: "arn:aws:iam::222222222222:role/locked", denied: true}
access_keys: {AKIAOTHER: "222222222222"}
`

// as is a configuration for a key and a region.
func (w *world) as(key, region string) aws.Config {
	cfg := sdkConfig(w.Transport())
	cfg.Credentials, cfg.Region = credentials.NewStaticCredentialsProvider(key, "secret", ""), region
	return cfg
}

// desired is the desired count of shop/api, or the code of the error.
func desired(cfg aws.Config) string {
	out, err := ecs.NewFromConfig(cfg).DescribeServices(context.Background(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"api"}})
	if err != nil {
		return code(err)
	}
	return fmt.Sprint(out.Services[0].DesiredCount)
}

func (w *world) assume(from aws.Config, role, externalID string) (*sts.AssumeRoleOutput, error) {
	in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("test")}
	if externalID != "" {
		in.ExternalId = &externalID
	}
	return sts.NewFromConfig(from).AssumeRole(context.Background(), in)
}

const scalerRole = "arn:aws:iam::222222222222:role/scaler"

func TestRequestsFindTheirPlace(t *testing.T) {
	w := newWorld(t, twoAccounts)
	out, err := w.assume(w.as("AKID", "eu-west-2"), scalerRole, "s3cret")
	if err != nil {
		t.Fatal(err)
	}
	session := *out.Credentials.AccessKeyId
	for _, c := range []struct{ key, region, want string }{
		{"AKID", "eu-west-2", "1"}, {"AKID", "us-east-1", "3"}, {session, "eu-west-2", "2"}, {"AKIAOTHER", "eu-west-2", "2"},
		{"AKID", "ap-south-1", "ClusterNotFoundException"}, {session, "us-east-1", "ClusterNotFoundException"},
	} {
		if got := desired(w.as(c.key, c.region)); got != c.want {
			t.Errorf("key %s in %s sees %s, want %s", c.key, c.region, got, c.want)
		}
	}
	calls := w.Calls()
	if last := calls[3]; last.Account != "222222222222" || last.Region != "eu-west-2" {
		t.Errorf("the call of the session is recorded in %s/%s", last.Account, last.Region)
	}
}

func TestAPlaceIsChangedAlone(t *testing.T) {
	w := newWorld(t, twoAccounts)
	other, err := w.At("222222222222", "eu-west-2")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.SetDesired("shop", "api", 7); err != nil {
		t.Fatal(err)
	}
	if a, b := desired(w.as("AKID", "eu-west-2")), desired(w.as("AKIAOTHER", "eu-west-2")); a != "1" || b != "7" {
		t.Errorf("after a change in one account the accounts have %s and %s", a, b)
	}
	if _, err := w.At("333333333333", "eu-west-2"); err == nil || !strings.Contains(err.Error(), "222222222222/eu-west-2") {
		t.Errorf("a place that is not there: %v", err)
	}
}

func TestWhoMayAssumeARole(t *testing.T) {
	w := newWorld(t, twoAccounts)
	home, other := w.as("AKID", "eu-west-2"), w.as("AKIAOTHER", "eu-west-2")
	for _, c := range []struct {
		name             string
		from             aws.Config
		role, externalID string
		want             string
	}{
		{"the right one", home, scalerRole, "s3cret", ""},
		{"a wrong external id", home, scalerRole, "guess", "AccessDenied"},
		{"no external id", home, scalerRole, "", "AccessDenied"},
		{"an account that is not trusted", other, scalerRole, "s3cret", "AccessDenied"},
		{"a role that nobody may assume", home, "arn:aws:iam::222222222222:role/locked", "", "AccessDenied"},
		{"a role that is not there", home, "arn:aws:iam::222222222222:role/none", "", "AccessDenied"},
		{"an account without roles", home, "arn:aws:iam::111111111111:role/path/any", "", ""},
		{"an account that is not there", home, "arn:aws:iam::333333333333:role/any", "", "AccessDenied"},
		{"no role", home, "arn:aws:iam::222222222222:user/somebody", "", "ValidationError"},
	} {
		if _, err := w.assume(c.from, c.role, c.externalID); code(err) != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	_, err := w.assume(home, "arn:aws:iam::222222222222:role/locked", "")
	if want := "User: arn:aws:iam::111111111111:user/AKID is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/locked"; !strings.Contains(err.Error(), want) {
		t.Errorf("the refusal is %v", err)
	}
}

func TestACallerKnowsItself(t *testing.T) {
	w := newWorld(t, twoAccounts)
	identity := func(cfg aws.Config) string {
		out, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Account + " " + *out.Arn
	}
	out, err := w.assume(w.as("AKID", "eu-west-2"), scalerRole, "s3cret")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"AKID":                       "111111111111 arn:aws:iam::111111111111:user/AKID",
		*out.Credentials.AccessKeyId: "222222222222 arn:aws:sts::222222222222:assumed-role/scaler/test",
	} {
		if got := identity(w.as(key, "eu-west-2")); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	if got := *out.AssumedRoleUser.Arn; got != "arn:aws:sts::222222222222:assumed-role/scaler/test" || !out.Credentials.Expiration.Equal(w.now().Add(time.Hour)) {
		t.Errorf("the session is %s until %v", got, out.Credentials.Expiration)
	}
}

func TestSessionsExpireWhereTheScenarioSaysSo(t *testing.T) {
	for scenario, want := range map[string]string{twoAccounts: "2", twoAccounts + "sessions_expire: true\n": "ExpiredTokenException"} {
		w := newWorld(t, scenario)
		out, err := w.assume(w.as("AKID", "eu-west-2"), scalerRole, "s3cret")
		if err != nil {
			t.Fatal(err)
		}
		session := w.as(*out.Credentials.AccessKeyId, "eu-west-2")
		w.pass(time.Hour - time.Second)
		before := desired(session)
		w.pass(time.Second)
		if after := desired(session); before != "2" || after != want {
			t.Errorf("before and after the hour the session sees %s and %s, want 2 and %s", before, after, want)
		}
	}
}

func TestAnOutageIsThatOfOnePlace(t *testing.T) {
	for _, c := range []struct {
		fault sim.Fault
		want  string
	}{
		{sim.Fault{Account: "222222222222"}, "1 3 ServerException InternalFailure"},
		{sim.Fault{Region: "us-*"}, "1 ServerException 2 "},
		{sim.Fault{Account: "111111111111", Region: "eu-west-2"}, "ServerException 3 2 "},
		{sim.Fault{API: "sts"}, "1 3 2 InternalFailure"},
	} {
		w := newWorld(t, twoAccounts)
		c.fault.Kind = sim.ServerError
		w.inject(c.fault)
		_, err := w.assume(w.as("AKID", "eu-west-2"), scalerRole, "s3cret")
		got := desired(w.as("AKID", "eu-west-2")) + " " + desired(w.as("AKID", "us-east-1")) + " " + desired(w.as("AKIAOTHER", "eu-west-2")) + " " + code(err)
		if got != c.want {
			t.Errorf("%+v leaves %s, want %s", c.fault, got, c.want)
		}
	}
}

func TestTablesOfOneAccountAreNotThoseOfAnother(t *testing.T) {
	w := newWorld(t, twoAccounts)
	list := func(key string) int {
		out, err := dynamodb.NewFromConfig(w.as(key, "eu-west-2")).ListTables(t.Context(), &dynamodb.ListTablesInput{})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.TableNames)
	}
	if home, other := list("AKID"), list("AKIAOTHER"); home != 0 || other != 1 {
		t.Errorf("the accounts have %d and %d tables, want 0 and 1", home, other)
	}
}

func TestPlacesAreChecked(t *testing.T) {
	for _, c := range []struct{ scenario, want string }{
		{"places: [{}]", "test.yaml:1:10: places[0]: account 123456789012 in us-east-1 is there already"},
		{"places:\n  - account: 12", "places[0].account: \"12\" is no account"},
		{"places:\n  - {region: mars}", "places[0].region: \"mars\" is no region"},
		{"places:\n  - region: eu-west-1\n    services: [{service: x}]", "places[0].services[0]"},
		{"places:\n  - region: eu-west-1\n    seed: 1", "unknown field"},
		{"roles: [{arn: scaler}]", "roles[0].arn: \"scaler\" is no ARN of a role"},
		{"roles: [{arn: 'arn:aws:iam::222222222222:role/x', trusts: [me]}]", "is no account"},
		{"access_keys: {AKIA: me}", "access_keys.AKIA: \"me\" is no account"},
		{"dynamodb: {table_delay: 2h}", "dynamodb.table_delay: must be at most 1h"},
		{"dynamodb: {ttl_delay: -1}", "dynamodb.ttl_delay: must not be negative"},
		{"dynamodb: {tables: [{TableName: st}]}", "dynamodb.tables[0]: as the input of CreateTable: TableName must be at least 3"},
		{"dynamodb: {time_to_live: [{TableName: state}]}", "dynamodb.time_to_live[0]: as the input of UpdateTimeToLive: Requested resource not found"},
		{"faults: [{kind: throttling, account: '[', operation: x}]", "faults[0].account: is no pattern"},
	} {
		_, err := sim.ParseScenario("test.yaml", []byte(c.scenario), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.scenario, err, c.want)
		}
	}
}

// TestCallsAtOnceHaveEachTheirOwnLuck sends the same calls in two orders; which of them fail is the same.
func TestCallsAtOnceHaveEachTheirOwnLuck(t *testing.T) {
	run := func(order []int) (failed []int) {
		w := newWorld(t, twoAccounts)
		w.inject(sim.Fault{Kind: sim.ServerError, Probability: 0.5})
		var wait sync.WaitGroup
		var lock sync.Mutex
		for _, i := range order {
			wait.Go(func() {
				_, err := ecs.NewFromConfig(w.as("AKID", "eu-west-2")).DescribeServices(t.Context(),
					&ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{fmt.Sprint("s", i)}})
				if code(err) == "ServerException" {
					lock.Lock()
					failed = append(failed, i)
					lock.Unlock()
				}
			})
		}
		wait.Wait()
		slices.Sort(failed)
		return failed
	}
	order := make([]int, 40)
	for i := range order {
		order[i] = i
	}
	first := run(order)
	slices.Reverse(order)
	if second := run(order); !slices.Equal(first, second) || len(first) < 10 || len(first) > 30 {
		t.Errorf("%v fail in one order, %v in the other", first, second)
	}
}

func TestFaultsOfTablesStrikeWhatTheyName(t *testing.T) {
	w := newWorld(t, stateTable)
	id := w.inject(sim.Fault{Kind: sim.TransactionConflict})
	_, err := w.tables().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("state"), Item: stateItem("a", "1", 1)})
	if code(err) != "TransactionConflictException" || w.get("a", "1", true) != "" {
		t.Errorf("a put answers %v", err)
	}
	w.Clear(id)
	w.inject(sim.Fault{Kind: sim.ServerError, Table: "st*"})
	w.inject(sim.Fault{Kind: sim.AccessDenied, Table: "other"})
	if _, err := w.tables().ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil {
		t.Errorf("a call that names no table answers %v", err)
	}
	_, err = w.tables().DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("state")})
	if code(err) != "InternalServerError" {
		t.Errorf("a call of the table answers %v", err)
	}
	_, err = w.tables().DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("other")})
	if err == nil || !strings.Contains(err.Error(), "dynamodb:DescribeTable on resource: arn:aws:dynamodb:us-east-1:123456789012:table/other") {
		t.Errorf("a call of the other table answers %v", err)
	}
}

// TestAnAnswerThatIsLostMayHaveHadItsEffect walks the faults of the connection with a write of DynamoDB.
func TestAnAnswerThatIsLostMayHaveHadItsEffect(t *testing.T) {
	for _, c := range []struct {
		kind   sim.FaultKind
		effect string
	}{
		{sim.TimeoutBefore, ""}, {sim.TimeoutAfter, "1"}, {sim.Hang, "1"}, {sim.ConnectionReset, ""}, {sim.ConnectionResetAfter, "1"},
	} {
		synctest.Test(t, func(t *testing.T) { // the deadline comes when nothing else can happen
			w := newWorld(t, stateTable)
			w.inject(sim.Fault{Kind: c.kind, Operation: "PutItem"})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			_, err := w.tables().PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("state"), Item: stateItem("a", "1", 1)})
			if got := w.get("a", "1", true); err == nil || got != c.effect {
				t.Errorf("%s: error %v, and the item has n %q, want %q", c.kind, err, got, c.effect)
			}
		})
	}
}

func TestHalfOfABatchIsLeftUndone(t *testing.T) {
	_, server := serve(t, stateTable+"faults: [{kind: unprocessed_items}]")
	put := func(s string) string { return `{"PutRequest":{"Item":{"pk":{"S":"a"},"sk":{"S":"` + s + `"}}}}` }
	got := send(t, server.URL, `{"RequestItems":{"state":[`+put("1")+","+put("2")+","+put("3")+`]}}`,
		"X-Amz-Target", "DynamoDB_20120810.BatchWriteItem", "Content-Type", "application/x-amz-json-1.0", "Authorization", signature)
	if want := `{"UnprocessedItems":{"state":[` + put("2") + "," + put("3") + `]}}`; got.body != want {
		t.Errorf("the batch answers %s, want %s", got.body, want)
	}
	got = send(t, server.URL, `{"RequestItems":{"state":{"ConsistentRead":true,"Keys":[{"pk":{"S":"a"},"sk":{"S":"1"}},{"pk":{"S":"a"},"sk":{"S":"2"}}]}}}`,
		"X-Amz-Target", "DynamoDB_20120810.BatchGetItem", "Content-Type", "application/x-amz-json-1.0", "Authorization", signature)
	if want := `{"Responses":{"state":[{"pk":{"S":"a"},"sk":{"S":"1"}}]},"UnprocessedKeys":{"state":{"ConsistentRead":true,"Keys":[{"pk":{"S":"a"},"sk":{"S":"2"}}]}}}`; got.body != want {
		t.Errorf("the batch answers %s, want %s", got.body, want)
	}
}

func TestPeopleLookAtTablesAndPlaces(t *testing.T) {
	_, server := serve(t, twoAccounts)
	got := send(t, server.URL, `{"TableName":"state","Item":{"pk":{"S":"a"}}}`, "X-Amz-Target", "DynamoDB_20120810.PutItem",
		"Authorization", strings.Replace(signature, "=x/", "=AKIAOTHER/", 1), "Content-Type", "application/x-amz-json-1.0")
	if got.status != http.StatusOK || got.header.Get("X-Amz-Crc32") != "2745614147" {
		t.Fatalf("the put answers %d %s %v", got.status, got.body, got.header)
	}
	var pages []map[string]any
	page(t, "GET", server.URL+"/_sim/tables", "", &pages)
	if s := fmt.Sprint(pages); s != "[map[account:222222222222 calls:1 operation:PutItem read_units:0 region:eu-west-2 table:state write_units:1]]" {
		t.Errorf("tables %s", s)
	}
	page(t, "GET", server.URL+"/_sim/services", "", &pages)
	if len(pages) != 3 || pages[0]["account"] != "111111111111" || pages[1]["region"] != "us-east-1" {
		t.Errorf("services %v", pages)
	}
	page(t, "GET", server.URL+"/_sim/calls", "", &pages)
	if pages[0]["account"] != "222222222222" || pages[0]["write_units"] != 1.0 {
		t.Errorf("calls %v", pages)
	}
}

func TestSTSAnswersInXML(t *testing.T) {
	_, server := serve(t, twoAccounts)
	form := []string{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8", "Authorization", signature}
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{"Action=GetCallerIdentity&Version=2011-06-15", 200, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>111111111111</Account>`},
		{"Action=AssumeRole&Version=2011-06-15&RoleArn=%26&RoleSessionName=test", 400, "<Error><Type>Sender</Type><Code>ValidationError</Code><Message>&#34;&amp;&#34; is no ARN"},
		{"Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::222222222222:role/locked&RoleSessionName=test", 403, "<Code>AccessDenied</Code>"},
		{"Action=AssumeRole&Version=2011-06-15&RoleArn=" + scalerRole + "&RoleSessionName=test&DurationSeconds=1", 400, "from 900 to 43200"},
		{"Action=GetSessionToken&Version=2011-06-15", 400, "AssumeRole, GetCallerIdentity"},
		{"Action=DescribeInstances&Version=2016-11-15", 404, "InvalidAction"},
	} {
		got := send(t, server.URL, c.body, form...)
		if got.status != c.status || !strings.Contains(got.body, c.want) {
			t.Errorf("%s answers %d %s", c.body, got.status, got.body)
		}
	}
	if got := send(t, server.URL, "Action=GetCallerIdentity&Version=2011-06-15", form[:2]...); got.status != 403 || !strings.Contains(got.body, "MissingAuthenticationToken") {
		t.Errorf("without a signature STS answers %d %s", got.status, got.body)
	}
}
