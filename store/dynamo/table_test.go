package dynamo

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestInitMakesATableOnce(t *testing.T) {
	c := client(t)
	name := newTable(t, c)
	made, err := Init(t.Context(), c, name)
	if err != nil || made.Changed() || made.Table != name || !strings.HasSuffix(made.ARN, ":table/"+name) {
		t.Errorf("the second time: %+v, error %v; want nothing to be done", made, err)
	}
	d, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil || d.Table.BillingModeSummary == nil || d.Table.BillingModeSummary.BillingMode != types.BillingModePayPerRequest {
		t.Errorf("table %+v, error %v; want it on-demand", d, err)
	}
	ttl, err := c.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil || value(ttl.TimeToLiveDescription.AttributeName) != expiresAt {
		t.Errorf("time to live %+v, error %v; want it by %s", ttl, err, expiresAt)
	}
	open(t, Options{API: c, Table: name})
}

// bare makes a table by other means, with a partition key and perhaps a sort key.
func bare(t *testing.T, c *dynamodb.Client, name string, keys ...string) {
	t.Helper()
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i, key := range keys {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(key), AttributeType: types.ScalarAttributeTypeS})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: aws.String(key), KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
	}
	if _, err := c.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func TestInitCompletesAnEmptyTable(t *testing.T) {
	c := client(t)
	name := newTable(t, c) + "-bare"
	bare(t, c, name, partitionKey, sortKey)
	if _, err := Open(t.Context(), Options{API: c, Table: name}); err == nil || !strings.Contains(err.Error(), "has not been set up for ecs-autoscaler") {
		t.Errorf("opening it: %v; want that it has not been set up", err)
	}
	made, err := Init(t.Context(), c, name)
	if err != nil || made.Created || !made.Format || !made.TimeToLive {
		t.Errorf("%+v, error %v; want it completed", made, err)
	}
	open(t, Options{API: c, Table: name})
}

// Every unusable table gets an error that names it, says what is wrong, and names the way out. None of them is touched.
func TestOpenAndInitRefuseWhatIsNotOurs(t *testing.T) {
	formatOf := func(by string, version int) item {
		i := keyOf(metaPartition, formatSort)
		i["Application"], i["Format"] = text(by), whole(version)
		return i
	}
	for _, test := range []struct {
		name         string
		keys         []string
		item         item
		opens, inits string
		remedy       string
	}{
		{"other keys", []string{"id", "range"}, nil, "is no state table of ecs-autoscaler (its keys are others)", `is no state table of ecs-autoscaler (its keys are "id" and "range"`, "leave it to its owner"},
		{"no sort key", []string{"PK"}, nil, "is no state table of ecs-autoscaler (its keys are others)", `is no state table of ecs-autoscaler (its keys are "PK" and ""`, "leave it to its owner"},
		{"items of others", []string{"PK", "SK"}, keyOf("order", "1"), "has not been set up for ecs-autoscaler", "is no state table of ecs-autoscaler (it has items of others)", "name another table"},
		{"another application", []string{"PK", "SK"}, formatOf("shop", 1), `is no state table of ecs-autoscaler (it belongs to "shop")`, `it belongs to "shop"`, "leave it to its owner"},
		{"a newer format", []string{"PK", "SK"}, formatOf(application, 2), "was written by a newer ecs-autoscaler (format 2; this one knows up to 1)", "format 2", "run that version or a later one"},
		{"a format that is none", []string{"PK", "SK"}, formatOf(application, 0), "its format is given as 0", "its format is given as 0", "restore the table"},
		{"a format in words", []string{"PK", "SK"}, item{"PK": text("meta"), "SK": text("format"), "Format": text("one")}, "Format is no number", "Format is no number", "restore the table"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := client(t)
			name := newTable(t, c) + "-other"
			bare(t, c, name, test.keys...)
			if test.item != nil {
				if _, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &name, Item: test.item}); err != nil {
					t.Fatal(err)
				}
			}
			_, opening := Open(t.Context(), Options{API: c, Table: name})
			_, making := Init(t.Context(), c, name)
			for want, err := range map[string]error{test.opens: opening, test.inits: making} {
				if _, ok := errors.AsType[*TableError](err); !ok {
					t.Fatalf("%v; want a TableError", err)
				}
				for _, part := range []string{"DynamoDB table " + name + " ", want, test.remedy} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%v\nwant %q in it", err, part)
					}
				}
			}
		})
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	s := newShop(t)
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"the table", "", []string{"DynamoDB table nowhere does not exist in this account and region", `create it with "ecs-autoscaler state init"`}},
		{"the permission",
			`{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: arn:aws:iam::123456789012:user/x is not authorized to perform: dynamodb:GetItem"}`,
			[]string{"DynamoDB table nowhere may not be used", "allow dynamodb:GetItem on the table in the IAM policy"}},
		{"the credentials", `{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"The security token included in the request is expired"}`,
			[]string{"may not be used (ExpiredTokenException", "check its credentials"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.wire.on(nil)
			if test.body != "" {
				s.wire.on(only("GetItem", func(func() (reply, error)) (reply, error) { return answer(test.body), nil }))
			}
			_, err := Open(t.Context(), Options{API: s.API, Table: "nowhere"})
			for _, part := range test.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%v\nwant %q in it", err, part)
				}
			}
			if missing := errors.Is(err, ErrNoTable); missing != (test.body == "") {
				t.Errorf("%v is ErrNoTable: %t", err, missing)
			}
		})
	}
}

func TestDamagedItemsAreNamed(t *testing.T) {
	for name, i := range map[string]item{
		`SK "memory#web": Memory`:           {"PK": text("state#shop"), "SK": text("memory#web"), "Cluster": text("shop"), "Service": text("web"), "Memory": whole(1)},
		`SK "memory#nobody": it names no`:   {"PK": text("state#shop"), "SK": text("memory#nobody"), "Memory": text("{}")},
		`SK "open#x": `:                     {"PK": text("state#shop"), "SK": text("open#x"), "Cluster": text("shop"), "Service": text("web"), "StartTime": text("noon")},
		`SK "what": nothing of this name i`: {"PK": text("state#shop"), "SK": text("what")},
		`SK "delays": `:                     {"PK": text("state#shop"), "SK": text("delays"), "Delays": text("[]")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.put(t, i)
			_, err := s.LoadScope(shop)
			if want := "DynamoDB table " + s.Table + ` has a damaged item (PK "state#shop", ` + name; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v\nwant %q in it", err, want)
			}
		})
	}
}
