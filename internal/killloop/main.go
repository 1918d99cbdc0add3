// Command killloop kills a real daemon again and again while it steers a simulated region, and checks that it loses
// nothing: see make kill-loop.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

func main() {
	var o options
	flag.IntVar(&o.kills, "kills", 400, "how often the daemon is killed")
	flag.StringVar(&o.binary, "binary", "bin/ecs-autoscaler", "the `PROGRAM` that is both daemon and region")
	flag.Uint64Var(&o.seed, "seed", 1, "decides when it is killed")
	flag.StringVar(&o.dir, "keep", "", "work in `DIR` and leave everything there; else in a temporary one")
	flag.Parse()
	if err := loop(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "killloop:", err)
		os.Exit(1)
	}
}

type options struct {
	kills       int
	binary, dir string
	seed        uint64
}

// errViolated ends the program with exit code 1 after the violations have been printed.
var errViolated = errors.New("the daemon did not keep its promises")

func loop(ctx context.Context, o options) error {
	dir := o.dir
	if dir == "" {
		temporary, err := os.MkdirTemp("", "killloop-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary) //nolint:errcheck // The system clears its temporary files in the end.
		dir = temporary
	}
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return err
	}
	s, err := newStage(ctx, binary, dir)
	if err != nil {
		return err
	}
	defer s.close()
	began := time.Now()
	a := newAudit(s)
	if err := s.killAll(ctx, a, o); err != nil {
		return fmt.Errorf("%w; the daemon's last words:\n%s", err, s.lastWords())
	}
	if err := s.rest(ctx, a); err != nil {
		return err
	}
	a.report(os.Stdout, s, time.Since(began))
	if len(a.violations) > 0 {
		return errViolated
	}
	return nil
}

// killAll starts the daemon and kills it, as often as it is asked to.
func (s *stage) killAll(ctx context.Context, a *audit, o options) error {
	random := rand.New(rand.NewPCG(o.seed, 0))
	for n := range o.kills {
		d, err := s.start(ctx)
		if err != nil {
			return err
		}
		a.watch(ctx, d, life(random), n%5 == 0)
		if err := d.kill(); err != nil {
			a.violate("the daemon ended by itself: %v: %s", err, s.lastWords())
		}
		if err := a.inspect(ctx); err != nil {
			return err
		}
		if n%50 == 49 {
			fmt.Printf("%d kills, %d writes, %d activities, %d violations\n", n+1, a.writes, len(a.known), len(a.violations))
		}
	}
	return nil
}

// life is how long the daemon lives this time: mostly not much longer than it takes to start, to look and to write, which are
// the moments in which there is something to lose.
func life(random *rand.Rand) time.Duration {
	spread := func(from, to time.Duration) time.Duration { return from + time.Duration(random.Int64N(int64(to-from))) }
	switch random.IntN(10) {
	case 0:
		return spread(time.Second, 3*time.Second)
	case 1, 2:
		return spread(10*time.Millisecond, 150*time.Millisecond)
	default:
		return spread(100*time.Millisecond, 700*time.Millisecond)
	}
}

// rest lets the daemon live until what it has begun is over, stops it in good order, and looks at everything once more.
func (s *stage) rest(ctx context.Context, a *audit) error {
	killed := time.Now()
	d, err := s.start(ctx)
	if err != nil {
		return err
	}
	for {
		open, err := s.oldestOpen(ctx)
		if err == nil && (open.IsZero() || open.After(killed)) {
			break
		}
		if time.Since(killed) > time.Minute {
			a.violate("an activity from before the last kill, %s, is still open a minute later (%v)", open, err)
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	if err := d.stop(); err != nil {
		a.violate("the daemon does not stop in good order: %v", err)
	}
	if err := a.inspect(ctx); err != nil {
		return err
	}
	return a.conclude(ctx, killed)
}
