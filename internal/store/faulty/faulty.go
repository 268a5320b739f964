// Package faulty breaks a store on purpose: a write can fail, be applied and fail all the same, come late, or be the
// last thing the process does. Which of these happens is decided by a function of the test, so that a run with the same
// decisions is the same run. It is for crash tests and the simulator of the engine, and never part of a program.
package faulty

import (
	"context"
	"errors"
	"sync"
	"time"

	"maestro/internal/store"
)

// ErrDead is returned by every method of a store that has died.
var ErrDead = errors.New("faulty: the process is dead")

// Write is a write that is about to happen.
type Write struct {
	N       int            // of the write, from 1
	Method  string         // of store.Store, such as "Commit"
	Changes []store.Change // of a Commit
}

// First returns what the write's first change says of its first run, and nothing of any run where there is none.
func (w Write) First() store.RunChange {
	if len(w.Changes) == 0 || len(w.Changes[0].Runs) == 0 {
		return store.RunChange{}
	}
	return w.Changes[0].Runs[0]
}

// Fault is what happens to a write. The zero value is that nothing does.
type Fault struct {
	Delay time.Duration // waited before anything else
	Err   error         // not nil: what the caller gets
	Apply bool          // the write happens all the same; without Err or Die it always does
	Die   bool          // the process dies: this call and all later ones return ErrDead
}

// Store is a store that can break. Wrapped stays as it is when the store dies, as a database does, and can be wrapped
// again for the process that comes after.
type Store struct {
	store.Store // the wrapped one; calling it directly goes around the faults

	plan func(Write) Fault // called by one goroutine at a time

	mu     sync.Mutex
	writes int
	dead   bool
}

var _ store.Store = (*Store)(nil)

// New wraps s. plan, if not nil, is asked about every write.
func New(s store.Store, plan func(Write) Fault) *Store {
	return &Store{Store: s, plan: plan}
}

// Die has the process die now, between two writes.
func (s *Store) Die() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
}

// Close implements store.Store. A dead process closes nothing.
func (s *Store) Close() error {
	if s.alive() != nil {
		return nil
	}
	return s.Store.Close()
}

// alive returns ErrDead unless the process lives.
func (s *Store) alive() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return ErrDead
	}
	return nil
}

// next decides about a write.
func (s *Store) next(method string, changes []store.Change) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return Fault{Die: true}
	}
	s.writes++
	var f Fault
	if s.plan != nil {
		f = s.plan(Write{N: s.writes, Method: method, Changes: changes})
	}
	if f.Die {
		s.dead, f.Err = true, ErrDead
	}
	if f.Err == nil {
		f.Apply = true
	}
	return f
}

// write is a write that returns a value.
func write[T any](ctx context.Context, s *Store, method string, apply func() (T, error)) (v T, err error) {
	f := s.next(method, nil)
	if err := wait(ctx, f.Delay); err != nil {
		return v, err
	}
	if f.Apply {
		if v, err = apply(); err != nil {
			return v, err
		}
	}
	if f.Err == nil && s.alive() != nil {
		f.Err = ErrDead
	}
	if f.Err != nil {
		var none T
		return none, f.Err
	}
	return v, nil
}

// read is a read that returns a value.
func read[T any](s *Store, get func() (T, error)) (v T, err error) {
	if err := s.alive(); err != nil {
		return v, err
	}
	if v, err = get(); err == nil {
		err = s.alive()
	}
	return v, err
}

// wait sleeps unless the context ends.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Commit implements store.Runs. A fault is that of all changes.
func (s *Store) Commit(ctx context.Context, changes []store.Change) []error {
	f := s.next("Commit", changes)
	var errs []error
	err := wait(ctx, f.Delay)
	if err == nil && f.Apply {
		errs = s.Store.Commit(ctx, changes)
	}
	if err == nil {
		err = f.Err
	}
	if err == nil {
		err = s.alive()
	}
	if err == nil {
		return errs
	}
	errs = make([]error, len(changes))
	for i := range errs {
		errs[i] = err
	}
	return errs
}
