package dynamo

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"ecs-autoscaler/sim/wire"
)

var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)

// name is the table that a request names.
func (r *request) name(in *wire.Input) (string, *wire.Error) {
	name := bareName(in.Text("TableName"))
	switch {
	case in.Err() != nil:
		return "", in.Err()
	case name == "":
		return "", constraint("null", "tableName", "Member must not be null")
	case len(name) < 3 || len(name) > 255:
		return "", validation("TableName must be at least 3 characters long and at most 255 characters long")
	case !tableName.MatchString(name):
		return "", constraint("'"+name+"'", "tableName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	return name, nil
}

// there is a table that is not gone.
func (s *Store) there(name string, now time.Time) *table {
	t := s.tables[name]
	if t != nil && !t.gone.IsZero() && !now.Before(t.gone) {
		delete(s.tables, name)
		return nil
	}
	return t
}

// status is the TableStatus.
func (t *table) status(now time.Time) string {
	switch {
	case !t.gone.IsZero():
		return "DELETING"
	case now.Before(t.created.Add(t.options.Creation)):
		return "CREATING"
	}
	return "ACTIVE"
}

// use is a table whose items can be used.
func (r *request) use(in *wire.Input) (*table, *wire.Error) {
	name, err := r.name(in)
	if err != nil {
		return nil, err
	}
	t := r.store.there(name, r.now)
	if t == nil || t.status(r.now) != "ACTIVE" {
		return nil, noTable()
	}
	return t, nil
}

func noTableNamed(name string) *wire.Error {
	return reject("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
}

// active is the table whose settings a request reads or changes.
func (r *request) active() (*table, *wire.Error) {
	name, err := r.name(r.in)
	if err != nil {
		return nil, err
	}
	t := r.store.there(name, r.now)
	switch {
	case t == nil:
		return nil, noTableNamed(name)
	case t.status(r.now) != "ACTIVE":
		return nil, reject("ResourceInUseException", "Table is being changed: %s is %s", name, t.status(r.now))
	}
	return t, nil
}

func createTable(r *request) (map[string]any, *wire.Error) {
	name, err := r.name(r.in)
	if err != nil {
		return nil, err
	}
	spec, err := readSchema(r.in, name)
	if err != nil {
		return nil, err
	}
	if r.store.there(name, r.now) != nil {
		return nil, reject("ResourceInUseException", "Table already exists: %s", name)
	}
	t := &table{schema: spec, options: &r.store.options, created: r.now, partitions: map[string]*partition{}}
	if !spec.onDemand {
		t.throughput = provisioned(spec.read, spec.write, r.now)
	}
	r.store.tables[name] = t
	return map[string]any{"TableDescription": t.describe(r.now)}, nil
}

// absentMembers are members of CreateTable that the simulated region refuses rather than ignores.
var absentMembers = []string{"GlobalSecondaryIndexes", "LocalSecondaryIndexes"}

func readSchema(in *wire.Input, name string) (*schema, *wire.Error) {
	for _, member := range absentMembers {
		if in.Has(member) {
			return nil, validation("The simulated region has no %s; leave the member out", member)
		}
	}
	s := &schema{name: name, class: or(in.Text("TableClass"), "STANDARD"), protected: in.Bool("DeletionProtectionEnabled", false)}
	if err := s.keys(in); err != nil {
		return nil, err
	}
	return s, s.billing(in)
}

// keys reads KeySchema and AttributeDefinitions.
func (s *schema) keys(in *wire.Input) *wire.Error {
	defined, err := definitions(in)
	if err != nil {
		return err
	}
	elements := in.Structures("KeySchema")
	if len(elements) < 1 || len(elements) > 2 {
		return constraint("[]", "keySchema", "Member must have length from 1 to 2")
	}
	for i, e := range elements {
		part := keyPart{e.Text("AttributeName"), defined[e.Text("AttributeName")]}
		switch want := []string{"HASH", "RANGE"}[i]; {
		case e.Text("KeyType") != want:
			return validation("Invalid KeySchema: The %s KeySchemaElement is not a %s key type", []string{"first", "second"}[i], want)
		case part.kind == "":
			return parameter("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: %v",
				part.name, slices.Sorted(maps.Keys(defined)))
		case i == 0:
			s.hash = part
		case part.name == s.hash.name:
			return validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
		default:
			s.sort = &part
		}
	}
	if len(defined) != len(elements) {
		return parameter("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return nil
}

// definitions are the types of AttributeDefinitions by name.
func definitions(in *wire.Input) (map[string]string, *wire.Error) {
	defined := map[string]string{}
	for i, d := range in.Structures("AttributeDefinitions") {
		name, kind := d.Text("AttributeName"), d.Text("AttributeType")
		switch {
		case kind != typeS && kind != typeN && kind != typeB:
			return nil, constraint("'"+kind+"'", fmt.Sprintf("attributeDefinitions.%d.member.attributeType", i+1),
				"Member must satisfy enum value set: [B, N, S]")
		case defined[name] != "":
			return nil, parameter("Duplicate AttributeName in AttributeDefinitions: %s", name)
		}
		defined[name] = kind
	}
	return defined, nil
}

// billing reads BillingMode and ProvisionedThroughput.
func (s *schema) billing(in *wire.Input) *wire.Error {
	mode := or(in.Text("BillingMode"), "PROVISIONED")
	units := in.Structure("ProvisionedThroughput")
	s.onDemand = mode == "PAY_PER_REQUEST"
	s.read, s.write = units.Int("ReadCapacityUnits", 0), units.Int("WriteCapacityUnits", 0)
	switch {
	case units.Err() != nil:
		return units.Err()
	case mode != "PROVISIONED" && !s.onDemand:
		return constraint("'"+mode+"'", "billingMode", "Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]")
	case s.onDemand && in.Has("ProvisionedThroughput"):
		return parameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	case !s.onDemand && !in.Has("ProvisionedThroughput"):
		return parameter("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	case !s.onDemand && (s.read < 1 || s.write < 1):
		return constraint(min(s.read, s.write), "provisionedThroughput", "Member must have value greater than or equal to 1")
	}
	return nil
}

func describeTable(r *request) (map[string]any, *wire.Error) {
	name, err := r.name(r.in)
	if err != nil {
		return nil, err
	}
	t := r.store.there(name, r.now)
	if t == nil {
		return nil, noTableNamed(name)
	}
	return map[string]any{"Table": t.describe(r.now)}, nil
}

func deleteTable(r *request) (map[string]any, *wire.Error) {
	t, err := r.active()
	if err != nil {
		return nil, err
	}
	if t.protected {
		return nil, validation("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	t.gone = r.now.Add(t.options.Creation)
	return map[string]any{"TableDescription": t.describe(r.now)}, nil
}

// describe is the API's TableDescription.
func (t *table) describe(now time.Time) map[string]any {
	items, bytes := t.measure(now)
	var keys, definitions []any
	for i, part := range t.parts() {
		keys = append(keys, map[string]any{"AttributeName": part.name, "KeyType": []string{"HASH", "RANGE"}[i]})
		definitions = append(definitions, map[string]any{"AttributeName": part.name, "AttributeType": part.kind})
	}
	d := map[string]any{
		"TableName": t.name, "TableArn": t.options.ARN(t.name), "TableId": tableID(t.name, t.created), "TableStatus": t.status(now),
		"CreationDateTime": t.created, "KeySchema": keys, "AttributeDefinitions": definitions,
		"ItemCount": items, "TableSizeBytes": bytes, "DeletionProtectionEnabled": t.protected,
		"TableClassSummary":     map[string]any{"TableClass": t.class},
		"ProvisionedThroughput": map[string]any{"ReadCapacityUnits": t.read, "WriteCapacityUnits": t.write, "NumberOfDecreasesToday": 0},
	}
	if t.onDemand {
		d["BillingModeSummary"] = map[string]any{"BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": t.created}
	}
	return d
}

func listTables(r *request) (map[string]any, *wire.Error) {
	limit, after := r.in.Int("Limit", 100), r.in.Text("ExclusiveStartTableName")
	if limit < 1 || limit > 100 {
		return nil, constraint(limit, "limit", "Member must have value from 1 to 100")
	}
	names, output := []any{}, map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(r.store.tables)) {
		if name <= after || r.store.there(name, r.now) == nil {
			continue
		}
		if len(names) == limit {
			output["LastEvaluatedTableName"] = names[limit-1]
			break
		}
		names = append(names, name)
	}
	output["TableNames"] = names
	return output, nil
}
