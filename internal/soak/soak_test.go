package soak

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap/zapcore"

	"ecs-autoscaler/daemon"
)

var (
	yearsFlag = flag.Float64("soak.years", -1, "how many service-years to live through; 0 is one world, and below 0 is the suite's share")
	seedFlag  = flag.Uint64("soak.seed", 1, "the first seed")
	moreFlag  = flag.Bool("soak.more", false, "go on after a violation")
	sizeFlag  = flag.Int("soak.services", 0, "services of each world, instead of what its seed draws")
	daysFlag  = flag.Float64("soak.days", 5, "days of each world, with soak.services; parts of a day end with two hours of calm")
	paceFlag  = flag.Float64("soak.pace", 0, "how often things happen, 1 is usual; 0 leaves it to the seed")
	crewFlag  = flag.Int("soak.daemons", 0, "how many daemons share the state of each world; 0 leaves it to its seed")
	proveFlag = flag.Bool("soak.prove", false, "make every decision anew from its line of the decision log")
	traceFlag = flag.String("soak.trace", "", "a file for each call and each durable write of one world")
	logFlag   = flag.String("soak.log", "", "a file for the log of the daemon in one world")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shm is a new folder on a file system in memory, where there is one.
func shm(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "soak") //nolint:usetesting // t.TempDir is on a disk, and most of a commit is its sync
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// given is how make is told what replaces the draws of a seed in this run, beginning with a blank.
func given() string {
	var args []string
	flag.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "soak.services", "soak.days", "soak.pace", "soak.daemons":
			args = append(args, fmt.Sprintf("-%s %s", f.Name, f.Value))
		}
	})
	if len(args) == 0 {
		return ""
	}
	return fmt.Sprintf(" ARGS=%q", strings.Join(args, " "))
}

// asked is what the flags ask for.
func asked(t *testing.T) options {
	t.Helper()
	o := options{pace: *paceFlag, daemons: *crewFlag, prove: *proveFlag}
	if *sizeFlag > 0 {
		o.size = &size{*sizeFlag, time.Duration(*daysFlag * float64(day)), 5 * hour}
		if *daysFlag < 1 {
			o.size.calm = 2 * hour
		}
	}
	if *traceFlag != "" {
		o.exact, o.trace = true, create(t, *traceFlag)
	}
	if *logFlag != "" {
		o.logger = daemon.NewLogger(zapcore.AddSync(create(t, *logFlag)), daemon.JSONLog, time.Now)
	}
	return o
}

func create(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// processor is the processor time that this process has used. Years are counted against it: a machine that others use, too, says
// little with its wall clock.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestSoak lives through as many service-years as its flags say; see make soak. In the suite it does a fixed share.
func TestSoak(t *testing.T) {
	t.Parallel()
	o, total := asked(t), newTotals(0)
	total.worlds = 0
	enough := func() bool { return total.years() >= *yearsFlag }
	if *yearsFlag < 0 {
		enough = func() bool { return total.worlds >= len(share) }
	}
	seed := *seedFlag
	for {
		if *yearsFlag < 0 {
			o = share[total.worlds]
		}
		began := processor()
		one := live(t, seed, o)
		one.took = processor() - began
		if total.add(one); *yearsFlag >= 0 {
			fmt.Printf("seed %d: %.3f years in %s, digest %s, %d violations\n", seed, one.years(), one.took.Round(time.Millisecond), one.digest, one.violated)
		}
		if enough() || total.violated > 0 && !*moreFlag {
			break
		}
		seed++
	}
	if *yearsFlag >= 0 || total.violated > 0 {
		total.report(os.Stdout, *seedFlag, seed)
	}
	if total.violated > 0 {
		t.Fail()
	}
}

// share are the small worlds that the suite lives through: crashes, faults and restarts every few minutes, and then calm.
var share = []options{
	{size: &size{4, 3 * hour, 2 * hour}, pace: 12, daemons: 1, prove: true},
	{size: &size{4, 3 * hour, 2 * hour}, pace: 12, daemons: 1, prove: true},
	{size: &size{4, 3 * hour, 2 * hour}, pace: 12, daemons: 1, prove: true},
	{size: &size{4, 40 * time.Minute, 65 * time.Minute}, pace: 60, daemons: 3, prove: true},
}

// TestASeedReplaysExactly lives through one world twice: every call at the same nanosecond, every byte made durable, the same.
func TestASeedReplaysExactly(t *testing.T) {
	t.Parallel()
	const seed = 3
	for _, o := range []options{
		{size: &size{4, 90 * time.Minute, time.Minute}, pace: 24, exact: true, daemons: 1},
		{size: &size{4, 20 * time.Minute, time.Minute}, pace: 90, exact: true, daemons: 3},
	} {
		first, second := live(t, seed, o), live(t, seed, o)
		if first.digest != second.digest {
			t.Errorf("seed %d with %d daemons has the digests %s and %s", seed, o.daemons, first.digest, second.digest)
		}
		if first.writes == 0 || sum(first.crashes) == 0 || o.daemons > 1 && first.takeOvers == 0 {
			t.Errorf("seed %d: %d writes, %d taken over and %v: too little happened to prove anything", seed, first.writes, first.takeOvers, first.crashes)
		}
	}
}
