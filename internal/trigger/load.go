package trigger

import (
	"context"
	"errors"
	"fmt"

	"maestro/internal/signal/board"
	"maestro/internal/store"
)

// Load reads what was subscribed, and what was not done when the process ended. It is called before anything is announced.
func (s *Signals) Load(ctx context.Context) error {
	known := make(map[string]*subscription)
	err := s.scan(ctx, kindTrigger, "", func(r store.Record) error {
		if sub := s.decode(r); sub != nil {
			known[r.Key] = sub
		}
		return nil
	})
	if err == nil {
		err = s.scan(ctx, kindCheckpoint, "", func(r store.Record) error {
			if sub := known[r.Key]; sub != nil {
				sub.restore(r.Value)
			} else {
				s.enqueue(task{dead: []store.Record{{Kind: kindCheckpoint, Key: r.Key}}})
			}
			return nil
		})
	}
	if err == nil {
		err = s.scan(ctx, board.KindNews, "", func(r store.Record) error {
			name, seq := board.ParseNewsKey(r.Key)
			s.enqueue(task{name: name, seq: seq})
			return nil
		})
	}
	if err == nil {
		err = s.scan(ctx, kindFire, "", s.fire.load)
	}
	if err != nil {
		return fmt.Errorf("load signal triggers: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range known {
		if old := s.subs[sub.workflow][sub.uuid]; old == nil || old.at < sub.at {
			s.addLocked(sub)
		}
	}
	return nil
}

// scan calls f for every record of a kind, in order.
func (s *Signals) scan(ctx context.Context, kind, prefix string, f func(store.Record) error) error {
	const page = 500
	for after := ""; ; {
		rows, err := s.cfg.Reader.Scan(ctx, kind, prefix, after, page)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := f(r); err != nil {
				return err
			}
			after = r.Key
		}
		if len(rows) < page {
			return nil
		}
	}
}

// decode reads a subscription. One that cannot be read is left out and deleted.
func (s *Signals) decode(r store.Record) *subscription {
	sub, err := decodeSubscription(r.Value)
	if err != nil {
		s.cfg.Log.Error("signal trigger is dropped", "key", r.Key, "error", err)
		s.enqueue(task{dead: []store.Record{{Kind: kindTrigger, Key: r.Key}, {Kind: kindCheckpoint, Key: r.Key}}})
		return nil
	}
	return sub
}

// reload makes the subscriptions of a workflow what the store has. New ones may have missed instances, so that they are
// caught up with.
func (s *Signals) reload(workflow string) error {
	stored := make(map[string]*subscription)
	err := s.scan(s.ctx, kindTrigger, workflowPrefix(workflow), func(r store.Record) error {
		if sub := s.decode(r); sub != nil {
			stored[sub.uuid] = sub // of two, the later one: the other is about to go
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, sub := range stored {
		data, err := s.cfg.Reader.Record(s.ctx, kindCheckpoint, sub.key())
		if err == nil {
			sub.restore(data)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for uuid, sub := range s.subs[workflow] {
		if now := stored[uuid]; now == nil || now.at != sub.at {
			s.removeLocked(sub)
		}
	}
	for uuid, sub := range stored {
		if s.subs[workflow][uuid] == nil {
			sub.fresh = true
			s.addLocked(sub)
			s.enqueue(task{catchUp: sub})
		}
	}
	return nil
}
