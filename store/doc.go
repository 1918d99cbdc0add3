// Package store remembers. What is current (the targets, their memory, the open activities, the
// learned delays) stands in go-memdb behind typed verbs; what must survive the process, and the
// history, stands in a [Backend] underneath: a bbolt file or, for dry runs and tests, memory.
//
// Rows are immutable values: a row that has been committed is never changed in place, by nobody.
// Readers see one committed state or the next, never a mixture. [Store.Commit] is durable first
// and visible second; when the durable half fails, nothing has happened and the caller must not
// write to ECS either.
package store
