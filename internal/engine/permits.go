package engine

import (
	"sync"

	"maestro/internal/instance"
	"maestro/internal/store"
)

// permits limits how many steps run at once (spec/engine 17). What is in use follows from which steps are between
// STARTING and their end, so nothing is stored: a run holds its permits while it is in memory or has work outside, and
// takes them again when it is loaded.
type permits struct {
	e *Engine

	mu    sync.Mutex
	tags  map[string]*tag
	held  map[holder][]string
	byRun map[store.RunID]map[holder]struct{}
	limit func(tag string) (int64, bool) // configured limits
}

type tag struct {
	used    int64
	waiting []holder // in order of arrival
}

type holder struct {
	run     store.RunID
	step    int
	attempt int64
}

func newPermits(e *Engine) *permits {
	return &permits{e: e, tags: make(map[string]*tag), held: make(map[holder][]string), byRun: make(map[store.RunID]map[holder]struct{})}
}

// runPermits is what one run sees of the permits.
type runPermits struct {
	p  *permits
	id store.RunID
}

func (e *Engine) permitsOf(a *actor) instance.Permits { return runPermits{p: e.permits, id: a.id} }

// Acquire implements instance.Permits.
func (rp runPermits) Acquire(r *instance.Run, step int) bool {
	need := rp.p.e.needs(r, step)
	if len(need) == 0 {
		return true
	}
	s := &r.Steps[step]
	h := holder{run: rp.id, step: step, attempt: s.Number}
	return rp.p.acquire(h, need, s.Status != instance.WaitingForPermits)
}

// need is one permit that a step must have.
type need struct {
	tag   string
	limit int64
}

// acquire takes all permits of a step, or none and a place in the queue of each that is used up. A step that held them
// before its run was loaded gets them back whatever the limit is now.
func (p *permits) acquire(h holder, needs []need, back bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.held[h]; ok {
		return true
	}
	free := true
	for _, n := range needs {
		t := p.tags[n.tag]
		if t == nil {
			t = &tag{}
			p.tags[n.tag] = t
		}
		limit := n.limit
		if p.limit != nil {
			if l, ok := p.limit(n.tag); ok {
				limit = l
			}
		}
		if limit >= 0 && t.used >= limit {
			free = false
			t.enqueue(h)
		}
	}
	if !free && !back {
		return false
	}
	names := make([]string, len(needs))
	for i, n := range needs {
		names[i] = n.tag
		p.tags[n.tag].used++
		p.tags[n.tag].dequeue(h)
	}
	p.held[h] = names
	if p.byRun[h.run] == nil {
		p.byRun[h.run] = make(map[holder]struct{})
	}
	p.byRun[h.run][h] = struct{}{}
	return true
}

func (t *tag) enqueue(h holder) {
	for _, w := range t.waiting {
		if w == h {
			return
		}
	}
	t.waiting = append(t.waiting, h)
}

func (t *tag) dequeue(h holder) {
	for i, w := range t.waiting {
		if w == h {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return
		}
	}
}

// release gives back what an attempt held, and tells those who wait for it to try again.
func (p *permits) release(run store.RunID, step int, attempt int64) {
	p.mu.Lock()
	wake := p.releaseLocked(holder{run: run, step: step, attempt: attempt})
	p.mu.Unlock()
	p.tell(wake)
}

func (p *permits) releaseLocked(h holder) []holder {
	names, ok := p.held[h]
	if !ok {
		return nil
	}
	delete(p.held, h)
	delete(p.byRun[h.run], h)
	if len(p.byRun[h.run]) == 0 {
		delete(p.byRun, h.run)
	}
	var wake []holder
	for _, name := range names {
		t := p.tags[name]
		t.used--
		wake = append(wake, t.waiting...)
		t.waiting = nil
		if t.used == 0 {
			delete(p.tags, name)
		}
	}
	return wake
}

// releaseRun gives back whatever a run that has ended still held.
func (p *permits) releaseRun(run store.RunID) {
	p.mu.Lock()
	var wake []holder
	for h := range p.byRun[run] {
		wake = append(wake, p.releaseLocked(h)...)
	}
	p.mu.Unlock()
	p.tell(wake)
}

// loaded gives back what a run held for attempts that are not at work any more, or not yet, as the store has it: the
// change that took or gave the permits may have been written and reported as failed, or the other way round.
func (p *permits) loaded(id store.RunID, r *instance.Run) {
	p.mu.Lock()
	var wake []holder
	for h := range p.byRun[id] {
		s := &r.Steps[h.step]
		if s.Number != h.attempt || s.Status < instance.Starting || s.Status > instance.Finishing {
			wake = append(wake, p.releaseLocked(h)...)
		}
	}
	p.mu.Unlock()
	p.tell(wake)
}

func (p *permits) tell(wake []holder) {
	for _, h := range wake {
		p.e.deliver(h.run, item{event: instance.Permitted{At: nowMillis(), Step: h.step}})
	}
}

// needs returns the permits that a step must have (spec/engine 17.1): one of its workflow where step_concurrency is set,
// one of its tree where instance_step_concurrency is, and one of each of its own tags that has a limit.
//
// A workflow that sets no limits has none. The reference gives every workflow and every step 20 permits; see
// docs/deviations.md.
func (e *Engine) needs(r *instance.Run, step int) []need {
	var needs []need
	if n := r.Header.StepConcurrency(); n > 0 {
		needs = append(needs, need{tag: "maestro_" + r.WorkflowID, limit: n})
	}
	s := r.Plan.Nodes[step].Step
	if n := r.StepLimit(); n > 0 && s.IsLeaf() {
		needs = append(needs, need{tag: "maestro_" + r.CorrelationID(), limit: n})
	}
	for _, t := range s.Tags {
		if e.permits.limited(t.Name) {
			needs = append(needs, need{tag: t.Name, limit: -1})
		}
	}
	return needs
}

func (p *permits) limited(tag string) bool {
	if p.limit == nil {
		return false
	}
	_, ok := p.limit(tag)
	return ok
}
