package sim

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ecs-autoscaler/sim/wire"
)

// role is an IAM role that can, or cannot, be assumed.
type role struct {
	arn        string
	externalID string
	trusts     []string // accounts; empty: all
	denied     bool
}

// principal is who a request comes from.
type principal struct {
	account, arn, id string
	assumed          bool
	expires          time.Time // zero: never
}

// people are the principals that STS made.
type people struct {
	mu       sync.Mutex
	sessions map[string]principal // by access key
}

var (
	roleARN     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/([\w+=,.@/-]+)$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// caller is the principal of an access key. Keys that nobody handed out belong to the scenario's own account.
func (w *world) caller(key string) principal {
	w.people.mu.Lock()
	defer w.people.mu.Unlock()
	if p, assumed := w.people.sessions[key]; assumed {
		return p
	}
	account := or(w.home.scenario.accessKeys[key], w.home.scenario.account)
	return principal{account: account, arn: "arn:aws:iam::" + account + ":user/" + key, id: key}
}

// assumeRole answers AssumeRole (API sts).
func assumeRole(c *call) (any, *wire.Error) {
	arn, session := c.in.Text("RoleArn"), c.in.Text("RoleSessionName")
	parts := roleARN.FindStringSubmatch(arn)
	lifetime, err := strconv.Atoi(or(c.in.Text("DurationSeconds"), "3600"))
	switch {
	case parts == nil:
		return nil, stsInvalid("%q is no ARN of a role", arn)
	case !sessionName.MatchString(session):
		return nil, stsInvalid("Value %q at 'roleSessionName' failed to satisfy constraint: 2 to 64 letters, digits and +=,.@-", session)
	case err != nil || lifetime < 900 || lifetime > 43200:
		return nil, stsInvalid("Value %q at 'durationSeconds' failed to satisfy constraint: from 900 to 43200", c.in.Text("DurationSeconds"))
	case c.caller.assumed && lifetime > 3600:
		return nil, stsInvalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case !c.mayAssume(arn, parts[1]):
		return nil, c.denied()
	}
	name := parts[2][strings.LastIndexByte(parts[2], '/')+1:]
	seed := arn + "\x00" + session // what does not expire is handed out again
	if c.region.home.scenario.sessionsExpire {
		seed += "\x00" + c.wall.UTC().Format(time.RFC3339Nano)
	}
	roleID := fmt.Sprintf("AROA%016X", c.region.seed^digest(arn))
	p := principal{account: parts[1], assumed: true, id: roleID + ":" + session,
		arn: "arn:aws:sts::" + parts[1] + ":assumed-role/" + name + "/" + session}
	expiration := c.wall.Add(time.Duration(lifetime) * time.Second)
	if c.region.home.scenario.sessionsExpire {
		p.expires = expiration
	}
	key := fmt.Sprintf("ASIA%016X", c.region.seed^digest(seed))
	c.region.people.add(key, p, c.wall)
	return map[string]any{
		"Credentials": map[string]any{
			"AccessKeyId": key, "SecretAccessKey": fmt.Sprintf("%016x%016x", digest(key), digest(seed)),
			"SessionToken": fmt.Sprintf("%032x", digest("token"+key)), "Expiration": expiration,
		},
		"AssumedRoleUser": map[string]any{"Arn": p.arn, "AssumedRoleId": p.id},
	}, nil
}

// add remembers a session and forgets those that have long expired.
func (p *people) add(key string, who principal, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for old, session := range p.sessions {
		if !session.expires.IsZero() && now.After(session.expires.Add(24*time.Hour)) {
			delete(p.sessions, old)
		}
	}
	p.sessions[key] = who
}

// mayAssume applies the roles of the scenario. An account of the scenario without any role lets in everybody.
func (c *call) mayAssume(arn, account string) bool {
	home := c.region.home.scenario
	known := account == home.account || slices.ContainsFunc(home.places, func(s *Scenario) bool { return s.account == account })
	declared := false
	for _, r := range home.roles {
		if r.arn == arn {
			return !r.denied && (r.externalID == "" || r.externalID == c.in.Text("ExternalId")) &&
				(len(r.trusts) == 0 || slices.Contains(r.trusts, c.caller.account))
		}
		declared = declared || strings.HasPrefix(r.arn, "arn:aws:iam::"+account+":")
	}
	return known && !declared
}

func getCallerIdentity(c *call) (any, *wire.Error) {
	return map[string]any{"Account": c.caller.account, "Arn": c.caller.arn, "UserId": c.caller.id}, nil
}

func stsInvalid(format string, args ...any) *wire.Error {
	return reject("ValidationError", format, args...)
}

// target is the account that a call is about: that of the role for AssumeRole, else that of the caller.
func (c *call) target() string {
	if c.wire.Service == wire.STS {
		if parts := roleARN.FindStringSubmatch(c.in.Text("RoleArn")); parts != nil {
			return parts[1]
		}
	}
	return c.region.scenario.account
}

func (c *compiler) roles(doc *document) error {
	for i, d := range doc.Roles {
		path := fmt.Sprintf("$.roles[%d]", i)
		if !roleARN.MatchString(d.ARN) {
			return c.src.wrong(path+".arn", "%q is no ARN of a role; write arn:aws:iam::ACCOUNT:role/NAME", d.ARN)
		}
		for k, account := range d.Trusts {
			if !accountName.MatchString(account) {
				return c.src.wrong(fmt.Sprintf("%s.trusts[%d]", path, k), "%q is no account; write twelve digits in quotes", account)
			}
		}
		if slices.ContainsFunc(c.s.roles, func(o role) bool { return o.arn == d.ARN }) {
			return c.src.wrong(path+".arn", "the role %s is there already", d.ARN)
		}
		c.s.roles = append(c.s.roles, role{arn: d.ARN, externalID: d.ExternalID, trusts: d.Trusts, denied: d.Denied})
	}
	for _, key := range sorted(doc.AccessKeys) {
		if !accountName.MatchString(doc.AccessKeys[key]) {
			return c.src.wrong("$.access_keys."+key, "%q is no account; write twelve digits in quotes", doc.AccessKeys[key])
		}
	}
	c.s.accessKeys, c.s.sessionsExpire = doc.AccessKeys, doc.SessionsExpire
	return nil
}
