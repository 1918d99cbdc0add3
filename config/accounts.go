package config

import (
	"regexp"
	"slices"
	"strings"

	"ecs-autoscaler/config/strict"
)

// Account is another AWS account, or another region, in which the daemon scales services too. It is immutable.
type Account struct {
	// Name is what targets call it, and what stands in metrics, logs and the API.
	Name string
	// Region is an AWS region, or "" for the daemon's own.
	Region string
	// RoleARN is the IAM role that the daemon assumes there, or "" to work with its own credentials (API AssumeRole).
	RoleARN string
	// ExternalID is what the role's trust policy asks for, or "" for nothing.
	ExternalID string

	at strict.Position
}

var (
	accountName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	// roleARN is that of API AssumeRole: a role has an account and may have a path.
	roleARN    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/([\x21-\x7e]+/)?[A-Za-z0-9_+=,.@-]{1,64}$`)
	externalID = regexp.MustCompile(`^[A-Za-z0-9_+=,.@:/-]{2,}$`)
)

// Account finds an account by its name; false for the daemon's own, whose name is empty, and for one that is not there.
func (c *Config) Account(name string) (Account, bool) {
	i := slices.IndexFunc(c.Accounts, func(a Account) bool { return a.Name == name })
	if i < 0 {
		return Account{}, false
	}
	return c.Accounts[i], true
}

// SameAccounts says whether two configurations have the same accounts, wherever in their files those stand.
func SameAccounts(a, b *Config) bool {
	return slices.EqualFunc(a.Accounts, b.Accounts, func(x, y Account) bool {
		x.at, y.at = strict.Position{}, strict.Position{}
		return x == y
	})
}

// UsesAccount says whether any target is in the account of that name; empty is the daemon's own.
func (c *Config) UsesAccount(name string) bool {
	return slices.ContainsFunc(c.Targets, func(t *Target) bool { return t.Account == name })
}

// accounts reads the list and checks it as a whole.
func (c *Config) accounts(m *strict.Mapping) {
	all := strict.Read(m, "accounts", strict.List(readAccount))
	for _, a := range all.Value {
		if first, twice := c.Account(a.Value.Name); twice {
			m.Errorf(a.At, "account %q stands twice, first on line %d; give each account a name of its own", a.Value.Name, first.at.Line)
			continue
		}
		c.Accounts = append(c.Accounts, a.Value)
	}
}

// readAccount reads one entry of accounts.
func readAccount(v strict.Value) (Account, bool) {
	m, ok := v.Mapping()
	if !ok {
		return Account{}, false
	}
	m.Key = "an account"
	a := Account{at: m.At}
	name := strict.Need(m, "name", "staging", matching(accountName, "1 to 64 of a-z A-Z 0-9 _ -, such as staging"))
	if name.Valid {
		m.Key = "account " + name.Value
	}
	a.Name = name.Value
	where := strict.Read(m, "region", region)
	role := strict.Read(m, "role_arn", matching(roleARN, "the ARN of an IAM role such as arn:aws:iam::123456789012:role/ecs-autoscaler"))
	external := strict.Read(m, "external_id", matching(externalID, "at least 2 of a-z A-Z 0-9 _ + = , . @ : / -"))
	a.Region, a.RoleARN, a.ExternalID = where.Value, role.Value, external.Value
	switch {
	case external.Present && !role.Present:
		m.Errorf(external.KeyAt, "external_id of %s belongs to a role; add role_arn, or remove external_id", m.Key)
	case !where.Present && !role.Present:
		m.Errorf(m.At, "%s has neither region nor role_arn, so it is the daemon's own account; add one of them, or remove the account", m.Key)
	}
	m.Close()
	return a, name.Valid
}

// matching reads a text of a form.
func matching(form *regexp.Regexp, what string) func(strict.Value) (string, bool) {
	return func(v strict.Value) (string, bool) {
		s, ok := v.Filled()
		if ok && !form.MatchString(s) {
			v.Errorf(v.At, "%s must be %s, not %q", v.Key, what, strict.Shorten(s))
			return "", false
		}
		return s, ok
	}
}

// account reads the name of one of the configuration's accounts.
func (c *Config) account(v strict.Value) (string, bool) {
	s, ok := v.Filled()
	if !ok {
		return "", false
	}
	if _, known := c.Account(s); known {
		return s, true
	}
	names := make([]string, len(c.Accounts))
	for i, a := range c.Accounts {
		names[i] = a.Name
	}
	if len(names) == 0 {
		v.Errorf(v.At, "account %q needs an entry of that name in accounts; add accounts: [{name: %s, region: eu-west-1}], or remove account", strict.Shorten(s), strict.Shorten(s))
		return "", false
	}
	if near, ok := strict.Nearest(s, names); ok {
		v.Errorf(v.At, "account %q is not known; did you mean %s?", strict.Shorten(s), near)
		return "", false
	}
	v.Errorf(v.At, "account %q is not known; accounts has %s", strict.Shorten(s), strict.Shorten(strings.Join(names, ", ")))
	return "", false
}

// lintAccounts warns of accounts that no target is in.
func lintAccounts(d *strict.Decoder, c *Config) {
	for _, a := range c.Accounts {
		if !c.UsesAccount(a.Name) {
			d.Warnf(a.at, "account %s is not used: no target has account: %s", a.Name, a.Name)
		}
	}
}

// InCluster says whether the entry may mean services of a cluster.
func (t *Target) InCluster(name string) bool { return glob(t.Cluster, name) }

// AnyCluster says whether the entry's cluster is a pattern, so that clusters must be listed to know what it means.
func (t *Target) AnyCluster() bool { return isPattern(t.Cluster) }

// Within is the configuration of one cluster of an account: only the entries that may mean services in it, which are those
// of c themselves.
func (c *Config) Within(account, cluster string) *Config {
	within := *c
	within.Targets, within.patterns = nil, nil
	for _, t := range c.Targets {
		if t.Account == account && t.InCluster(cluster) {
			within.Targets = append(within.Targets, t)
		}
	}
	within.index()
	return &within
}
