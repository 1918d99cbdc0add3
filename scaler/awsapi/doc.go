// Package awsapi is how the daemon talks to AWS: SDK clients that never hang, every error in one of
// seven classes, and conversions from the SDK's types to the evaluator's.
package awsapi
