package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"maestro/internal/store"
)

// slowDisk is a store whose transactions take until the test says. A change of an odd run fails.
type slowDisk struct {
	store.Runs
	begun chan []store.Change
	wait  chan struct{}
}

var errOdd = errors.New("an odd run")

func (d *slowDisk) Commit(_ context.Context, changes []store.Change) []error {
	d.begun <- append([]store.Change(nil), changes...)
	<-d.wait
	errs := make([]error, len(changes))
	for i := range changes {
		if changes[i].Runs[0].ID%2 == 1 {
			errs[i] = errOdd
		}
	}
	return errs
}

func changeOf(run store.RunID) store.Change {
	return store.Change{Runs: []store.RunChange{{ID: run}}}
}

// inCommitter runs a test in a bubble, with a committer that stops when the test calls stop.
func inCommitter(t *testing.T, test func(t *testing.T, c *committer, d *slowDisk, stop func())) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &slowDisk{begun: make(chan []store.Change), wait: make(chan struct{})}
		c := newCommitter(d, 1_000_000)
		ctx, stop := context.WithCancel(context.Background())
		go c.run(ctx)
		test(t, c, d, stop)
		stop()
		synctest.Wait()
		if err := c.commit(changeOf(2)); !errors.Is(err, errStopping) {
			t.Errorf("a committer that has ended says %v", err)
		}
	})
}

// TestCommitter_Answers has thousands of changes wait: each gets the answer that is its own, once.
func TestCommitter_Answers(t *testing.T) {
	inCommitter(t, func(t *testing.T, c *committer, d *slowDisk, _ func()) {
		const n = 3*maxBatch + 7
		answers := make(chan struct {
			run store.RunID
			err error
		}, n)
		for i := range n {
			go func() {
				run := store.RunID(i)
				err := c.commit(changeOf(run))
				answers <- struct {
					run store.RunID
					err error
				}{run, err}
			}()
		}
		synctest.Wait() // one batch is on its way, the others wait
		for written := 0; written < n; {
			batch := <-d.begun
			if written += len(batch); len(batch) > maxBatch {
				t.Errorf("%d changes in one transaction", len(batch))
			}
			d.wait <- struct{}{}
			synctest.Wait()
			if len(answers) > written {
				t.Fatalf("%d answers after %d changes", len(answers), written)
			}
		}
		for range n {
			if a := <-answers; (a.run%2 == 1) != errors.Is(a.err, errOdd) || a.run%2 == 0 && a.err != nil {
				t.Errorf("change of run %d is answered with %v", a.run, a.err)
			}
		}
	})
}

// TestCommitter_Order hands over changes one after the other, while a transaction is on its way: they are written in that
// order.
func TestCommitter_Order(t *testing.T) {
	inCommitter(t, func(t *testing.T, c *committer, d *slowDisk, _ func()) {
		for i := range 20 {
			go c.commit(changeOf(store.RunID(2 * i)))
			synctest.Wait()
		}
		next := store.RunID(0)
		for next < 40 {
			for _, ch := range <-d.begun {
				if ch.Runs[0].ID != next {
					t.Errorf("change %d is written, want %d", ch.Runs[0].ID, next)
				}
				next += 2
			}
			d.wait <- struct{}{}
		}
	})
}

// TestCommitter_Close stops a committer while changes wait: they are written.
func TestCommitter_Close(t *testing.T) {
	inCommitter(t, func(t *testing.T, c *committer, d *slowDisk, stop func()) {
		// One comes in the moment in which the committer has found nothing to write and is about to end.
		late := make(chan error, 1)
		c.mu.Lock()
		stop()
		go func() { late <- c.commit(changeOf(2)) }()
		c.mu.Unlock()
		select {
		case batch := <-d.begun:
			if len(batch) != 1 {
				t.Errorf("%d changes", len(batch))
			}
			d.wait <- struct{}{}
			if err := <-late; err != nil {
				t.Errorf("a change that was taken is answered with %v", err)
			}
		case err := <-late:
			if !errors.Is(err, errStopping) {
				t.Errorf("a change that was not taken is answered with %v", err)
			}
		}
		// What waits when it is asked whether it may end keeps it from that.
		last := newCommitter(d, 10)
		last.waiting = append(last.waiting, &commit{done: make(chan error, 1)})
		if last.close() {
			t.Error("it ends while a change waits")
		}
	})
}
