// Package daemon puts the rooms together: configuration, state, AWS clients, the loop and the HTTP
// server become one process that can be started and stopped, also twice in one test.
package daemon
