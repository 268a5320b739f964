package sqlite

import (
	"context"
	"errors"
	"time"

	"maestro/internal/store"
)

// again is the time between two attempts to do what has failed.
const again = time.Second

// reserve is how much room there must be in the log, or on the disk for it, until a disk that was full counts as one
// that is not: small commits go in where larger ones do not.
const reserve = 1 << 20

// Ready returns nil when the store can be written as far as it knows, or a *store.Unavailable. Whatever fails a write
// makes it unready, until a write that it tries by itself succeeds. It waits for nothing but the directory's disk.
func (s *Store) Ready() error {
	if s.place != nil {
		if err := s.place.check(); err != nil {
			return err
		}
	}
	if u := s.trouble.Load(); u != nil {
		return u
	}
	return nil
}

// note takes down how a write has ended. It is called by who has the connection that writes.
func (s *Store) note(err error) {
	u, ok := errors.AsType[*store.Unavailable](err)
	if !ok {
		return
	}
	if errors.Is(u, store.ErrFull) {
		s.cramped.Store(true)
	}
	if errors.Is(u, store.ErrFenced) || errors.Is(u, errBroken) {
		s.fault = u
	} else if s.place == nil {
		return // in memory the only trouble is a limit, and nobody looks whether it is over
	}
	s.trouble.Store(u)
	select {
	case s.troubled <- struct{}{}:
	default:
	}
}

// watch finds out when trouble is over.
func (s *Store) watch() {
	for {
		select {
		case <-s.closed:
			return
		case <-s.troubled:
		}
		for !s.probe() {
			select {
			case <-s.closed:
				return
			case <-time.After(again):
			}
		}
	}
}

// probe writes something, and reports whether there is nothing left to wait for.
func (s *Store) probe() bool {
	ctx := context.Background()
	c, err := s.acquire(ctx)
	if err != nil {
		return !errors.Is(err, store.ErrLocked)
	}
	defer s.release(c)
	u := s.trouble.Load()
	if u == nil {
		return true
	}
	err = s.transact(ctx, c, func() error {
		if errors.Is(u, store.ErrFull) {
			used := logHeader + s.frames.Load()*(pageSize+24) // nobody else makes the log longer during a transaction
			if err := extend(s.path+logSuffix, used+reserve); err != nil {
				return err
			}
		}
		// SQLite does not write a page that is the same as before; it does when it has been another one meanwhile.
		for _, sql := range [...]string{"UPDATE journal_floor SET pos = pos + 1", "UPDATE journal_floor SET pos = pos - 1"} {
			if err := c.exec(sql); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return s.fault != nil
	}
	s.trouble.Store(nil)
	return true
}
