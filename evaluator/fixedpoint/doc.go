// Package fixedpoint finds out whether the policies of a target come to rest at a constant load. The load spreads evenly
// over the tasks, so that each has load / count of it, as with utilisation and with requests per target: the model in which
// every policy of AWS's works. What the policies do at a count is asked of evaluator.Evaluate and of nothing else, so
// that bounds, guards and several policies together count as they do in the daemon.
//
// What it looks at is a target at rest: every datapoint of every window shows the present count, no activity is open and no
// cooldown runs. Then a count has one successor, itself or another, and a sequence that returns to a count
// without standing still goes on for ever, whatever the cooldowns are: they only make it slower.
package fixedpoint
