package shell

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

var errStopped = errors.New("stopped while it waited")

// slots bounds how many attempts run at a time. Others wait in the order in which they came, and so many wait at most.
// An attempt that several callers care for takes one slot.
type slots struct {
	max, maxWaiting int

	mu    sync.Mutex
	held  map[string]int // attempt → callers
	queue []*waiter
}

type waiter struct {
	uuid  string
	ready chan error
}

// acquire takes a slot, or waits for one. With force it never waits.
func (s *slots) acquire(ctx context.Context, uuid string, force bool) error {
	w, err := s.enter(uuid, force)
	if w == nil {
		return err
	}
	return s.wait(ctx, w)
}

// enter takes a slot, or a place in the queue for one, to be waited for.
func (s *slots) enter(uuid string, force bool) (*waiter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if force || s.held[uuid] > 0 || len(s.held) < s.max && len(s.queue) == 0 {
		s.held[uuid]++
		return nil, nil
	}
	if len(s.queue) >= s.maxWaiting {
		return nil, fmt.Errorf("%d shell steps run on this server and %d wait, which is as many as it takes (shell.max_concurrent is %d)", len(s.held), len(s.queue), s.max)
	}
	w := &waiter{uuid: uuid, ready: make(chan error, 1)}
	s.queue = append(s.queue, w)
	return w, nil
}

// wait waits for the slot of a waiter. It leaves the queue when ctx ends.
func (s *slots) wait(ctx context.Context, w *waiter) error {
	select {
	case err := <-w.ready:
		return err
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.queue, w); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
	} else if <-w.ready == nil { // it was our turn at the same moment
		s.releaseLocked(w.uuid)
	}
	return ctx.Err()
}

// what names what acquire waits for.
func (s *slots) what() string {
	return fmt.Sprintf("one of %d places of shell steps (shell.max_concurrent)", s.max)
}

// release gives back what acquire took.
func (s *slots) release(uuid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releaseLocked(uuid)
}

func (s *slots) releaseLocked(uuid string) {
	if s.held[uuid]--; s.held[uuid] <= 0 {
		delete(s.held, uuid)
	}
	for len(s.queue) > 0 && (len(s.held) < s.max || s.held[s.queue[0].uuid] > 0) {
		w := s.queue[0]
		s.queue = slices.Delete(s.queue, 0, 1)
		s.held[w.uuid]++
		w.ready <- nil
	}
}

// drop sends away all who wait for this attempt.
func (s *slots) drop(uuid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = slices.DeleteFunc(s.queue, func(w *waiter) bool {
		if w.uuid != uuid {
			return false
		}
		w.ready <- errStopped
		return true
	})
}
