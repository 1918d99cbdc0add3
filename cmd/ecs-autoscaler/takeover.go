package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/scaler/appscaling"
	"ecs-autoscaler/scaler/awsapi"
)

// recordFile is where takeovers are remembered when --record does not say otherwise.
const recordFile = "ecs-autoscaler-takeover.json"

// takeoverFlags are those of takeover and handback.
type takeoverFlags struct {
	chosen      appscaling.Choice
	record      string
	aws         awsapi.Options
	yes, dryRun bool
	// fromState, config and client are those of handback.
	fromState bool
	config    string
	client    daemon.ClientOptions
	// notes are what is told beside the changes.
	notes []string
}

func (f *takeoverFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.chosen.Cluster, "cluster", "", "`NAME` of the cluster (required)")
	cmd.Flags().StringVar(&f.chosen.Service, "service", "", "only the service of this `NAME` (default: all of the cluster)")
	cmd.Flags().StringVar(&f.record, "record", recordFile, "`FILE` that remembers what was before")
	cmd.Flags().StringVar(&f.aws.Region, "region", "", "`REGION` to work in (default: that of the environment)")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask before anything is changed")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be changed, and change nothing")
	_ = cmd.MarkFlagRequired("cluster")
}

func newTakeover() *cobra.Command {
	var f takeoverFlags
	cmd := &cobra.Command{
		Use:   "takeover",
		Short: "Suspend the managed scaling of a cluster, and remember what it was",
		Long: `Suspend scaling in, scaling out and scheduled scaling of the scalable targets that Application Auto Scaling has for
the services of a cluster, so that this daemon is the only one that scales them. What will change is shown first, and
what was is kept in a file, from which "ecs-autoscaler handback" restores exactly that. Policies, schedules and
bounds stay as they are. Doing it again changes nothing. It needs application-autoscaling:DescribeScalableTargets
and RegisterScalableTarget.`,
		Example: `  ecs-autoscaler takeover --cluster shop --dry-run
  ecs-autoscaler takeover --cluster shop --service web --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, f.takeover) },
	}
	f.add(cmd)
	return cmd
}

func newHandback() *cobra.Command {
	var f takeoverFlags
	cmd := &cobra.Command{
		Use:   "handback",
		Short: "Give the scaling of a cluster back to AWS, as it was before the takeover",
		Long: `Set the suspended state of the scalable targets of a cluster back to what "ecs-autoscaler takeover" found and
remembered. Stop the daemon first, or take the services out of its configuration: otherwise there are two who scale
them. Doing it again changes nothing. What a daemon with "managed_policies: suspend" has suspended stands in its
state: --from-state takes it from there, for the account and region of the credentials in use.`,
		Example: `  ecs-autoscaler handback --cluster shop --dry-run
  ecs-autoscaler handback --cluster shop --service web --yes
  ecs-autoscaler handback --cluster shop --from-state --config ecs-autoscaler.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, f.handback) },
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&f.fromState, "from-state", false, "give back what the daemon of --config has suspended, by its state, instead of what --record says")
	configFlag(cmd, &f.config)
	basicAuthFlag(cmd, &f.client)
	cmd.MarkFlagsMutuallyExclusive("from-state", "record")
	return cmd
}

// intention is what a verb wants to do: the record is written before the changes where that is how nothing is lost, else after them.
type intention struct {
	changes []appscaling.Change
	record  appscaling.Record
	first   bool
	// back says that scaling is given back.
	back  bool
	notes []string
}

type intending func(region string, record appscaling.Record, targets []appscaling.Target) intention

func (f *takeoverFlags) takeover(region string, record appscaling.Record, targets []appscaling.Target) intention {
	after, changes := record.Takeover(region, time.Now(), targets)
	return intention{changes: changes, record: after, first: true}
}

func (f *takeoverFlags) handback(region string, record appscaling.Record, targets []appscaling.Target) intention {
	after, changes, gone := record.Handback(region, f.chosen, targets)
	in := intention{changes: changes, record: after, back: true, notes: f.notes}
	for i := range gone {
		in.notes = append(in.notes, fmt.Sprintf("%s/%s (%s) is no managed target of this account and region any more, or another one of that name; it is left alone and stays in the record. "+
			"Where it is in another account, use the credentials of that one", gone[i].Cluster, gone[i].Service, gone[i].ARN))
	}
	return in
}

func (f *takeoverFlags) run(cmd *cobra.Command, intend intending) error {
	record, err := f.before(cmd.Context(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	clients, err := awsapi.Connect(cmd.Context(), f.aws)
	if err != nil {
		return err
	}
	targets, err := appscaling.Managed(cmd.Context(), clients, f.chosen)
	if err != nil {
		return err
	}
	in := intend(clients.Region, record, targets)
	w := cmd.OutOrStdout()
	if err := in.show(w); err != nil {
		return err
	}
	switch {
	case len(in.changes) == 0 && in.back && len(targets) > 0:
		_, err := fmt.Fprintf(w, "Nothing is to be given back: %s has nothing of the managed targets of cluster %s in %s.\n", f.record, f.chosen.Cluster, clients.Region)
		return err
	case len(in.changes) == 0:
		return exitError{code: 1, err: fmt.Errorf("cluster %s in %s: there is nothing to do it to; ecs-autoscaler import aws --cluster %s shows what is managed, %s what was taken over",
			f.chosen.Cluster, clients.Region, f.chosen.Cluster, f.record)}
	}
	return f.decide(cmd, clients, in)
}

// decide asks whether the changes are to be made, and makes them.
func (f *takeoverFlags) decide(cmd *cobra.Command, clients *awsapi.Clients, in intention) error {
	w := cmd.OutOrStdout()
	if f.dryRun {
		_, err := fmt.Fprintln(w, "Nothing was changed: this is a dry run.")
		return err
	}
	if in.pending() > 0 && !f.yes && !agreed(cmd.InOrStdin(), w) {
		return exitError{code: 1, err: errors.New("nothing was changed; say yes, or use --yes")}
	}
	return f.carryOut(cmd.Context(), w, clients, in)
}

// before is what was before a takeover, as the record has it or the daemon's state.
func (f *takeoverFlags) before(ctx context.Context, stderr io.Writer) (appscaling.Record, error) {
	if !f.fromState {
		return readRecord(f.record)
	}
	f.record = "the daemon's state"
	c, err := load(f.config, stderr)
	if err != nil {
		return appscaling.Record{}, invalid(err)
	}
	if f.aws.Region == "" {
		f.aws.Region = c.Region
	}
	logger := daemon.NewLogger(stderr, daemon.HumanLog, time.Now).WithOptions(zap.IncreaseLevel(zap.WarnLevel))
	record, running, err := daemon.Suspended(ctx, daemon.Options{Config: c, Logger: logger, Build: build(), Client: fromEnvironment(f.client)})
	if running {
		f.notes = append(f.notes, "a running daemon tells only of services that its configuration has; stop it to give back those that were taken out of it")
	}
	return record, err
}

// show writes what would become of each target.
func (in *intention) show(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range in.changes {
		c := &in.changes[i]
		what := appscaling.Words(c.Now) + " -> " + appscaling.Words(c.To)
		if !c.Changes() {
			what = appscaling.Words(c.Now) + ", as it shall be"
		}
		fmt.Fprintf(tw, "%s/%s\t%s\n", c.Cluster, c.Service, what)
	}
	for _, n := range in.notes {
		fmt.Fprintln(tw, "note: "+n)
	}
	return tw.Flush()
}

func (in *intention) pending() (n int) {
	for i := range in.changes {
		if in.changes[i].Changes() {
			n++
		}
	}
	return n
}

// carryOut makes the changes. Where they fail in the middle, or this process dies, the same command goes on.
func (f *takeoverFlags) carryOut(ctx context.Context, w io.Writer, clients *awsapi.Clients, in intention) error {
	if in.first {
		if err := writeRecord(f.record, in.record); err != nil {
			return err
		}
	}
	done := 0
	for _, c := range in.changes {
		if !c.Changes() {
			continue
		}
		if err := appscaling.Switch(ctx, clients, c); err != nil {
			return fmt.Errorf("%s/%s: %w; %d of %d targets were changed before, the same command goes on", c.Cluster, c.Service, err, done, in.pending())
		}
		done++
	}
	if !in.first && !f.fromState {
		if err := writeRecord(f.record, in.record); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d of %d targets were changed. What was before a takeover is in %s.\n", done, len(in.changes), f.record)
	return err
}

// agreed asks a person.
func agreed(in io.Reader, w io.Writer) bool {
	fmt.Fprint(w, "Type yes to change this: ")
	answer, _ := bufio.NewReader(in).ReadString('\n')
	return strings.TrimSpace(answer) == "yes"
}

// readRecord reads the record; none is an empty one.
func readRecord(path string) (r appscaling.Record, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("--record: %w", err)
	}
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&r); err != nil {
		return r, fmt.Errorf("--record: %s is no record of a takeover (%w); name the right file, or move this one away", path, err)
	}
	if r.Version != 1 {
		return r, fmt.Errorf("--record: %s has the version %d, and this release knows 1: use the release that wrote it", path, r.Version)
	}
	return r, nil
}

func writeRecord(path string, r appscaling.Record) error {
	var text bytes.Buffer
	if err := writeJSON(&text, r); err != nil {
		return err
	}
	if err := replaceFile(path, text.Bytes()); err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	return nil
}
