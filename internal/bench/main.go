// Command bench measures ecs-autoscaler and writes the figures as Markdown: see make bench.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
)

const fleetSize = 10_000

func main() {
	profile := flag.String("cpuprofile", "", "write a processor profile of everything measured in this process to `FILE`")
	names := flag.String("parts", "passes,region,clusters,month,reads,micro", "measure only these `PARTS` of the page")
	flag.Parse()
	if err := profiled(*profile, func() error { return report(context.Background(), *names) }); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// profiled runs f, under the profiler if a file is named.
func profiled(file string, f func() error) error {
	if file == "" {
		return f()
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}

// report measures everything before it prints anything, so that a failure leaves no half page.
func report(ctx context.Context, names string) error {
	measured, err := chosen(names)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	fmt.Fprintf(&page, "# Benchmarks\n\nWritten by `make bench`. These machines are shared and noisy: the ratios, of things run side by side, "+
		"say more than the single figures.\n\nMachine: %s, %d processors, %s, %s/%s.\n\n",
		processor(), runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, part := range measured {
		if err := part(ctx, &page); err != nil {
			return err
		}
	}
	_, err = os.Stdout.Write(page.Bytes())
	return err
}

// processor is the machine's processor in its own words.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// micro runs the packages' own benchmarks.
func micro(ctx context.Context, page *bytes.Buffer) error {
	fmt.Fprintf(page, "## Single rooms\n\nThe fastest of %d runs each: neighbours on the machine can only slow a run down.\n\n", repeats)
	for _, b := range []struct{ title, pkg, pattern string }{
		{"Deciding", "./evaluator", "."},
		{"Reading 20,000 metrics: the SDK alone, and with the grid", "./scaler/observe", "Read20000"},
		{"Remembering", "./store", "."},
		{"Showing", "./web", "."},
	} {
		args := []string{"test", "-run", "^$", "-bench", b.pattern, "-benchmem", "-benchtime", "200ms", b.pkg}
		out, err := several(ctx, args)
		if err != nil {
			return err
		}
		fmt.Fprintf(page, "### %s\n\n`go %s`\n\n```\n%s```\n\n", b.title, strings.Join(args, " "), fastest(out))
	}
	return nil
}

// several runs go with the arguments again and again. All benchmarks have their turn in each round, so that a slow
// minute of the machine does not fall on one of them alone.
func several(ctx context.Context, args []string) ([]byte, error) {
	var all []byte
	for range repeats {
		out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
		all = append(all, out...)
	}
	return all, nil
}

// repeats is how often the benchmarks are run.
const repeats = 8

// fastest keeps of each benchmark the line with the fewest nanoseconds, in the order of their first appearance.
func fastest(out []byte) string {
	var names []string
	best, lines := map[string]float64{}, map[string]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(line, "Benchmark") {
			continue
		}
		ns, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			continue
		}
		name := fields[0]
		if _, known := lines[name]; !known {
			names = append(names, name)
		}
		if old, known := best[name]; !known || ns < old {
			best[name], lines[name] = ns, line
		}
	}
	var b strings.Builder
	for _, name := range names {
		b.WriteString(lines[name])
	}
	return b.String()
}
