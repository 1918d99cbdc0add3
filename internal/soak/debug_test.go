package soak

import (
	"os"
	"testing"

	"ecs-autoscaler/daemon"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"time"
)

// TestReplay lives through one seed with the daemon's log on stderr.
func TestReplay(t *testing.T) {
	if *logFlag == "" {
		return
	}
	var l *zap.Logger = daemon.NewLogger(zapcore.AddSync(os.Stderr), daemon.JSONLog, time.Now)
	o := options{logger: l, size: sized(), exact: true, pace: *paceFlag}
	if *traceFlag != "" {
		f, err := os.Create(*traceFlag)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		o.trace = f
	}
	one := live(t, *seedFlag, o)
	one.report(os.Stdout, *seedFlag, *seedFlag)
}

func TestShow(t *testing.T) {
	if *logFlag == "" {
		return
	}
	p := draw(*seedFlag, sized())
	t.Log(p.scenario(), p.configuration(&mutant{}))
}
