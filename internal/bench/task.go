package bench

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"maestro/internal/server"
	"maestro/internal/step"
	"maestro/spec"
)

// TypeTask is a step type of benchmarks and drills: an effect that does nothing. Such a step costs what any step with
// outside effects costs the engine, its own durable commit before its runtime is called, and nothing else. No other server
// knows it.
const TypeTask spec.StepType = "Task"

// AboutTask describes the type to the definition format.
func AboutTask() spec.Type {
	return spec.Type{Name: TypeTask, About: "Does nothing, by way of a runtime: for benchmarks and drills.", Runnable: true}
}

// Tasks reports each attempt done as soon as it is told to begin it. It measures hops: the time from the report of one
// step to the call that begins the next one of the same run. The zero value is ready for use.
type Tasks struct {
	mu   sync.Mutex
	last map[run]time.Time // when its last step was reported done
	hops []time.Duration   // the newest maxHops, in no order
	next int
}

// run names a run by what nobody but the engine gives out.
type run struct {
	workflow         string
	instance, number int64
}

const (
	maxHops = 1 << 14
	maxRuns = 1 << 16
)

// Start implements step.Runtime.
func (t *Tasks) Start(_ context.Context, a *step.Attempt, r step.Reporter) {
	now, of := time.Now(), run{a.WorkflowID, a.Instance, a.Run}
	t.mu.Lock()
	if t.last == nil || len(t.last) >= maxRuns {
		t.last = make(map[run]time.Time) // runs that have ended are not told of; starting over loses a few hops
	}
	if before, ok := t.last[of]; ok {
		if len(t.hops) < maxHops {
			t.hops = append(t.hops, 0)
		}
		t.hops[t.next%maxHops] = now.Sub(before)
		t.next++
	}
	t.last[of] = time.Now()
	t.mu.Unlock()
	r.Report(step.Report{State: step.Done})
}

// Stop implements step.Runtime.
func (*Tasks) Stop(_ context.Context, _ *step.Attempt, r step.Reporter) {
	r.Report(step.Report{State: step.Stopped})
}

// Hops are the times from the report of one Task step to the call that begins the next one of the same run.
type Hops struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// Hops returns the median, the 99th percentile and the maximum of the newest hops, and forgets them.
func (t *Tasks) Hops() (h Hops) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.hops); n > 0 {
		slices.Sort(t.hops)
		h = Hops{P50: millis(t.hops[n/2]), P99: millis(t.hops[n*99/100]), Max: millis(t.hops[n-1])}
	}
	t.hops, t.next, t.last = t.hops[:0], 0, nil
	return h
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

const hopsPath = "/api/v3/bench/hops"

// Register adds the route that answers with the hops.
func (t *Tasks) Register(handle func(pattern string, h server.HandlerFunc)) {
	handle("GET "+hopsPath, func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(w).Encode(t.Hops())
	})
}
