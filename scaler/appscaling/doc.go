// Package appscaling is Application Auto Scaling as those see it who move from it or back: what it manages in an account, and the
// switches that stop it.
package appscaling
