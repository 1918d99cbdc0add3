// Package scaler is the loop: it observes, has the evaluator decide, acts and remembers.
//
// One pass is one function with an explicit time, [Engine.Pass]. The daemon, plan, the demo and
// the tests run the same one; what differs is who reads, who writes and whose clock it is.
package scaler
