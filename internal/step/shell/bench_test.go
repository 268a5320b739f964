//go:build linux

package shell

import (
	"testing"
	"time"

	"maestro/internal/step"
	"maestro/internal/step/steptest"
)

// BenchmarkStep runs the shortest step there is, one after the other: supervisor, process, capture, ending.
func BenchmarkStep(b *testing.B) {
	dir := b.TempDir()
	rt, err := New(config(dir))
	if err != nil {
		b.Fatal(err)
	}
	defer rt.Close()
	params := shellParams("command", "/bin/true")
	for b.Loop() {
		r := make(chan step.Report, 2)
		rt.Start(b.Context(), attempt("", params), reporter(func(rep step.Report) { r <- rep }))
		for rep := range r {
			if rep.State == step.Done {
				break
			}
		}
	}
}

// BenchmarkRunning tells what a running step costs the server.
func BenchmarkRunning(b *testing.B) {
	dir := b.TempDir()
	rt, err := New(config(dir))
	if err != nil {
		b.Fatal(err)
	}
	defer rt.Close()
	params := shellParams("script", "sleep 600")
	var all []*step.Attempt
	var took time.Duration
	for b.Loop() {
		a := attempt("", params)
		running := make(chan step.Report, 2)
		from := time.Now()
		rt.Start(b.Context(), a, reporter(func(rep step.Report) { running <- rep }))
		<-running
		took += time.Since(from)
		all = append(all, a)
	}
	b.ReportMetric(float64(countFiles())/float64(len(all)), "files/step")
	for _, a := range all {
		r := steptest.NewRecorder(10 * time.Second)
		rt.Stop(b.Context(), a, r)
		for !r.Ended() {
			time.Sleep(time.Millisecond)
		}
	}
}
