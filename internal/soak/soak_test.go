package soak

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	seedFlag  = flag.Uint64("soak.seed", 0, "the first seed")
	yearsFlag = flag.Float64("soak.years", 0, "how many service-years to live through; 0 is one world")
	moreFlag  = flag.Bool("soak.more", false, "go on after a violation")
	sizeFlag  = flag.Int("soak.services", 0, "services of each world, instead of what its seed draws")
	daysFlag  = flag.Int("soak.days", 5, "days of each world, with soak.services")
	paceFlag  = flag.Float64("soak.pace", 0, "how often things happen, 1 is usual; 0 leaves it to the seed")
	logFlag   = flag.String("soak.log", "", "replay one seed with the log of the daemon")
	traceFlag = flag.String("soak.trace", "", "a file for a line about each call and each durable write")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shm is a new folder on a file system in memory, where there is one.
func shm(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "soak")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// sized is the size that the flags ask for, nil where it is the seed's to say.
func sized() *size {
	if *sizeFlag == 0 {
		return nil
	}
	return &size{*sizeFlag, time.Duration(*daysFlag) * day, 5 * hour}
}

// TestSoak lives through as many service-years as its flags say; see make soak.
func TestSoak(t *testing.T) {
	total, seed := newTotals(0), *seedFlag
	total.worlds = 0
	for {
		began := time.Now()
		one := live(t, seed, options{size: sized(), pace: *paceFlag})
		fmt.Printf("seed %d: %.3f years in %s, digest %s, %d violations\n", seed, one.years(), time.Since(began).Round(time.Millisecond), one.digest, one.violated)
		total.add(one)
		if total.years() >= *yearsFlag || len(total.violations) > 0 && !*moreFlag {
			break
		}
		seed++
	}
	total.report(os.Stdout, *seedFlag, seed)
	if len(total.violations) > 0 {
		t.Fail()
	}
}
