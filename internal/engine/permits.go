package engine

import (
	"maps"
	"slices"
	"sync"

	"maestro/internal/instance"
	"maestro/internal/store"
)

// permits limits how many steps run at once (spec/engine 17). What is in use follows from which steps are between
// STARTING and their end, so nothing is stored: a run holds its permits while it has such steps, in memory or not, and
// takes them again when it is loaded after a restart.
//
// Who waits is in the queue of each of its tags. When something of a tag is given back or its limit changes, the queue is
// walked in order of arrival and everybody whose permits are all free gets them then and there, before anybody new can
// ask; those blocked by another tag are passed over. After a start nobody new gets any that are limited before everybody
// who had one has it again.
type permits struct {
	wake func(h holder) // tells a step that its permits are granted

	mu      sync.Mutex
	tags    map[string]*tag
	held    map[holder][]string
	waiting map[holder][]need
	byRun   map[store.RunID]map[holder]struct{} // who holds or waits
	limits  map[string]int64                    // configured ones, by tag
	derived int                                 // how many of them are of tags that are made by needs
	closed  int                                 // groups whose runs have not all been picked up yet
}

type tag struct {
	used  int64
	queue []holder // in order of arrival
	own   int      // how many of the queue bring a limit with them
}

type holder struct {
	run     store.RunID
	step    int
	attempt int64
}

func newPermits(e *Engine) *permits {
	return &permits{
		wake: func(h holder) {
			e.deliver(h.run, item{event: instance.Permitted{At: e.clock.of(h.run), Step: h.step, Attempt: h.attempt}})
		},
		tags: make(map[string]*tag), held: make(map[holder][]string), waiting: make(map[holder][]need),
		byRun: make(map[store.RunID]map[holder]struct{}), limits: make(map[string]int64),
	}
}

// acquire takes all permits of a step, or none and a place in the queue of each. A step that held them before its run
// was loaded gets them back whatever the limit is now.
func (p *permits) acquire(h holder, needs []need, back bool) bool {
	if len(needs) == 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.held[h]; ok {
		return true
	}
	if back || p.free(needs) {
		p.unqueue(h)
		p.take(h, needs)
		return true
	}
	if _, ok := p.waiting[h]; ok {
		return false
	}
	p.waiting[h] = needs
	p.note(h)
	for _, n := range needs {
		t := p.tag(n.tag)
		t.queue = append(t.queue, h)
		if n.limit >= 0 {
			t.own++
		}
	}
	return false
}

// free reports whether every one of the permits can be had now.
func (p *permits) free(needs []need) bool {
	for _, n := range needs {
		limit := n.limit
		if l, ok := p.limits[n.tag]; ok {
			limit = l
		}
		if limit < 0 {
			continue
		}
		if t := p.tags[n.tag]; p.closed > 0 || limit == 0 || t != nil && t.used >= limit {
			return false
		}
	}
	return true
}

// opening says that groups open: nobody new gets limited permits before the runs of these have taken what they had.
func (p *permits) opening(groups int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed += groups
}

// opened says that every run of one group that was under way has taken what it had.
func (p *permits) opened() {
	p.mu.Lock()
	p.closed--
	if p.closed > 0 {
		p.mu.Unlock()
		return
	}
	var granted []holder
	for _, name := range slices.Sorted(maps.Keys(p.tags)) {
		granted = p.grant(name, granted)
	}
	p.mu.Unlock()
	p.tell(granted)
}

func (p *permits) take(h holder, needs []need) {
	names := make([]string, len(needs))
	for i, n := range needs {
		names[i] = n.tag
		p.tag(n.tag).used++
	}
	p.held[h] = names
	p.note(h)
}

func (p *permits) tag(name string) *tag {
	t := p.tags[name]
	if t == nil {
		t = &tag{}
		p.tags[name] = t
	}
	return t
}

func (p *permits) note(h holder) {
	if p.byRun[h.run] == nil {
		p.byRun[h.run] = make(map[holder]struct{})
	}
	p.byRun[h.run][h] = struct{}{}
}

// unqueue takes a step that waits out of all queues.
func (p *permits) unqueue(h holder) {
	for _, n := range p.waiting[h] {
		t := p.tags[n.tag]
		if i := slices.Index(t.queue, h); i >= 0 {
			t.queue = slices.Delete(t.queue, i, i+1)
			if n.limit >= 0 {
				t.own--
			}
		}
		p.prune(n.tag)
	}
	delete(p.waiting, h)
}

// prune forgets a tag that nobody holds or waits for.
func (p *permits) prune(name string) {
	if t := p.tags[name]; t != nil && t.used == 0 && len(t.queue) == 0 {
		delete(p.tags, name)
	}
}

// grant gives the permits of a tag to those in its queue who can have all of theirs, in order of arrival.
func (p *permits) grant(name string, to []holder) []holder {
	t := p.tags[name]
	if t == nil {
		return to
	}
	limit, limited := p.limits[name]
	for i := 0; i < len(t.queue); {
		if limited && t.used >= limit {
			break
		}
		h := t.queue[i]
		needs := p.waiting[h]
		if !p.free(needs) {
			i++
			continue
		}
		p.take(h, needs) // before it leaves the queues, so that the tag is not forgotten in between
		p.unqueue(h)
		to = append(to, h)
	}
	p.prune(name)
	return to
}

// release gives back what an attempt held or waited for, and lets those who wait go on.
func (p *permits) release(run store.RunID, step int, attempt int64) {
	p.mu.Lock()
	granted := p.drop(holder{run: run, step: step, attempt: attempt}, nil)
	p.mu.Unlock()
	p.tell(granted)
}

func (p *permits) drop(h holder, granted []holder) []holder {
	if _, ok := p.byRun[h.run][h]; !ok {
		return granted
	}
	delete(p.byRun[h.run], h)
	if len(p.byRun[h.run]) == 0 {
		delete(p.byRun, h.run)
	}
	p.unqueue(h)
	names := p.held[h]
	delete(p.held, h)
	for _, name := range names {
		p.tags[name].used--
	}
	for _, name := range names {
		if _, limited := p.limits[name]; limited || p.tags[name] != nil && p.tags[name].own > 0 {
			granted = p.grant(name, granted)
		} else {
			p.prune(name) // nobody waits for this tag
		}
	}
	return granted
}

// releaseRun gives back whatever a run that has ended still held.
func (p *permits) releaseRun(run store.RunID) {
	p.releaseIf(run, func(holder) bool { return true })
}

// loaded gives back what a run held or waited for in the name of attempts that need it no more, or not yet, as the store
// has it: the change that took or gave the permits may have been written and reported as failed, or the other way round.
// A step that is still to begin keeps what it was granted while its run was not in memory.
func (p *permits) loaded(id store.RunID, r *instance.Run) {
	p.releaseIf(id, func(h holder) bool {
		s := &r.Steps[h.step]
		return s.Number != h.attempt || s.Status < instance.WaitingForPermits || s.Status > instance.Finishing
	})
}

func (p *permits) releaseIf(run store.RunID, gone func(holder) bool) {
	p.mu.Lock()
	var granted []holder
	for _, h := range slices.Collect(maps.Keys(p.byRun[run])) {
		if gone(h) {
			granted = p.drop(h, granted)
		}
	}
	p.mu.Unlock()
	p.tell(granted)
}

func (p *permits) tell(granted []holder) {
	for _, h := range granted {
		p.wake(h)
	}
}
