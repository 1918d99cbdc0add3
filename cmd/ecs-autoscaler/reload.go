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

// reloadFailed is the code of an answer that says that the configuration is not right.
const reloadFailed = "reload_failed"

func newReload() *cobra.Command {
	var path string
	var client daemon.ClientOptions
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Make the running daemon load its configuration anew, and say how that went",
		Long: `Make the running daemon load its configuration anew between two passes, and wait for the result. The
daemon is found by its own configuration: over the control socket if this user may use it, else at
the address in listen, with a token. Exit code 1 means that the file is not right and the
configuration before stays in force.`,
		Example: `  ecs-autoscaler reload --config ecs-autoscaler.yaml
  ecs-autoscaler reload --token-file /run/secrets/autoscaler-token`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return reload(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), path, fromEnvironment(client))
		},
	}
	configFlag(cmd, &path)
	basicAuthFlag(cmd, &client)
	cmd.Flags().StringVar(&client.TokenFile, "token-file", "",
		"`FILE` with the token for commands (default: $"+tokenFileVariable+", else token_file of the configuration)")
	return cmd
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

func reload(ctx context.Context, stdout, stderr io.Writer, path string, o daemon.ClientOptions) error {
	c, err := load(path, stderr)
	if err != nil {
		return invalid(err)
	}
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	client, err := daemon.NewClient(ctx, c, o)
	if err != nil {
		return err
	}
	defer client.Close()
	err = client.Reload(ctx)
	if refused, ok := errors.AsType[*daemon.RefusedError](err); ok && refused.Code == reloadFailed {
		return exitError{code: 1, err: fmt.Errorf("the configuration was not reloaded, the one before stays in force: %w", err)}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, "reloaded")
	return err
}
