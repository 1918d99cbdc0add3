// Package observe reads AWS for the loop: the datapoints of every metric in as few GetMetricData
// calls as CloudWatch allows, and ECS services in tens at the rate ECS allows.
//
// Nothing here waits for a rate or reads the clock: every method that needs the time is told it.
// A failure belongs to the metric or service it concerns; the others are read all the same.
package observe
