// Command ecs-autoscaler scales ECS services: a self-hosted replacement of AWS-managed scaling policies.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"ecs-autoscaler/daemon"
)

// Set by the build (see Makefile); a plain go build leaves them.
var (
	version = "dev"
	commit  = "unknown"
	date    = "unknown"
)

func main() { os.Exit(run()) }

// run is main with an exit code, so that testscript can call it.
func run() int {
	root := newRoot()
	err := root.Execute()
	if err == nil {
		return 0
	}
	var exit exitError
	if !errors.As(err, &exit) {
		exit = exitError{code: 2, err: err}
	}
	if exit.err != nil {
		fmt.Fprintln(root.ErrOrStderr(), "ecs-autoscaler:", exit.err)
	}
	return exit.code
}

// exitError carries an exit code: 1 when the thing asked about is not right, 2 for wrong usage or no
// answer (the default of any other error), 3 for changes pending.
type exitError struct {
	code int
	err  error // nil when everything has been said already
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

func build() daemon.Build {
	return daemon.Build{Version: version, Commit: commit, Date: date}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "ecs-autoscaler",
		Short: "Scales ECS services by policies that you can test, preview and explain",
		Long: `ecs-autoscaler replaces the scaling policies that AWS manages for ECS services. It reads
CloudWatch, evaluates target-tracking and step-scaling policies and scheduled actions itself,
and calls ecs:UpdateService on the desired count.

Start with "ecs-autoscaler demo": it needs no account.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newRun(), newReload(), newPlan(), newStatus(), newHistory(), newExplain(), newDecisions(),
		newSuspend(), newResume(), newOverride(), newReplay(),
		newValidate(), newTest(), newSchedule(), newState(), newEvents(), newImport(), newExport(), newTakeover(), newHandback(),
		newSim(), newDemo(), newVersion())
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	return root
}
