package daemon

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ecs-autoscaler/scaler/lease"
	"ecs-autoscaler/store"
)

// newKeeper makes what shares the clusters out where the state is one of several daemons.
func (d *Daemon) newKeeper(registry prometheus.Registerer) error {
	if d.leases == nil {
		return nil
	}
	id := d.options.Member
	if id == "" {
		made, err := memberID()
		if err != nil {
			return err
		}
		id = made
	}
	d.keeper = lease.New(lease.Options{
		Table: d.leases, Fleet: d.fleet, ID: id, Address: d.options.Config.Listen,
		Logger: d.options.Logger, Registerer: registry, InTurn: d.options.InTurn,
	})
	return nil
}

// memberID is this daemon's own: where it runs, for people, and a number that no other life of any daemon has.
func memberID() (string, error) {
	var number [4]byte
	if _, err := rand.Read(number[:]); err != nil {
		return "", err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "daemon" // the number is what tells them apart
	}
	return host + "-" + hex.EncodeToString(number[:]), nil
}

// fenced is told by the fleet that a cluster has become another daemon's.
func (d *Daemon) fenced(sc store.Scope) { d.keeper.Fenced(sc) }

// status is what the HTTP server says of the daemon as a whole.
type status struct{ *Daemon }

// Ready says whether the daemon takes part in sharing the clusters out, and whether its own have had a first pass.
func (s status) Ready() (bool, string) {
	if s.keeper != nil {
		if ok, why := s.keeper.Ready(); !ok {
			return false, why
		}
	}
	return s.fleet.Ready()
}

// LastPass is that of the fleet.
func (s status) LastPass() time.Time { return s.fleet.LastPass() }

// leases is what the API shows of the keeper.
type leases struct{ *lease.Keeper }

// sharing is what the summary says of sharing the clusters out: how many problems there are with it, and why this daemon does not
// take part, empty if it does.
func (d *Daemon) sharing() (problems int, why string) {
	if d.keeper == nil {
		return 0, ""
	}
	if d.keeper.Trouble() != nil {
		problems++
	}
	_, why = d.keeper.Ready()
	return problems, why
}

// Leases is who steers what.
func (l leases) Leases() any { return l.View() }

// steered has the fleet hold the clusters for a single pass: those that no other daemon steers. With a state of the daemon's own
// that is all of them.
func (d *Daemon) steered(ctx context.Context) error {
	if d.keeper == nil {
		return nil
	}
	others, err := d.keeper.TakeFree(ctx)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return fmt.Errorf("%w: other daemons steer %s", ErrUnhandled, strings.Join(others, ", "))
	}
	return nil
}
