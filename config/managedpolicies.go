package config

// ManagedPolicies says what becomes of a service that Application Auto Scaling scales, too.
type ManagedPolicies string

// The ways to deal with two who scale one service.
const (
	// ManagedRefuse observes and explains it, but writes nothing to it. So does ManagedSuspend where it cannot suspend.
	ManagedRefuse ManagedPolicies = "refuse"
	// ManagedWarn says so and scales it all the same.
	ManagedWarn ManagedPolicies = "warn"
	// ManagedSuspend suspends the managed scaling and remembers what it was.
	ManagedSuspend ManagedPolicies = "suspend"
	// ManagedIgnore does not ask.
	ManagedIgnore ManagedPolicies = "ignore"
)

// ManagedPolicies is what the configuration says. Where it says nothing it is ManagedRefuse, but ManagedWarn in a dry run, which
// writes nothing anyway and is there to see what would be decided.
func (c *Config) ManagedPolicies() ManagedPolicies {
	switch {
	case c.managed != "":
		return c.managed
	case c.DryRun:
		return ManagedWarn
	default:
		return ManagedRefuse
	}
}

// SetManagedPolicies has them dealt with in another way than the text says.
func (c *Config) SetManagedPolicies(m ManagedPolicies) { c.managed = m }
