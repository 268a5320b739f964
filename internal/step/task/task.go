// Package task runs steps of type Task: an effect that does nothing. Such a step costs what any step with outside
// effects costs the engine, its own durable commit before its runtime is called, and nothing else, so it is what
// benchmarks and drills measure with.
package task

import (
	"context"
	"slices"
	"sync"
	"time"

	"maestro/internal/step"
	"maestro/spec"
)

// Type is the step type.
const Type spec.StepType = "Task"

// About describes the type to the definition format.
func About() spec.Type {
	return spec.Type{Name: Type, About: "Does nothing, by way of a runtime: for benchmarks and drills.", Runnable: true}
}

// Runtime reports each attempt done as soon as it is told to begin it. It measures hops: the time from the report of one
// step to the call that begins the next one of the same run. The zero value is ready for use.
type Runtime struct {
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
func (t *Runtime) Start(_ context.Context, a *step.Attempt, r step.Reporter) {
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
func (*Runtime) Stop(_ context.Context, _ *step.Attempt, r step.Reporter) {
	r.Report(step.Report{State: step.Stopped})
}

// Hops returns the median, the 99th percentile and the maximum of the newest hops, and forgets them.
func (t *Runtime) Hops() (p50, p99, most time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.hops) == 0 {
		return 0, 0, 0
	}
	slices.Sort(t.hops)
	n := len(t.hops)
	p50, p99, most = t.hops[n/2], t.hops[n*99/100], t.hops[n-1]
	t.hops, t.next, t.last = t.hops[:0], 0, nil
	return p50, p99, most
}
