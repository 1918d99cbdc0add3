package awsapi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Role says how to work in another account or region.
type Role struct {
	// Account is the configuration's name of it, by which calls are counted.
	Account string
	// Region is an AWS region, or "" for that of the clients it is derived from.
	Region string
	// ARN is the role to assume there, or "" to work with the same credentials.
	ARN string
	// ExternalID is what the role's trust policy asks for, or "".
	ExternalID string
	// OnChange is told when the credentials cannot be had, again when the reason changes, and with nil when they can be had
	// again. It may be called from several goroutines; nil is nobody.
	OnChange func(error)
}

const (
	// roleSession is how long the credentials of a role last: what every role allows, and the most for a role that was
	// assumed by a role (API AssumeRole).
	roleSession = time.Hour
	// renewBefore is how long before their end they are renewed, so that an hour's outage of STS is noticed and not felt.
	renewBefore = 10 * time.Minute
	// The wait after a failure: the first one, each following is twice as long, and the longest.
	firstRetry, lastRetry = 5 * time.Second, 5 * time.Minute
)

// In makes the clients of another account or region, which share nothing with these but the settings. It asks for no
// credentials: those that cannot be had are a failure of the calls. ErrNoRegion is the only error.
func (c *Clients) In(r Role) (*Clients, error) {
	cfg := c.cfg.Copy()
	if r.Region != "" {
		cfg.Region = r.Region
	}
	if cfg.Region == "" {
		return nil, ErrNoRegion
	}
	p := &patient{next: cfg.Credentials, change: r.OnChange}
	if r.ARN != "" {
		client := sts.NewFromConfig(cfg, func(so *sts.Options) { so.APIOptions = append(so.APIOptions, c.each(r.Account)...) })
		p.next = roleCredentials{r.ARN, stscreds.NewAssumeRoleProvider(client, r.ARN, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName, o.Duration = appID, roleSession
			if r.ExternalID != "" {
				o.ExternalID = &r.ExternalID
			}
		})}
		cfg.Credentials = aws.NewCredentialsCache(p, func(o *aws.CredentialsCacheOptions) {
			o.ExpiryWindow, o.ExpiryWindowJitterFrac = renewBefore, 0.5
		})
	} else {
		cfg.Credentials = p
	}
	cfg.Credentials = namedCredentials{cfg.Credentials}
	derived := newClients(cfg, c.each, r.Account)
	derived.trouble = p.trouble
	return derived, nil
}

// Trouble says why the credentials cannot be had, empty when they can or nobody has asked for them yet.
func (c *Clients) Trouble() string {
	if c.trouble == nil {
		return ""
	}
	return c.trouble()
}

// RoleError says that a role could not be assumed, so that no request was sent.
type RoleError struct {
	ARN string
	Err error
}

// Error is the role and the text of the cause.
func (e *RoleError) Error() string { return "role " + e.ARN + ": " + e.Err.Error() }

// Unwrap is the cause.
func (e *RoleError) Unwrap() error { return e.Err }

// ExplainRole is one sentence for a person on why the credentials of an account cannot be had and what to do.
func ExplainRole(err error) string {
	role, ok := errors.AsType[*RoleError](err)
	if !ok {
		return "no AWS credentials could be had; " + credentialsAdvice + " (" + Brief(err) + ")"
	}
	return fmt.Sprintf("the role %s could not be assumed; its trust policy must name the daemon's own role or user and ask for the external_id of the configuration, if for any, "+
		"and the daemon must be allowed sts:AssumeRole for it (%s)", role.ARN, Brief(err))
}

// roleCredentials gives failures to assume a role a type of their own.
type roleCredentials struct {
	arn  string
	next aws.CredentialsProvider
}

// Retrieve assumes the role.
func (p roleCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := p.next.Retrieve(ctx)
	if err != nil {
		return c, &RoleError{p.arn, err}
	}
	return c, nil
}

// patient asks for credentials that could not be had again only after a while, which grows and differs from one time to the
// next: thousands of services ask for them in the meantime, and STS has a rate that everybody shares.
type patient struct {
	next   aws.CredentialsProvider
	change func(error)

	mu      sync.Mutex
	err     error
	told    string
	again   time.Time
	wait    time.Duration
	expires time.Time // of the last credentials, zero for never
}

// Retrieve asks, or repeats the last failure as long as it is too early to ask again.
func (p *patient) Retrieve(ctx context.Context) (aws.Credentials, error) {
	p.mu.Lock()
	err, again := p.err, p.again
	p.mu.Unlock()
	if err != nil && time.Now().Before(again) {
		return aws.Credentials{}, err
	}
	c, err := p.next.Retrieve(ctx)
	if err != nil && ctx.Err() != nil {
		return c, err // whoever asked would not wait, which says nothing
	}
	p.note(c, err)
	return c, err
}

// HandleFailToRefresh goes on with credentials that were to be renewed before their time (aws.CredentialsCache).
func (p *patient) HandleFailToRefresh(_ context.Context, old aws.Credentials, err error) (aws.Credentials, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.expires.IsZero() || !time.Now().Before(p.expires) {
		return aws.Credentials{}, err
	}
	old.Expires = p.again
	if p.expires.Before(p.again) {
		old.Expires = p.expires
	}
	return old, nil
}

func (p *patient) note(c aws.Credentials, err error) {
	p.mu.Lock()
	failed := p.err != nil
	p.err = err
	told := ""
	if err != nil {
		p.wait = min(max(2*p.wait, firstRetry), lastRetry)
		p.again = time.Now().Add(p.wait/2 + rand.N(p.wait/2))
		told = string(Classify(err)) + Code(err)
	} else {
		p.wait, p.expires = 0, time.Time{}
		if c.CanExpire {
			p.expires = c.Expires
		}
	}
	news := told != p.told || failed && err == nil
	p.told = told
	p.mu.Unlock()
	if news && p.change != nil {
		p.change(err)
	}
}

func (p *patient) trouble() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		return ""
	}
	return ExplainRole(p.err)
}
