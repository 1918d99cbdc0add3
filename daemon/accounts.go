package daemon

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/scaler"
	"ecs-autoscaler/scaler/awsapi"
)

// newFleet connects to AWS and builds the fleet on it.
func (d *Daemon) newFleet(ctx context.Context, registry prometheus.Registerer) error {
	o := d.options
	clock := o.Clock
	if clock == nil {
		c := scaler.NewSystemClock()
		o.AWS.OnDate = d.followAWS(c)
		clock = c
	}
	o.AWS.Registerer = registry
	accounts, err := d.connect(ctx, o.AWS, scaler.AccountOptions{
		Clock: clock, Delay: o.Config.MetricDelay, DryRun: o.Config.DryRun, Shared: d.leases != nil, InFlight: o.InFlight, Registerer: registry,
	})
	if err != nil {
		return err
	}
	d.fleet, err = scaler.NewFleet(scaler.FleetOptions{
		Config: o.Config, Accounts: accounts, Store: d.store, Clock: clock, Logger: o.Logger, Registerer: registry,
		Shared: d.leases != nil, OnFenced: d.fenced, Sharing: d.sharing, InFlight: o.InFlight, InTurn: o.InTurn,
		Recorder: d.recorder(registry, clock.Now),
		Notifier: d.events, OnReload: d.events.Reload,
	})
	return err
}

// connect opens the way to every account. The daemon's own credentials must be there if any target is in its own account;
// those of the other accounts are asked for when they are needed, again and again until they come.
func (d *Daemon) connect(ctx context.Context, o awsapi.Options, choices scaler.AccountOptions) (map[string]*scaler.Account, error) {
	all, err := clientsOf(ctx, d.options.Config, o, d.noteAccount)
	if err != nil {
		return nil, err
	}
	d.region, d.clients = all[""].Region, all
	accounts := map[string]*scaler.Account{}
	for name, clients := range all {
		choices.Name = name
		accounts[name] = scaler.NewAccount(clients, choices)
		if name != "" {
			accounts[name].Trouble = clients.Trouble
		}
	}
	return accounts, nil
}

// clientsOf are the clients of every account of a configuration, by its name; note is told of credentials that cannot be had, nil
// is nobody.
func clientsOf(
	ctx context.Context, c *config.Config, o awsapi.Options, note func(config.Account) func(error),
) (map[string]*awsapi.Clients, error) {
	if o.Region == "" {
		o.Region = c.Region
	}
	o.Unchecked = !c.UsesAccount("")
	own, err := awsapi.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	all := map[string]*awsapi.Clients{"": own}
	for _, a := range c.Accounts {
		role := awsapi.Role{Account: a.Name, Region: a.Region, ARN: a.RoleARN, ExternalID: a.ExternalID}
		if note != nil {
			role.OnChange = note(a)
		}
		if all[a.Name], err = own.In(role); err != nil {
			return nil, fmt.Errorf("account %s: %w", a.Name, err)
		}
	}
	return all, nil
}

// noteAccount says in the log that the credentials of an account cannot be had, and that they can again.
func (d *Daemon) noteAccount(a config.Account) func(error) {
	logger := d.options.Logger.With(zap.String("account", a.Name), zap.String("role_arn", a.RoleARN))
	return func(err error) {
		if err == nil {
			logger.Info("solved: the account's credentials can be had again")
			return
		}
		logger.Warn(awsapi.ExplainRole(err))
	}
}
