// Package decisionlog writes down what each decision of the evaluator was made of, one JSON line a decision, and makes the
// decisions anew from such a log: equal arguments give equal decisions, so that a log proves itself bit for bit.
package decisionlog
