package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"ecs-autoscaler/daemon"
)

// Where a client's secrets are when no flag names them.
const (
	tokenFileVariable     = "ECS_AUTOSCALER_TOKEN_FILE"
	basicAuthFileVariable = "ECS_AUTOSCALER_BASIC_AUTH_FILE"
)

// reloadTimeout is longer than the daemon itself waits for the pass under way.
const reloadTimeout = 40 * time.Second

// What an answer says whose configuration is not right, or not in force everywhere.
const (
	reloadFailed     = "reload_failed"
	reloadIncomplete = "reload_incomplete"
)

func newReload() *cobra.Command {
	f := askFlags{warn: true}
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Make the running daemon load its configuration anew, and say how that went",
		Long: `Make the running daemon load its configuration anew between two passes, and wait for the result. The
daemon is found by its own configuration: over the control socket if this user may use it, else at
the address in listen, with a token; --address names another one. Exit code 1 means that the file is
not right and the configuration before stays in force, or that not everything in the new one could be
taken up. --output json writes {"reloaded":true} where it is in force.`,
		Example: `  ecs-autoscaler reload --config ecs-autoscaler.yaml
  ecs-autoscaler reload --address unix:/run/ecs-autoscaler/control.sock
  ecs-autoscaler reload --address 127.0.0.1:8080 --token-file /run/secrets/autoscaler-token --output json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.ask(cmd, func(ctx context.Context, client *daemon.Client) error {
				return reload(ctx, cmd.OutOrStdout(), client, f.output)
			})
		},
	}
	f.add(cmd)
	tokenFlag(cmd, &f.client)
	return cmd
}

// tokenFlag adds --token-file to a verb that gives the daemon a command.
func tokenFlag(cmd *cobra.Command, o *daemon.ClientOptions) {
	cmd.Flags().StringVar(&o.TokenFile, "token-file", "",
		"`FILE` with the token for commands (default: $"+tokenFileVariable+", else token_file of the configuration)")
}

// basicAuthFlag adds --basic-auth-file to a verb that asks the daemon.
func basicAuthFlag(cmd *cobra.Command, o *daemon.ClientOptions) {
	cmd.Flags().StringVar(&o.BasicAuthFile, "basic-auth-file", "",
		"`FILE` with USER:PASSWORD, where the daemon's web configuration file asks for it (default: $"+basicAuthFileVariable+")")
}

// fromEnvironment fills in what no flag says.
func fromEnvironment(o daemon.ClientOptions) daemon.ClientOptions {
	o.TokenFile = cmp.Or(o.TokenFile, os.Getenv(tokenFileVariable))
	o.BasicAuthFile = cmp.Or(o.BasicAuthFile, os.Getenv(basicAuthFileVariable))
	return o
}

func reload(ctx context.Context, w io.Writer, client *daemon.Client, output string) error {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	err := client.Reload(ctx)
	if refused, ok := errors.AsType[*daemon.RefusedError](err); ok && refused.Code == reloadFailed {
		return exitError{code: 1, err: fmt.Errorf("the configuration was not reloaded, the one before stays in force: %w", err)}
	}
	if refused, ok := errors.AsType[*daemon.RefusedError](err); ok && refused.Code == reloadIncomplete {
		return exitError{code: 1, err: err}
	}
	if err != nil {
		return err
	}
	if output == "json" {
		return writeJSON(w, struct {
			Reloaded bool `json:"reloaded"`
		}{true})
	}
	_, err = fmt.Fprintln(w, "reloaded")
	return err
}
