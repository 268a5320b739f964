package sqlite

import (
	"context"
	"errors"
	"fmt"

	"maestro/internal/store"
)

// Commit implements store.Runs.
//
// All changes go into one transaction. It first reads what the guards need (the epochs of the groups, and for each run
// that is not new whether it exists and which entry is its last), decides in memory which changes are stale, and then
// writes everything else with one statement per table and 64 rows, however many changes these belong to. Nothing can have
// changed in between: the transaction holds the write lock from its beginning.
//
// What can still fail is a key that is taken. Then the transaction is rolled back and made again with each change under
// its own savepoint, which finds the guilty one; that is slow, and rare.
func (s *Store) Commit(ctx context.Context, changes []store.Change) []error {
	errs := make([]error, len(changes))
	if len(changes) == 0 {
		return errs
	}
	c, err := s.acquire(ctx)
	if err == nil {
		err = s.commit(ctx, c, changes, errs)
		s.release(c)
	}
	if err != nil {
		err = wrap(ctx, "commit", err)
		for i := range errs {
			if errs[i] == nil {
				errs[i] = err
			}
		}
	}
	return errs
}

// commit is Commit on connection c. Its error is that of all changes without one in errs.
func (s *Store) commit(ctx context.Context, c *conn, changes []store.Change, errs []error) error {
	b := &s.batch
	b.reset(c, s.pos, changes, errs)
	err := s.transact(ctx, c, b.together)
	if errors.Is(err, errConflict) {
		clear(errs)
		b.reset(c, s.pos, changes, errs)
		err = s.transact(ctx, c, b.oneByOne)
	}
	if err == nil {
		s.pos = b.pos
	}
	b.forget()
	return err
}

// errConflict says that some change of the batch is refused by what is stored; which one is not known.
var errConflict = errors.New("sqlite: conflict")

// batch is the work of one Commit. Its buffers are used again by the next one.
type batch struct {
	c       *conn
	pos     int64 // of the newest journal entry
	changes []store.Change
	errs    []error // one for each change

	epochs map[int32]int64          // of the groups concerned
	runs   map[store.RunID]runState // of the runs concerned, as of the changes looked at so far
	former []formerState            // of the runs of the change looked at last
	newest map[store.RunID]int      // where in picked a run is

	ids    []store.RunID      // runs to look up
	ok     []int              // changes that are not refused
	parts  []*store.RunChange // their parts, in order
	picked []*store.RunChange // those of parts that a statement is about
}

// runState is what the guards know of a run.
type runState struct {
	exists bool
	last   int64 // Seq of its newest entry
}

// formerState is what was known of a run before a change.
type formerState struct {
	id    store.RunID
	known bool
	state runState
}

// keep is up to how many runs a batch keeps the room for: clearing what a very large commit has left would slow down all
// later ones.
const keep = 4096

// reset prepares for a transaction.
func (b *batch) reset(c *conn, pos int64, changes []store.Change, errs []error) {
	b.c, b.pos, b.changes, b.errs = c, pos, changes, errs
	if b.epochs == nil || len(b.runs) > keep {
		b.epochs = map[int32]int64{}
		b.runs = map[store.RunID]runState{}
		b.newest = map[store.RunID]int{}
	}
	clear(b.epochs)
	clear(b.runs)
}

// forget drops what belongs to the caller.
func (b *batch) forget() {
	b.c, b.changes, b.errs = nil, nil, nil
	if cap(b.parts) > keep {
		b.parts, b.picked = nil, nil
	}
	clear(b.parts[:cap(b.parts)])
	clear(b.picked[:cap(b.picked)])
}

// together applies all changes, or returns errConflict.
func (b *batch) together() error {
	if err := b.readEpochs(); err != nil {
		return err
	}
	err := b.apply(0, len(b.changes))
	if isRefusal(err) {
		return errConflict
	}
	return err
}

// oneByOne applies the changes each under a savepoint, so that one that is refused leaves no trace.
func (b *batch) oneByOne() error {
	if err := b.readEpochs(); err != nil {
		return err
	}
	for i := range b.changes {
		if err := b.c.exec("SAVEPOINT change"); err != nil {
			return err
		}
		pos := b.pos
		err := b.apply(i, i+1)
		if isRefusal(err) {
			b.errs[i] = refusal(err)
			b.pos = pos
			b.restore()
			err = b.c.exec("ROLLBACK TO change")
		}
		if err != nil {
			return err
		}
		if err := b.c.exec("RELEASE change"); err != nil {
			return err
		}
	}
	return nil
}

// apply writes the changes from first to last-1, but for those that are stale. Table by table it comes to the same as
// change by change: what a change makes of a run rests on the state of the run that guard has followed up to it.
func (b *batch) apply(first, last int) error {
	if err := b.lookUp(first, last); err != nil {
		return err
	}
	b.guard(first, last)
	for _, write := range [...]func() error{b.insertRuns, b.insertEntries, b.markSnapshots, b.updateRuns, b.putRecords} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

// isRefusal says whether an error is about one change rather than about the database.
func isRefusal(err error) bool { return errors.Is(err, store.ErrExists) || isData(err) }

// refusal makes it the error that the change gets.
func refusal(err error) error {
	if errors.Is(err, store.ErrExists) || isConstraint(err) {
		return store.ErrExists
	}
	return fmt.Errorf("sqlite: commit: %w", err)
}
