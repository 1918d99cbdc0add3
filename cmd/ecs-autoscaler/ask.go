package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
)

// addressVariable names the daemon's address when no flag does.
const addressVariable = "ECS_AUTOSCALER_ADDRESS"

// askTimeout bounds one question to a daemon.
const askTimeout = 30 * time.Second

// askFlags are what every verb has that asks a running daemon.
type askFlags struct {
	config, address, output string
	client                  daemon.ClientOptions
	// warn says that warnings about the configuration are of interest, too: mostly they are so to those who run the daemon.
	warn bool
}

func (f *askFlags) add(cmd *cobra.Command) {
	configFlag(cmd, &f.config)
	outputFlag(cmd, &f.output)
	basicAuthFlag(cmd, &f.client)
	cmd.Flags().StringVar(&f.address, "address", "",
		"`ADDRESS` of the daemon, HOST:PORT, https://HOST:PORT or unix:PATH (default: $"+addressVariable+", else as the configuration says)")
}

// ask connects to the daemon, asks it, and gives the connection up.
func (f *askFlags) ask(cmd *cobra.Command, question func(context.Context, *daemon.Client) error) error {
	client, err := f.connect(cmd.Context(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer client.Close()
	return question(cmd.Context(), client)
}

// connect finds the daemon: at the address, else by the configuration. What is wrong with that goes to w.
func (f *askFlags) connect(ctx context.Context, w io.Writer) (*daemon.Client, error) {
	if err := checkOutput(f.output); err != nil {
		return nil, err
	}
	if address := cmp.Or(f.address, os.Getenv(addressVariable)); address != "" {
		return daemon.NewClientAt(ctx, address, fromEnvironment(f.client))
	}
	var found bytes.Buffer
	c, err := load(f.config, &found)
	if err != nil || f.warn {
		_, _ = found.WriteTo(w)
	}
	if err != nil {
		return nil, invalid(err)
	}
	return daemon.NewClient(ctx, c, fromEnvironment(f.client))
}

// named puts a service that people name as SERVICE, CLUSTER/SERVICE or ACCOUNT/CLUSTER/SERVICE into a query.
func named(q url.Values, service string) error {
	parts := strings.Split(service, "/")
	if len(parts) > 3 || strings.HasPrefix(service, "/") || strings.HasSuffix(service, "/") || service == "" {
		return fmt.Errorf("%q names no service; write SERVICE, CLUSTER/SERVICE or ACCOUNT/CLUSTER/SERVICE", service)
	}
	for i, parameter := range []string{"service", "cluster", "account"}[:len(parts)] {
		q.Set(parameter, parts[len(parts)-1-i])
	}
	return nil
}

// theOne is the one target that a service's name means.
func theOne(ctx context.Context, client *daemon.Client, service string) (k evaluator.Key, err error) {
	q := url.Values{}
	if err := named(q, service); err != nil {
		return k, err
	}
	found, err := client.Targets(ctx, q)
	switch {
	case err != nil:
		return k, err
	case len(found) == 0:
		return k, exitError{code: 1, err: fmt.Errorf("the daemon has no target %q; ecs-autoscaler status lists those there are", service)}
	case len(found) == 1:
		return found[0].Key(), nil
	}
	names := make([]string, len(found))
	for i := range found {
		names[i] = found[i].Key().String()
	}
	return k, fmt.Errorf("%q may be any of %s; name the cluster, too", service, strings.Join(names, ", "))
}

// writeJSON is the machine's form of an answer.
func writeJSON(w io.Writer, answer any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(answer)
}

// clock is an instant as tables show it.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
