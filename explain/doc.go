// Package explain says in sentences what a decision rests on: what was seen, what each policy wanted, which guard changed it, what
// would have to happen for the service to scale, and how the metric ran. It is pure: a decision and the time go in, text comes out.
package explain
