// Package evaluator decides what the desired count of an ECS service should be.
//
// It is pure: standard library only, no I/O, no context, no logger and no clock. The same
// target, observation, memory and instant always give the same [Decision]. The behaviour is
// that of Application Auto Scaling and of CloudWatch alarms, as far as AWS documents it; where
// it differs, the comment at the place says why.
package evaluator
