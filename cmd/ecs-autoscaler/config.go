package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"ecs-autoscaler/config"
)

// configFlag adds --config to a verb.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "config", "c", "",
		"configuration `FILE` (default: the text in $ECS_AUTOSCALER_CONFIG, else ecs-autoscaler.yaml)")
}

// errInvalid is what loading returns after the mistakes have been written out.
var errInvalid = errors.New("the configuration is not valid")

// load reads and checks the configuration. Every mistake and warning goes to w.
func load(path string, w io.Writer) (*config.Config, error) {
	src, err := config.Read(path, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	c, found := config.Parse(src, os.LookupEnv)
	for _, d := range found {
		fmt.Fprintln(w, d.Detail())
	}
	if c == nil {
		return nil, errInvalid
	}
	return c, nil
}

// loadSupported is load for verbs that act: what the file relies on and this release does not do is
// an error, unless it is to be ignored.
func loadSupported(path string, ignore bool, w io.Writer) (*config.Config, error) {
	c, err := load(path, w)
	if err != nil {
		return nil, err
	}
	missing := c.Unsupported()
	for _, d := range missing {
		if ignore {
			d.Severity = config.SeverityWarning
		}
		fmt.Fprintln(w, d.Detail())
	}
	if len(missing) > 0 && !ignore {
		return nil, fmt.Errorf("%w: it relies on what is not yet supported; "+
			"remove it, or run without it by --ignore-unsupported", errInvalid)
	}
	return c, nil
}

// invalid gives errors about the content of the configuration their exit code, 1.
func invalid(err error) error {
	if errors.Is(err, errInvalid) {
		return exitError{code: 1, err: err}
	}
	return err
}
