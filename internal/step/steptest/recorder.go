package steptest

import (
	"maps"
	"sync"
	"testing"
	"time"

	"maestro/internal/step"
)

// Recorder is a reporter that remembers. As for the engine, the first final report counts.
type Recorder struct {
	patience time.Duration

	mu    sync.Mutex
	all   []step.Report
	final *step.Report
	done  chan struct{} // closed with the first final report
	panic bool          // instead of taking a report
}

// NewRecorder returns a recorder that waits so long for a final report.
func NewRecorder(patience time.Duration) *Recorder {
	return &Recorder{patience: patience, done: make(chan struct{})}
}

// Report takes a report.
func (r *Recorder) Report(rep step.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, rep)
	if rep.State.Final() && r.final == nil {
		r.final = &rep
		close(r.done)
	}
	if r.panic {
		panic("steptest: a reporter that panics")
	}
}

// All returns the reports made so far.
func (r *Recorder) All() []step.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]step.Report(nil), r.all...)
}

// Artifacts returns the artifacts reported so far, the latest of each key.
func (r *Recorder) Artifacts() map[string][]byte {
	out := map[string][]byte{}
	for _, rep := range r.All() {
		maps.Copy(out, rep.Artifacts)
	}
	return out
}

// Final waits for the report that ends the attempt.
func (r *Recorder) Final(t *testing.T) step.Report {
	t.Helper()
	select {
	case <-r.done:
		return *r.final
	case <-time.After(r.patience):
		t.Fatalf("no final report after %s; reports: %+v", r.patience, r.All())
		panic("unreachable")
	}
}

// Want waits for the report that ends the attempt, and checks how.
func (r *Recorder) Want(t *testing.T, want step.State) step.Report {
	t.Helper()
	got := r.Final(t)
	if got.State != want {
		t.Fatalf("ended with %s, want %s; timeline: %+v", got.State, want, got.Timeline)
	}
	return got
}

// Ended reports whether there was a final report.
func (r *Recorder) Ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}
