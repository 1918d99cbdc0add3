// Package schedule reads the schedule expressions of scheduled actions, at(...), rate(...) and cron(...), and says
// when they fire (API PutScheduledAction; aws-semantics 4.3 to 4.6).
//
// It is pure: no clock, every instant is an argument and time zones are handed in. The work of a question is
// bounded, whatever the expression and however long the daemon was away: rates are computed, and cron expressions
// walk over the years, months and days of a calendar, never over minutes.
package schedule
