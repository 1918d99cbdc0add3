// Package scaling is Application Auto Scaling for ECS services, and the alarms of CloudWatch by which it works, in memory.
// It is the machinery that the daemon replaces, in the simplest form that shows takeover and two masters at work: what it
// computes it computes alone, so that it cannot agree with the daemon's mistakes. It has no clock: Advance and each request
// are told the time.
package scaling
