package board

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"maestro/api"
	"maestro/internal/signal"
	"maestro/internal/store"
)

// Announce announces one signal and returns its instance once it is durable. When there is one with its id already,
// the error is api.Conflict and the instance is the one that was refused, numbered 0.
func (b *Board) Announce(ctx context.Context, a *signal.Announcement) (*signal.Instance, error) {
	for attempt := 0; ; attempt++ {
		now := b.cfg.Now()
		r, err := b.Reserve(ctx, []*signal.Announcement{a}, now)
		if err != nil {
			return nil, err
		}
		i := r.Instances[0]
		if i.Seq == 0 {
			return i, api.Errorf(api.Conflict, "Signal instance [%s] already exists. If needed, please set a different request_id to announce it again", i.AppendJSON(nil))
		}
		err = b.cfg.Commit(a.Name, r.Records(), now)
		if r.Settle(err); err == nil {
			return i, nil
		}
		if !errors.Is(err, store.ErrExists) || attempt == 3 {
			return nil, fmt.Errorf("announce signal %q: %w", a.Name, err)
		}
		// Somebody else writes the name, too: settling has made us read it again.
	}
}

// Reservation is a set of announcements with their numbers, on its way to the store. It must be settled.
type Reservation struct {
	// Instances are what the announcements make, in their order. One that is there already, or twice in the set, has the
	// number 0.
	Instances []*signal.Instance

	b       *Board
	slots   []*slot
	topics  []*topic
	records []store.Record
}

// Records must be written in the transaction that the reservation is for.
func (r *Reservation) Records() []store.Record { return r.records }

// Reserve gives numbers to announcements that are about to be written, in their order. It may wait for announcements of the
// same id by others that are on their way; since everybody takes names in the same order, and each name at once, nobody
// waits in a circle.
func (b *Board) Reserve(ctx context.Context, list []*signal.Announcement, now int64) (*Reservation, error) {
	r := &Reservation{Instances: make([]*signal.Instance, len(list)), b: b}
	byName := make(map[string][]*signal.Instance, len(list))
	for k, a := range list {
		i := &signal.Instance{
			Name: a.Name, ID: a.Identity(), Params: a.Params, Payload: a.Payload, Requested: cmp.Or(a.Requested, now), Created: now,
		}
		r.Instances[k] = i
		same := func(o *signal.Instance) bool { return o.ID == i.ID }
		if !slices.ContainsFunc(byName[i.Name], same) {
			byName[i.Name] = append(byName[i.Name], i)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if err := r.reserve(ctx, name, byName[name]); err != nil {
			r.Settle(errNeverWritten)
			return nil, fmt.Errorf("announce signal %q: %w", name, err)
		}
	}
	return r, nil
}

// reserve gives the instances of one name their numbers, but for those whose id is taken.
func (r *Reservation) reserve(ctx context.Context, name string, list []*signal.Instance) error {
	for {
		t, err := r.b.locked(ctx, name)
		if err != nil {
			return err
		}
		s := t.underway(list)
		if s == nil {
			err := r.number(ctx, t, list)
			t.mu.Unlock()
			return err
		}
		t.mu.Unlock()
		select {
		case <-s.done: // its id is free now, or taken
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.b.ctx.Done():
			return api.Errorf(api.Unavailable, "the server is stopping")
		}
	}
}

// underway returns a number that is on its way to the store with the id of one of the instances.
func (t *topic) underway(list []*signal.Instance) *slot {
	for _, s := range t.pending {
		if !s.settled && slices.ContainsFunc(list, func(i *signal.Instance) bool { return i.ID == s.instance.ID }) {
			return s
		}
	}
	return nil
}

func (r *Reservation) number(ctx context.Context, t *topic, list []*signal.Instance) error {
	for _, i := range list {
		taken, err := r.b.taken(ctx, t, i.ID)
		if err != nil {
			return err
		}
		if taken {
			continue
		}
		t.last++
		i.Seq = t.last
		s := &slot{instance: i, done: make(chan struct{})}
		t.pending = append(t.pending, s)
		r.slots, r.topics = append(r.slots, s), append(r.topics, t)
		r.records = append(r.records, records(i, t.subs > 0)...)
	}
	return nil
}

// taken reports whether an instance with this id is durable.
func (b *Board) taken(ctx context.Context, t *topic, id string) (bool, error) {
	if t.last == 0 {
		return false, nil
	}
	_, err := b.cfg.Reader.Record(ctx, kindID, idKey(t.name, id))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

var errNeverWritten = errors.New("signal: never written")

// refused tells an error that says that nothing was written from one after which nobody knows. It knows the store's own.
func refused(err error) bool {
	return errors.Is(err, errNeverWritten) || store.Unwritten(err)
}

// Settle says what became of the transaction. When that is not known, the store is asked until it answers.
func (r *Reservation) Settle(err error) {
	for k, s := range r.slots {
		t := r.topics[k]
		switch {
		case err == nil:
			r.b.settle(t, s, true)
		case refused(err):
			if errors.Is(err, store.ErrExists) {
				t.mu.Lock()
				t.loaded = false
				t.mu.Unlock()
			}
			r.b.settle(t, s, false)
		default:
			if !r.b.later(func() { r.b.inquire(t, s) }) {
				r.b.settle(t, s, false) // the process ends; the next one reads what there is
			}
		}
	}
	r.slots = nil
}

// inquire finds out whether an instance was written after all.
func (b *Board) inquire(t *topic, s *slot) {
	for delay := 10 * time.Millisecond; ; delay = min(2*delay, 5*time.Second) {
		i, err := get(b.ctx, b.cfg.Reader, t.name, s.instance.Seq)
		if err == nil {
			b.settle(t, s, i != nil && i.ID == s.instance.ID)
			return
		}
		select {
		case <-time.After(delay):
		case <-b.ctx.Done():
			b.settle(t, s, false)
			return
		}
	}
}

// settle notes what became of a number, and tells of all instances that are next in order.
func (b *Board) settle(t *topic, s *slot, durable bool) {
	type call struct {
		w Waiter
		i *signal.Instance
	}
	var calls []call
	t.mu.Lock()
	s.settled, s.durable = true, durable
	close(s.done)
	for len(t.pending) > 0 && t.pending[0].settled {
		next := t.pending[0]
		t.pending = slices.Delete(t.pending, 0, 1)
		if !next.durable {
			continue
		}
		t.durable = next.instance.Seq
		if t.subs > 0 && b.heard != nil {
			b.heard(next.instance)
		}
		t.waiters.Find(next.instance.Params, func(w Waiter) { calls = append(calls, call{w, next.instance}) })
	}
	t.giveBack()
	t.mu.Unlock()
	for _, c := range calls {
		if b.claim(c.w) {
			b.cfg.Wake(c.w, c.i)
		}
	}
}

// giveBack lets numbers at the end that came to nothing be given out again.
func (t *topic) giveBack() {
	for n := len(t.pending) - 1; n >= 0 && t.pending[n].settled && !t.pending[n].durable; n-- {
		t.pending = t.pending[:n]
	}
	if t.last = t.durable; len(t.pending) > 0 {
		t.last = max(t.last, t.pending[len(t.pending)-1].instance.Seq)
	}
}
