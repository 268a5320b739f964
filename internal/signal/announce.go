package signal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"maestro/internal/store"
)

// Announce announces one signal and returns its instance once it is durable. When there is one with its id already,
// the error is ErrAnnounced and the instance is the one that was refused, numbered 0.
func (b *Board) Announce(ctx context.Context, a *Announcement) (*Instance, error) {
	for attempt := 0; ; attempt++ {
		now := b.cfg.Now()
		r, err := b.Reserve(ctx, []*Announcement{a}, now)
		if err != nil {
			return nil, err
		}
		i := r.Instances[0]
		if i.Seq == 0 {
			return i, ErrAnnounced
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
	Instances []*Instance

	b       *Board
	slots   []*slot
	topics  []*topic
	records []store.Record
}

// Records must be written in the transaction that the reservation is for.
func (r *Reservation) Records() []store.Record { return r.records }

// Reserve gives numbers to announcements that are about to be written. It may wait for announcements of the same id by
// others that are on their way; since everybody takes names in the same order, nobody waits in a circle.
func (b *Board) Reserve(ctx context.Context, list []*Announcement, now int64) (*Reservation, error) {
	r := &Reservation{Instances: make([]*Instance, len(list)), b: b}
	order := make([]int, len(list))
	for i, a := range list {
		order[i] = i
		r.Instances[i] = &Instance{
			Name: a.Name, ID: a.identity(), Params: a.Params, Payload: a.Payload, Requested: cmp.Or(a.Requested, now), Created: now,
		}
	}
	slices.SortStableFunc(order, func(i, k int) int {
		x, y := r.Instances[i], r.Instances[k]
		return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.ID, y.ID))
	})
	for n, k := range order {
		i := r.Instances[k]
		if n > 0 {
			if before := r.Instances[order[n-1]]; before.Name == i.Name && before.ID == i.ID {
				continue
			}
		}
		if err := r.reserve(ctx, i); err != nil {
			r.Settle(errNeverWritten)
			return nil, fmt.Errorf("announce signal %q: %w", i.Name, err)
		}
	}
	return r, nil
}

// reserve gives an instance its number, unless its id is taken.
func (r *Reservation) reserve(ctx context.Context, i *Instance) error {
	for {
		t, err := r.b.locked(ctx, i.Name)
		if err != nil {
			return err
		}
		if k := slices.IndexFunc(t.pending, func(s *slot) bool { return s.instance.ID == i.ID && (!s.settled || s.durable) }); k >= 0 {
			s := t.pending[k]
			t.mu.Unlock()
			select {
			case <-s.done:
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-r.b.ctx.Done():
				return ErrClosed
			}
			if s.durable {
				return nil
			}
			continue
		}
		taken, err := r.b.taken(ctx, t, i.ID)
		if err != nil || taken {
			t.mu.Unlock()
			return err
		}
		t.last++
		i.Seq = t.last
		s := &slot{instance: i, done: make(chan struct{})}
		t.pending = append(t.pending, s)
		r.slots, r.topics = append(r.slots, s), append(r.topics, t)
		r.records = append(r.records, records(i, t.subs > 0)...)
		t.mu.Unlock()
		return nil
	}
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

// Refused tells an error that says that nothing was written from one after which nobody knows. It knows the store's own.
func refused(err error) bool {
	return errors.Is(err, errNeverWritten) || errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrFull)
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
			r.b.work.Go(func() { r.b.inquire(t, s) })
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
			b.settle(t, s, false) // the process ends; the next one reads what there is
			return
		}
	}
}

// settle notes what became of a number, and tells of all instances that are next in order.
func (b *Board) settle(t *topic, s *slot, durable bool) {
	type call struct {
		w Waiter
		i *Instance
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
		if t.subs > 0 && b.heard != nil {
			b.heard(next.instance)
		}
		t.waiters.Find(next.instance.Params, func(w Waiter) { calls = append(calls, call{w, next.instance}) })
	}
	if !durable && s.instance.Seq == t.last && len(t.pending) == 0 {
		t.last--
	}
	t.mu.Unlock()
	for _, c := range calls {
		if b.claim(c.w) {
			b.cfg.Wake(c.w, c.i)
		}
	}
}
