// Package web shows what the daemon knows: metrics for Prometheus, health for whoever supervises the
// process, and a read-only JSON API for people and programs.
//
// Nothing here decides, reads AWS or writes: every answer is made from the rows of the [store.Store] at the
// moment of the request. docs/api.md and docs/metrics.md are the contracts; tests compare both with
// what this package really says.
package web
