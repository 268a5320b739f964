package engine

import (
	"strings"

	"maestro/internal/instance"
)

// need is one permit that a step must have.
type need struct {
	tag   string
	limit int64 // where none is configured for the tag; below 0: none
}

// derivedTag begins the names of tags that steps have without being given them.
const derivedTag = "maestro_"

// needs returns the permits that a step must have (spec/engine 17.1): one of its workflow where step_concurrency is set,
// one of its tree where instance_step_concurrency is, and one of each of its own tags, those of its job template
// included. A tag without a limit only counts who holds it, so that a limit that is set later knows.
//
// A workflow that sets no limits has none. The reference gives every workflow and every step 20 permits; see
// docs/deviations.md. Limits can be configured for their tags, maestro_<workflow> and maestro_<workflow>:<step>, too.
func (e *Engine) needs(r *instance.Run, step int) []need {
	var needs []need
	s := r.Plan.Nodes[step].Step
	perRun := r.StepLimit()
	configured := e.permits.limitsDerived()
	switch n := r.Header.StepConcurrency(); {
	case n > 0:
		needs = append(needs, need{derivedTag + r.WorkflowID, n})
	case configured && perRun == 0:
		needs = append(needs, need{derivedTag + r.WorkflowID, -1})
	}
	if configured && perRun == 0 {
		needs = append(needs, need{derivedTag + r.WorkflowID + ":" + string(s.ID), -1})
	}
	if perRun > 0 && s.IsLeaf() {
		needs = append(needs, need{derivedTag + r.CorrelationID(), perRun})
	}
	for _, t := range r.StepTags(step, &r.Steps[step].Attempt) {
		needs = append(needs, need{t.Name, -1})
	}
	return unique(needs)
}

// unique leaves out what is there already: a step holds one permit of a tag that it has twice.
func unique(needs []need) []need {
	out := needs[:0]
next:
	for _, n := range needs {
		for _, have := range out {
			if have.tag == n.tag {
				continue next
			}
		}
		out = append(out, n)
	}
	return out
}

// limitsDerived reports whether a limit is configured for any tag that steps have without being given it.
func (p *permits) limitsDerived() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.derived > 0
}

// LimitTag limits how many steps with the tag run at once, from now on: those that run go on, those that wait and may run
// now do. It is state of this process; who configures limits keeps them and tells them again after a restart, before Open.
func (e *Engine) LimitTag(name string, limit int64) { e.permits.configure(name, limit, true) }

// UnlimitTag takes the limit of a tag away.
func (e *Engine) UnlimitTag(name string) { e.permits.configure(name, 0, false) }

func (p *permits) configure(name string, limit int64, limited bool) {
	p.mu.Lock()
	_, was := p.limits[name]
	if limited {
		p.limits[name] = limit
	} else {
		delete(p.limits, name)
	}
	if strings.HasPrefix(name, derivedTag) && was != limited {
		if limited {
			p.derived++
		} else {
			p.derived--
		}
	}
	granted := p.grant(name, nil)
	p.mu.Unlock()
	p.tell(granted)
}

// TagUse returns how many steps hold a permit of the tag now, and how many wait for one.
func (e *Engine) TagUse(name string) (used, waiting int64) {
	e.permits.mu.Lock()
	defer e.permits.mu.Unlock()
	if t := e.permits.tags[name]; t != nil {
		used = t.used
		for _, h := range t.queue {
			if !e.permits.free([]need{e.permits.needOf(h, name)}) {
				waiting++
			}
		}
	}
	return used, waiting
}

// needOf returns what a step that waits needs of one tag.
func (p *permits) needOf(h holder, name string) need {
	for _, n := range p.waiting[h] {
		if n.tag == name {
			return n
		}
	}
	return need{name, -1}
}
