package store

import (
	"errors"

	"ecs-autoscaler/evaluator"
)

// Scope is a cluster of an account: the part of the state that one daemon at a time may change.
type Scope struct {
	// Account is the configuration's name for another account or region; empty is the daemon's own.
	Account string
	Cluster string
}

// ScopeOf is the scope that a target belongs to.
func ScopeOf(k evaluator.Key) Scope { return Scope{Account: k.Account, Cluster: k.Cluster} }

// String is the form people read: cluster, or account/cluster where an account is named.
func (s Scope) String() string {
	if s.Account == "" {
		return s.Cluster
	}
	return s.Account + "/" + s.Cluster
}

// Fence is the right to change what is remembered of a scope: it lasts until the scope's lease has another generation.
type Fence struct {
	Scope      Scope
	Generation uint64
}

// ErrFenced is what a commit wraps whose lease has moved on: another daemon steers the scope now, nothing was changed,
// and what the commit was the intent for must not be done.
var ErrFenced = errors.New("the lease of the cluster has moved to another daemon")

// Shared is a backend that several daemons use at the same time, each for the scopes whose leases it holds. Its Load
// returns an empty snapshot.
type Shared interface {
	Backend
	// LoadScope returns everything but the history of one scope, as of the last commit by anybody.
	LoadScope(s Scope) (*Snapshot, error)
	// Scopes are those that have any state, sorted.
	Scopes() ([]Scope, error)
}

// Lease says which daemon steers a scope.
type Lease struct {
	Scope Scope
	// Owner is the ID of a Member; empty when the last one has released the scope in good order.
	Owner string
	// Generation grows by one whenever the lease is taken or released. 0 stands for a lease that there has never been.
	Generation uint64
}

// Member is a daemon that takes part in sharing the scopes out.
type Member struct {
	ID string
	// Beat grows with every heartbeat.
	Beat uint64
	// Address is where the daemon's API listens, for people; it may be empty.
	Address string
	// Digest says which scopes the daemon's configuration means: two with the same digest mean the same.
	Digest string
}
