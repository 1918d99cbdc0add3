// Package notify delivers events: each destination has a bounded queue and a goroutine of its own, so that whoever tells of an event
// never waits, and one destination never waits for another.
package notify
