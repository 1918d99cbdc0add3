package main

import "github.com/spf13/cobra"

func newState() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Look into what the daemon remembers, and move it",
	}
	cmd.AddCommand(newStateInit())
	return cmd
}
