package main

import (
	"io"

	"github.com/spf13/cobra"

	"ecs-autoscaler/config"
)

func newState() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Look into what the daemon remembers, and move it",
	}
	cmd.AddCommand(newStateInit(), newStateExport(), newStateImport())
	return cmd
}

// stateFlags say which state a verb is about.
type stateFlags struct{ config, file string }

func (f *stateFlags) add(cmd *cobra.Command) {
	configFlag(cmd, &f.config)
	cmd.Flags().StringVar(&f.file, "file", "", "state file at `PATH`, whatever a configuration says")
	cmd.MarkFlagsMutuallyExclusive("config", "file")
}

// load gives a configuration for its state alone; mistakes go to w.
func (f *stateFlags) load(w io.Writer) (*config.Config, error) {
	if f.file != "" {
		return &config.Config{State: config.State{Kind: config.StateFile, Path: f.file}}, nil
	}
	c, err := load(f.config, w)
	if err != nil {
		return nil, invalid(err)
	}
	return c, nil
}
