package decisionlog

import (
	"io"
	"testing"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/evaluator"
)

// BenchmarkEvaluated is what a decision costs the engine.
func BenchmarkEvaluated(b *testing.B) {
	l := New(Options{Out: io.Discard, Version: "x", Now: time.Now, Logger: zap.NewNop()})
	target := web("web")
	o, m, d := look(target, 0, 90)
	b.ReportAllocs()
	for b.Loop() {
		l.Evaluated(target, o, m, d)(evaluator.OutcomeNone)
	}
	if err := l.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkReplay is what a decision costs replay.
func BenchmarkReplay(b *testing.B) {
	target := web("web")
	o, m, d := look(target, 0, 90)
	b.ReportAllocs()
	for b.Loop() {
		if err := Verify(target, o, m, d); err != nil {
			b.Fatal(err)
		}
	}
}
