// Package policytest runs policy tests: what users write beside their configuration to pin what their policies do, on
// virtual time and without AWS.
//
// [Find] resolves files, directories and patterns, [Run] reads and plays the tests, and the [Report] is written as text,
// JSON or JUnit XML. Every test drives the daemon's own engine, [scaler.Engine.Pass], over a simulated service and the
// metrics that the file gives; nothing in it evaluates a policy a second time. docs/testing-policies.md is the manual.
package policytest
