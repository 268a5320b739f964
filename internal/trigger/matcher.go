package trigger

import (
	"cmp"
	"slices"
	"time"

	"maestro/internal/signal"
	"maestro/internal/signal/board"
	"maestro/internal/store"
)

// match is the matcher: it takes what waits, decides, writes all of it in one transaction, and only then lets runs be
// started. What cannot be read or written is tried again from the beginning, with the checkpoints as they were.
func (s *Signals) match() {
	var tasks []task
	for delay := time.Duration(0); ; {
		if len(tasks) == 0 {
			tasks = s.take()
		}
		if len(tasks) == 0 {
			select {
			case <-s.nudge:
				continue
			case <-s.ctx.Done():
				return
			}
		}
		b := &batch{s: s}
		err := b.run(tasks)
		if err == nil {
			err = b.commit()
		}
		if err == nil {
			s.fire.add(b.fires...)
			tasks, delay = nil, 0
			continue
		}
		b.undo()
		if s.ctx.Err() != nil {
			return
		}
		s.cfg.Log.Warn("signals cannot be matched, trying again", "error", err)
		delay = min(max(2*delay, s.cfg.Retry), time.Minute)
		select {
		case <-time.After(delay):
		case <-s.ctx.Done():
			return
		}
	}
}

// maxBatch is how many tasks one transaction deals with.
const maxBatch = 256

func (s *Signals) take() []task {
	s.inbox.Lock()
	defer s.inbox.Unlock()
	n := min(len(s.queue), maxBatch)
	out := slices.Clone(s.queue[:n])
	clear(s.queue[:n])
	s.taken = n
	if s.queue = s.queue[n:]; len(s.queue) == 0 {
		s.queue = nil
	}
	return out
}

// batch is what one transaction of the matcher does.
type batch struct {
	s       *Signals
	records []store.Record
	moved   map[*subscription][]int64 // checkpoints before the batch
	fresh   []*subscription           // that are not fresh any more
	fires   []*execution
}

func (b *batch) run(tasks []task) error {
	for i := range tasks {
		if err := b.do(&tasks[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) do(t *task) error {
	switch {
	case t.workflow != "":
		return b.s.reload(t.workflow)
	case t.catchUp != nil:
		return b.catchUp(t.catchUp)
	case t.notes != nil:
		for _, key := range t.notes {
			b.records = append(b.records, store.Record{Kind: board.KindNews, Key: key})
		}
		return nil
	case t.dead != nil:
		b.records = append(b.records, t.dead...)
		return nil
	}
	return b.instance(t)
}

// instance matches one instance with all triggers that want its signal (spec 5.4).
func (b *batch) instance(t *task) error {
	if t.instance == nil {
		i, err := b.s.cfg.Board.Instance(b.s.ctx, t.name, t.seq)
		if err != nil {
			return err
		}
		t.instance = i
	}
	key := board.NewsKey(t.name, t.seq)
	var found []place
	hold := false
	b.s.mu.Lock()
	if b.s.expireLocked(); b.s.tentative[t.name] > 0 {
		hold = true
		if !t.held {
			b.s.held[t.name] = append(b.s.held[t.name], key)
			t.held = true
		}
	}
	if x := b.s.index[t.name]; x != nil && t.instance != nil {
		x.Find(t.instance.Params, func(p place) { found = append(found, p) })
	}
	b.s.mu.Unlock()
	slices.SortFunc(found, func(p, q place) int {
		return cmp.Or(cmp.Compare(p.sub.workflow, q.sub.workflow), cmp.Compare(p.sub.order, q.sub.order), cmp.Compare(p.sub.uuid, q.sub.uuid), cmp.Compare(p.n, q.n))
	})
	for _, p := range found {
		if err := b.catchUp(p.sub); err != nil {
			return err
		}
		if err := b.complete(p, t.instance); err != nil {
			return err
		}
	}
	if !hold {
		b.records = append(b.records, store.Record{Kind: board.KindNews, Key: key})
	}
	return nil
}

// catchUp matches a fresh subscription with all instances that came after it was made.
func (b *batch) catchUp(sub *subscription) error {
	if !sub.fresh {
		return nil
	}
	sub.fresh = false
	b.fresh = append(b.fresh, sub)
	for n := range sub.signals {
		w := &sub.signals[n]
		for after := sub.checkpoints[n]; !w.never; {
			i, err := b.s.cfg.Board.Oldest(b.s.ctx, w.name, after, w.match)
			if err != nil {
				return err
			}
			if i == nil {
				break
			}
			if err := b.complete(place{sub, n}, i); err != nil {
				return err
			}
			after = i.Seq
		}
	}
	return nil
}

// complete looks whether an instance, which meets the matches of its signal, makes a trigger complete. If so, the trigger
// has used the instances it was completed with, and a run is to be started.
func (b *batch) complete(p place, i *signal.Instance) error {
	sub := p.sub
	if sub.checkpoints[p.n] >= i.Seq {
		return nil
	}
	values, ok := joinValues(&sub.signals[p.n], i)
	if !ok {
		return nil
	}
	seqs := make([]int64, len(sub.signals))
	for n := range sub.signals {
		if n == p.n {
			seqs[n] = i.Seq
			continue
		}
		w := &sub.signals[n]
		if w.never {
			return nil
		}
		match := slices.Clone(w.match)
		for k, param := range w.joins {
			match = append(match, signal.Match{Param: param, Op: signal.Equal, Value: values[k]})
		}
		other, err := b.s.cfg.Board.Oldest(b.s.ctx, w.name, sub.checkpoints[n], match)
		if err != nil || other == nil {
			return err
		}
		seqs[n] = other.Seq
	}
	if b.moved == nil {
		b.moved = make(map[*subscription][]int64)
	}
	if _, ok := b.moved[sub]; !ok {
		b.moved[sub] = slices.Clone(sub.checkpoints)
	}
	copy(sub.checkpoints, seqs)
	b.fires = append(b.fires, b.s.fire.execution(sub, seqs))
	return nil
}

// joinValues returns the values by which an instance is joined with those of the other signals; false when it lacks one.
func joinValues(w *wanted, i *signal.Instance) ([]signal.Value, bool) {
	values := make([]signal.Value, len(w.joins))
	for k, name := range w.joins {
		v, ok := i.Params.Get(name)
		if !ok {
			return nil, false
		}
		values[k] = v
	}
	return values, true
}

// commit writes what the batch decided.
func (b *batch) commit() error {
	b.s.mu.Lock()
	for sub := range b.moved {
		if !sub.gone {
			b.records = append(b.records, sub.checkpointRecord())
		}
	}
	b.s.mu.Unlock()
	for _, x := range b.fires {
		b.records = append(b.records, x.record())
	}
	if len(b.records) == 0 {
		return nil
	}
	return b.s.cfg.Commit("", b.records)
}

// undo puts the checkpoints back.
func (b *batch) undo() {
	for sub, checkpoints := range b.moved {
		copy(sub.checkpoints, checkpoints)
	}
	for _, sub := range b.fresh {
		sub.fresh = true
	}
}
