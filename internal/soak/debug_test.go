package soak

import (
	"os"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"ecs-autoscaler/daemon"
	"time"
)

// TestReplay lives through one seed with the daemon's log on stderr.
func TestReplay(t *testing.T) {
	if *logFlag == "" {
		return
	}
	var l *zap.Logger = daemon.NewLogger(zapcore.AddSync(os.Stderr), daemon.JSONLog, time.Now)
	one := live(t, *seedFlag, options{logger: l})
	one.report(os.Stdout, *seedFlag, *seedFlag)
}
