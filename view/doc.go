// Package view has the JSON forms that the API and events share: of activities, decisions and of events themselves. They are
// documented contracts (docs/api.md, docs/events.md).
package view
