package engine

import (
	"runtime/debug"

	"maestro/internal/instance"
	"maestro/internal/signal/board"
	"maestro/internal/step"
	"maestro/internal/store"
)

// remains is what a run that cannot go on leaves behind: attempts whose runtimes may have work under way, and steps that
// may wait for signals.
type remains struct {
	steps int
	work  []*step.Attempt
}

func (e *Engine) remainsOf(r *instance.Run) remains {
	left := remains{steps: len(r.Steps)}
	for n := range r.Steps {
		if r.AtWork(n) {
			left.work = append(left.work, e.describeRemains(r, n))
		}
	}
	return left
}

// describeRemains is describe for a run of which nothing is certain.
func (e *Engine) describeRemains(r *instance.Run, n int) (att *step.Attempt) {
	s := &r.Steps[n].Attempt
	defer func() {
		if p := recover(); p != nil {
			e.log.Warn("params of an attempt that is to be stopped cannot be had", "run", r.Identity(), "step", r.Plan.Nodes[n].ID, "panic", p)
			att = identify(r, n, s)
			att.Again = true
		}
	}()
	return describe(r, n, s, true)
}

// clear ends what a run left behind. Nobody waits for what the runtimes say: the run has ended.
func (e *Engine) clear(id store.RunID, left remains) {
	for n := range left.steps {
		e.board.Forget(board.Waiter{Run: id, Step: n})
	}
	for _, att := range left.work {
		if rt := e.runtimes[att.Definition.Type]; rt != nil {
			e.stopUnheard(rt, att)
		}
	}
}

func (e *Engine) stopUnheard(rt step.Runtime, att *step.Attempt) {
	defer func() {
		if p := recover(); p != nil {
			e.log.Error("step runtime panicked, work of a failed run may go on", "attempt", att.UUID, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	rt.Stop(e.ctx, att, unheard{})
}

// unheard takes reports that concern nobody.
type unheard struct{}

// Report implements step.Reporter.
func (unheard) Report(step.Report) {}
