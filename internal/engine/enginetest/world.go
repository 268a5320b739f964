package enginetest

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"maestro/internal/step"
)

// World is what is outside of an engine: work that goes on while engines come and go. How a piece of work behaves is a
// function of the seed and the identity of the attempt, so that a world of the same seed does the same again.
type World struct {
	Seed  uint64
	Nice  bool                  // nothing is lost, late, doubled or silent; outcomes stay as they are
	Begin func(a *step.Attempt) // called when a runtime is told to begin, before anything else
	End   func(a *step.Attempt) // called when a runtime is told to stop

	mu   sync.Mutex
	jobs map[string]*job
}

// job is the work of one attempt.
type job struct {
	mu       sync.Mutex
	r        *rand.Rand
	starts   int
	stops    int
	reporter step.Reporter
	ended    bool
	final    step.Report
	timer    *time.Timer
}

var _ step.Runtime = (*World)(nil)

func (w *World) job(a *step.Attempt) *job {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.jobs == nil {
		w.jobs = make(map[string]*job)
	}
	j := w.jobs[a.UUID]
	if j == nil {
		h := fnv.New64a()
		fmt.Fprintf(h, "%q %q %q %d", a.RunUUID, a.WorkflowID, a.StepID, a.Number) // what a seed decides; a.UUID is not
		j = &job{r: rand.New(rand.NewPCG(w.Seed, h.Sum64()))}
		w.jobs[a.UUID] = j
	}
	return j
}

// Starts returns how often the runtime was told to begin the attempt.
func (w *World) Starts(uuid string) int {
	w.mu.Lock()
	j := w.jobs[uuid]
	w.mu.Unlock()
	if j == nil {
		return 0
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.starts
}

// Start implements step.Runtime.
func (w *World) Start(_ context.Context, a *step.Attempt, r step.Reporter) {
	if w.Begin != nil {
		w.Begin(a)
	}
	j := w.job(a)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.starts++
	j.reporter = r
	if j.starts > 1 { // find it again
		if j.ended {
			r.Report(j.final)
		}
		return
	}
	j.final = step.Report{State: outcome(j.r), Begun: j.r.IntN(2) == 0}
	if j.r.IntN(10) == 0 {
		j.final.Artifacts = map[string][]byte{"artifact": []byte(`{"n":1}`)}
	}
	if !w.Nice && j.r.IntN(50) == 0 {
		panic("the world is broken")
	}
	if j.r.IntN(3) == 0 { // at once
		j.ended = true
		if j.r.IntN(3) == 0 {
			r.Report(step.Report{State: step.Continue})
		}
		j.tell(w)
		return
	}
	after := time.Duration(j.r.IntN(60_000)) * time.Millisecond
	if j.r.IntN(10) == 0 {
		after *= 10
	}
	if j.r.IntN(2) == 0 {
		time.AfterFunc(after/2, func() {
			j.mu.Lock()
			defer j.mu.Unlock()
			if !j.ended {
				j.reporter.Report(step.Report{State: step.Continue})
			}
		})
	}
	j.timer = time.AfterFunc(after, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		if !j.ended {
			j.ended = true
			j.tell(w)
		}
	})
}

// tell makes the final report, or loses, delays or doubles it.
func (j *job) tell(w *World) {
	times, late := 1, time.Duration(0)
	if !w.Nice {
		switch j.r.IntN(12) {
		case 0:
			times = 0
		case 1:
			times = 2
		case 2:
			late = time.Duration(j.r.IntN(400_000)) * time.Millisecond
		}
	}
	rep, r := j.final, j.reporter
	for range times {
		r.Report(rep)
	}
	if late > 0 {
		time.AfterFunc(late, func() { r.Report(rep) })
	}
}

// Stop implements step.Runtime.
func (w *World) Stop(_ context.Context, a *step.Attempt, r step.Reporter) {
	if w.End != nil {
		w.End(a)
	}
	j := w.job(a)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stops++
	j.ended = true
	if j.timer != nil {
		j.timer.Stop()
	}
	how := 0
	if !w.Nice {
		how = j.r.IntN(8)
	}
	switch how {
	case 0, 1, 2, 3:
		r.Report(step.Report{State: step.Stopped})
	case 4:
		r.Report(j.final) // it ended in the same moment
	case 5: // not a word
	default:
		time.AfterFunc(time.Duration(j.r.IntN(40_000))*time.Millisecond, func() { r.Report(step.Report{State: step.Stopped}) })
	}
}

func outcome(r *rand.Rand) step.State {
	switch n := r.IntN(100); {
	case n < 68:
		return step.Done
	case n < 80:
		return step.UserError
	case n < 88:
		return step.PlatformError
	case n < 93:
		return step.FatalError
	case n < 96:
		return step.Stopped
	case n < 98:
		return step.TimedOut
	default:
		return step.Internal
	}
}
