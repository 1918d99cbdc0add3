// Package soak is a deterministic fault test of the whole daemon: it lives through a random but seeded world of load,
// deployments, other hands, faults, crashes and restarts in virtual time, and an observer who sees everything that the simulated
// region does checks what must always hold. It has tests only; docs/soak.md says what is checked and how a seed is replayed.
package soak
