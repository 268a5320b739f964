package trigger

import (
	"context"
	"slices"
	"time"

	"maestro/api"
	"maestro/internal/catalog"
	"maestro/internal/signal"
	"maestro/internal/store"
	"maestro/spec"
)

// draft is what a change of a workflow is about to make of its subscriptions. Between the moment in which the change reads
// where its signals stand and the one in which it is durable, instances of those signals are kept back for it.
type draft struct {
	workflow string
	at       int64
	made     time.Time
	names    []string // signals of come
	come     []*subscription
	gone     []*subscription
}

// patience is how long a draft is believed in. A change that takes longer than that is caught up with when it is told of.
const patience = 5 * time.Minute

// Subscribe returns the records by which a change of a workflow changes what it is subscribed to (spec 5.3): triggers that
// come into effect begin after the newest instance of each of their signals, those that stay keep where they stand, and
// all others go.
func (s *Signals) Subscribe(ctx context.Context, c catalog.Change) ([]store.Record, error) {
	id := workflowOf(c)
	want := effective(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discardLocked(s.drafts[id])
	d := &draft{workflow: id, at: c.At, made: time.Now()}
	var records []store.Record
	stay := make(map[string]bool)
	for order, t := range want {
		uuid := catalog.SignalTriggerID(t)
		if stay[uuid] || slices.ContainsFunc(d.come, func(sub *subscription) bool { return sub.uuid == uuid }) {
			s.discardLocked(d)
			return nil, api.Errorf(api.BadRequest, "workflow [%s] has the same signal trigger twice", id)
		}
		if s.subs[id][uuid] != nil && c.Before != nil {
			stay[uuid] = true
			continue
		}
		sub := newSubscription(id, uuid, c.At, t)
		sub.order = order
		for i := range sub.signals {
			var err error
			if sub.checkpoints[i], err = s.cfg.Board.Subscribe(ctx, sub.signals[i].name); err != nil {
				s.discardLocked(d)
				return nil, err
			}
			d.names = append(d.names, sub.signals[i].name)
			s.tentative[sub.signals[i].name]++
		}
		d.come = append(d.come, sub)
		records = append(records, sub.record())
	}
	for _, sub := range s.subs[id] {
		if !stay[sub.uuid] {
			d.gone = append(d.gone, sub)
			records = append(records, sub.goneRecords()...)
		}
	}
	s.drafts[id] = d
	return records, nil
}

func workflowOf(c catalog.Change) string {
	if c.After != nil {
		return c.After.ID
	}
	return c.Before.ID
}

// effective returns the triggers that are in effect after a change.
func effective(c catalog.Change) []*spec.SignalTrigger {
	if c.After == nil || c.ActiveAfter == nil {
		return nil
	}
	if p := c.After.Snapshot; p != nil && p.Properties.SignalTriggerDisabled.Or(false) {
		return nil
	}
	w := c.ActiveAfter.Workflow
	out := make([]*spec.SignalTrigger, len(w.SignalTriggers))
	for i := range w.SignalTriggers {
		out[i] = &w.SignalTriggers[i]
	}
	return out
}

// Changed tells that a change is durable: its draft comes into effect.
func (s *Signals) Changed(c catalog.Change) {
	id := workflowOf(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.drafts[id]
	if d == nil || d.at != c.At {
		s.enqueue(task{workflow: id}) // it took too long: the store tells
		return
	}
	for _, sub := range d.gone {
		if !sub.gone {
			s.removeLocked(sub)
		}
	}
	for _, sub := range d.come {
		sub.fresh = true
		s.addLocked(sub)
		s.enqueue(task{catchUp: sub})
	}
	s.discardLocked(d)
}

// discardLocked forgets a draft and lets go of what was kept back for it.
func (s *Signals) discardLocked(d *draft) {
	if d == nil {
		return
	}
	if s.drafts[d.workflow] == d {
		delete(s.drafts, d.workflow)
	}
	for _, name := range d.names {
		s.cfg.Board.Unsubscribe(name)
		if s.tentative[name]--; s.tentative[name] <= 0 {
			delete(s.tentative, name)
			if keys := s.held[name]; keys != nil {
				delete(s.held, name)
				s.enqueue(task{notes: keys})
			}
		}
	}
	d.names = nil
}

// expireLocked discards drafts of which nobody has told what became of them.
func (s *Signals) expireLocked() {
	for _, d := range s.drafts {
		if time.Since(d.made) > patience {
			s.discardLocked(d)
		}
	}
}

// addLocked puts a subscription into effect.
func (s *Signals) addLocked(sub *subscription) {
	if old := s.subs[sub.workflow][sub.uuid]; old != nil {
		s.removeLocked(old)
	}
	if s.subs[sub.workflow] == nil {
		s.subs[sub.workflow] = make(map[string]*subscription)
	}
	s.subs[sub.workflow][sub.uuid] = sub
	sub.handles = make([]signal.Handle, len(sub.signals))
	for i := range sub.signals {
		w := &sub.signals[i]
		s.cfg.Board.Mark(w.name)
		if w.never {
			continue
		}
		x := s.index[w.name]
		if x == nil {
			x = &signal.Index[place]{}
			s.index[w.name] = x
		}
		sub.handles[i] = x.Add(w.match, place{sub, i})
	}
}

// removeLocked takes a subscription out of effect.
func (s *Signals) removeLocked(sub *subscription) {
	sub.gone = true
	if of := s.subs[sub.workflow]; of[sub.uuid] == sub {
		if delete(of, sub.uuid); len(of) == 0 {
			delete(s.subs, sub.workflow)
		}
	}
	for i := range sub.signals {
		w := &sub.signals[i]
		s.cfg.Board.Unsubscribe(w.name)
		if x := s.index[w.name]; x != nil && !w.never {
			x.Remove(sub.handles[i])
			if x.Len() == 0 {
				delete(s.index, w.name)
			}
		}
	}
}
