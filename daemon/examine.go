package daemon

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
)

// UnansweredError are questions to AWS that got no answer, each with the call and what to do.
type UnansweredError []string

// Error has a line for each.
func (u UnansweredError) Error() string {
	return "AWS did not answer everything that --aws asks, so that findings may be missing:\n  " + strings.Join(u, "\n  ")
}

// Examine asks the accounts of a configuration about the services that it means, and says what does not fit together (see
// config.LintAccount). It writes nothing. Services that patterns mean are found as the daemon finds them. With the error UnansweredError,
// the findings are about what was answered; others say that nobody could be asked.
func Examine(ctx context.Context, c *config.Config, o awsapi.Options) (config.Diagnostics, error) {
	clients, err := clientsOf(ctx, c, o, nil)
	if err != nil {
		return nil, err
	}
	x := &examination{config: c}
	for _, name := range append([]string{""}, accountNames(c)...) {
		if c.UsesAccount(name) {
			x.account(ctx, name, clients[name])
		}
	}
	found := c.LintAccount(x.services, x.idle())
	if len(x.unanswered) > 0 {
		return found, x.unanswered
	}
	return found, nil
}

func accountNames(c *config.Config) []string {
	names := make([]string, len(c.Accounts))
	for i, a := range c.Accounts {
		names[i] = a.Name
	}
	return names
}

// examination collects the answers of all accounts.
type examination struct {
	config     *config.Config
	services   []config.AccountService
	unanswered UnansweredError
	// unlisted are the patterns of which nobody knows what they mean, silent the accounts that did not describe every service.
	unlisted []*config.Target
	silent   []string
}

// failed notes what an error says, each thing once.
func (x *examination) failed(account, what string) {
	if account != "" {
		what = "account " + account + ": " + what
	}
	if !slices.Contains(x.unanswered, what) {
		x.unanswered = append(x.unanswered, what)
	}
}

func (x *examination) account(ctx context.Context, name string, clients *awsapi.Clients) {
	reader := observe.NewServices(clients.ECS, observe.ServicesOptions{Account: name, Tags: x.config.NeedsTags(), Deployments: true})
	first := len(x.services)
	meant := x.meant(ctx, reader, name)
	described := x.describe(ctx, reader, meant)
	if len(described) < len(meant) {
		x.silent = append(x.silent, name)
		x.failed(name, awsapi.Explain(ctx.Err(), "ecs:DescribeServices"))
	}
	for i := range described {
		x.service(name, &described[i])
	}
	here := x.services[first:]
	x.monitoring(ctx, clients, here, described)
	x.managed(ctx, name, clients, here)
}

// managed notes of services how Application Auto Scaling scales them.
func (x *examination) managed(ctx context.Context, name string, clients *awsapi.Clients, services []config.AccountService) {
	scalings, err := scalingsOf(ctx, name, clients)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			x.failed(name, line)
		}
	}
	for i := range services {
		if s := scalings[services[i].Key]; s != nil {
			policies, actions := s.Acting()
			services[i].ManagedPolicies, services[i].ManagedActions = len(policies), len(actions)
			services[i].Managed = s.Acts() && err == nil // else nobody knows whether it has policies
		}
	}
}

// meant are the services of an account that some entry may mean, each once. As in the daemon, only tags need more than the name.
func (x *examination) meant(ctx context.Context, reader *observe.Services, account string) []evaluator.Key {
	var keys []evaluator.Key
	listed := map[string]error{}
	for _, t := range x.config.Targets {
		switch {
		case t.Account != account:
			continue
		case !t.IsPattern():
			keys = append(keys, evaluator.Key{Account: account, Cluster: t.Cluster, Service: t.Service})
			continue
		}
		err, done := listed[t.Cluster]
		if !done {
			var found []evaluator.Key
			found, err = reader.List(ctx, t.Cluster)
			listed[t.Cluster] = err
			keys = append(keys, slices.DeleteFunc(found, x.strange)...)
		}
		if err != nil && awsapi.Code(err) != "ClusterNotFoundException" {
			x.unlisted = append(x.unlisted, t)
			x.failed(account, awsapi.Explain(err, ""))
		}
	}
	slices.SortFunc(keys, func(a, b evaluator.Key) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(keys)
}

// strange says that no entry means the service.
func (x *examination) strange(k evaluator.Key) bool {
	if x.config.NeedsTags() {
		return false
	}
	entry, _ := x.config.SelectKey(k, nil)
	return entry == nil
}

// describe asks about all services, as fast as AWS's rate allows.
func (x *examination) describe(ctx context.Context, reader *observe.Services, keys []evaluator.Key) []observe.Described {
	var all []observe.Described
	for len(keys) > 0 && ctx.Err() == nil {
		found := reader.Describe(ctx, time.Now(), keys)
		all = append(all, found...)
		if keys = keys[len(found):]; len(keys) == 0 {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return all
}

// service takes a description of one that an entry steers.
func (x *examination) service(account string, d *observe.Described) {
	if d.Err != nil {
		x.silent = append(x.silent, account)
		x.failed(account, awsapi.Explain(d.Err, "ecs:DescribeServices"))
		return
	}
	entry, _ := x.config.SelectKey(d.Key, d.Tags)
	if d.Service.Status == evaluator.ServiceMissing {
		entry = x.exactly(d.Key) // without a service there are no tags that could be compared
	}
	if entry == nil {
		return
	}
	s := config.AccountService{Key: d.Key, Entry: entry, Service: d.Service}
	if p := d.Deployment; p != nil {
		s.Rolling, s.MinimumHealthyPercent, s.MaximumPercent = p.Rolling, p.MinimumHealthyPercent, p.MaximumPercent
	}
	x.services = append(x.services, s)
}

func (x *examination) exactly(k evaluator.Key) *config.Target {
	i := slices.IndexFunc(x.config.Targets, func(t *config.Target) bool {
		return !t.IsPattern() && t.Account == k.Account && t.Cluster == k.Cluster && t.Service == k.Service
	})
	if i < 0 {
		return nil
	}
	return x.config.Targets[i]
}

// monitoring asks for the service revisions of services that follow high-resolution metrics.
func (x *examination) monitoring(
	ctx context.Context, clients *awsapi.Clients, services []config.AccountService, described []observe.Described,
) {
	of := map[evaluator.Key][]string{}
	for i := range described {
		if p := described[i].Deployment; p != nil {
			of[described[i].Key] = p.Revisions
		}
	}
	var arns []string
	for i := range services {
		if services[i].NeedsMonitoring() {
			arns = append(arns, of[services[i].Key]...)
		}
	}
	seconds, err := observe.Resolutions(ctx, clients.ECS, arns)
	if err != nil {
		x.failed(services[0].Key.Account, awsapi.Explain(err, "ecs:DescribeServiceRevisions"))
	}
	for i := range services {
		if services[i].NeedsMonitoring() {
			services[i].Monitoring = slowest(of[services[i].Key], seconds)
		}
	}
}

// slowest puts the revisions of a service together: its utilizations come as often as the slowest one publishes them. It is nil where
// one of them is not known.
func slowest(revisions []string, seconds map[string]map[string]int) *config.Monitoring {
	m := &config.Monitoring{Revisions: len(revisions), Seconds: map[string]int{}}
	for _, arn := range revisions {
		of, known := seconds[arn]
		if !known {
			return nil
		}
		for _, name := range []string{"CPUUtilization", "MemoryUtilization"} {
			m.Seconds[name] = max(m.Seconds[name], cmp.Or(of[name], config.UsualResolution))
		}
	}
	return m
}

// idle are the patterns that steer no service, as far as everything was answered.
func (x *examination) idle() []*config.Target {
	var idle []*config.Target
	for _, t := range x.config.Targets {
		steers := slices.ContainsFunc(x.services, func(s config.AccountService) bool { return s.Entry == t })
		if t.IsPattern() && !steers && !slices.Contains(x.unlisted, t) && !slices.Contains(x.silent, t.Account) {
			idle = append(idle, t)
		}
	}
	return idle
}
