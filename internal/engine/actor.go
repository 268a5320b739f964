package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"maestro/api"
	"maestro/internal/inflight"
	"maestro/internal/instance"
	"maestro/internal/signal/board"
	"maestro/internal/store"
)

// item is an event on its way to a run. done, if any, is called by the actor once the event and all that followed from
// it is durable, or with the reason why it is not going to be. It must not block, and must not keep r.
type item struct {
	event instance.Event
	done  func(r *instance.Run, acted instance.Acted, err error)
	until *until // not nil: done is called later

	acted   instance.Acted
	refusal error // why the run took no notice of it; told once what it rests on is durable
}

// until makes a caller wait for what its event leads to.
type until struct {
	ctx     context.Context // ends when the caller waits no more
	reached func(r *instance.Run, acted instance.Acted) bool
}

// actor owns one run in memory. Its goroutine alone touches run, seq and the fields after them.
type actor struct {
	e  *Engine
	id store.RunID

	mu    sync.Mutex
	inbox []item
	gone  bool          // has left memory; events must find another actor
	nudge chan struct{} // one slot, carries nothing

	resting bool        // nothing happens, and no goroutine waits for it: whoever posts an event starts one
	alarm   *time.Timer // wakes one that rests when something is due; nil before the first rest

	run      *instance.Run
	group    *group // nil before the run is loaded
	seq      int64  // entries written
	wake     int64  // as stored in the row, in the engine's time
	created  bool   // the row exists
	row      *store.Run
	records  []instance.Record
	effects  []instance.Effect
	buffer   []byte
	taken    []item
	open     unanswered
	reserved *board.Reservation // of the pass under way
	callers  []item             // who wait for what their events lead to, which are durable
	outside  int                // attempts whose runtime may report
	origin   inflight.Mark      // what is evaluated until the row exists
	with     []store.Record     // to be written with the row
	waiting  map[int]struct{}   // steps that were registered as waiting for signals
	busy     time.Time          // when something happened last
	played   []instance.Event   // with Engine.observe: the events and answers of the pass under way
}

// observer is told of each pass that was stored: how many entries there were before it, what happened in it, and its
// entry. Tests play passes again.
type observer func(a *actor, before int64, played []instance.Event, entry []byte)

// maxInbox is how many events may wait for a run before requests are turned away. Reports are not: each is about an
// attempt that this engine began.
const maxInbox = 1000

// post hands an event over. It reports false when the actor has left memory.
func (a *actor) post(it item) bool {
	a.mu.Lock()
	if a.gone {
		a.mu.Unlock()
		return false
	}
	if it.done != nil && len(a.inbox) >= maxInbox {
		a.mu.Unlock()
		it.done(nil, it.acted, api.Errorf(api.TooManyRequests, "%d events wait for the run, which is the limit", maxInbox))
		return true
	}
	if a.resting {
		if !a.rouseLocked() {
			a.mu.Unlock()
			return false
		}
		go a.loop()
	}
	a.inbox = append(a.inbox, it)
	a.mu.Unlock()
	select {
	case a.nudge <- struct{}{}:
	default:
	}
	return true
}

// loop owns the run until it ends, has nothing to do in memory, rests, or the engine stops.
func (a *actor) loop() {
	defer a.e.actors.Done()
	defer func() {
		if p := recover(); p != nil {
			a.poisoned(&panicError{value: p, stack: debug.Stack()})
		}
	}()
	if a.run == nil {
		if !a.load() {
			return
		}
	} else if err := a.recollect(); err != nil {
		a.lost(err)
		return
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		for a.drain() {
			if !a.process() {
				return
			}
		}
		wait, leave := a.patience()
		if leave && a.leave() {
			return
		}
		if wait > restAfter && time.Since(a.busy) >= restAfter && a.rest(wait) {
			return
		}
		timer.Reset(min(wait, restAfter))
		select {
		case <-a.nudge:
		case <-timer.C:
		case <-a.group.gone:
			a.abandon(a.group.lost())
			return
		case <-a.e.stopping:
			a.abandon(errStopping)
			return
		}
	}
}

// drain takes what is in the inbox, and whatever is due.
func (a *actor) drain() bool {
	a.mu.Lock()
	a.taken, a.inbox = append(a.taken, a.inbox...), a.inbox[:0]
	a.mu.Unlock()
	if now := a.e.clock.of(a.id); a.due(now) {
		a.taken = append(a.taken, item{event: instance.Wake{At: now}})
	}
	return len(a.taken) > 0 || a.open.any() && !time.Now().Before(a.open.again)
}

// nextWake is the run's NextWake in the engine's time, as its row has it.
func (a *actor) nextWake() int64 {
	next := a.run.NextWake()
	if next != 0 {
		next += a.e.clock.lag(a.id)
	}
	return next
}

func (a *actor) due(now int64) bool {
	next := a.run.NextWake()
	return next != 0 && next <= now
}

// patience returns how long to wait for the next event, and whether to leave memory instead.
func (a *actor) patience() (time.Duration, bool) {
	if a.run.Own.Terminal() || a.run.Status == instance.Created {
		return 0, true
	}
	wait := a.e.cfg.IdleAfter - time.Since(a.busy)
	if len(a.callers) > 0 { // the run stays until they are answered
		a.answerCallers()
		wait = max(wait, soon)
	}
	if a.open.any() { // and until its questions are
		return max(time.Until(a.open.again), 0), false
	}
	if wait <= 0 {
		return 0, true
	}
	next := a.run.NextWake()
	if next != 0 {
		until := time.Duration(next-a.e.clock.of(a.id)) * time.Millisecond
		if a.outside == 0 && until > soon && len(a.callers) == 0 {
			return 0, true
		}
		wait = min(wait, max(until, 0))
	}
	return wait, false
}

// soon is how far away a timer must be for a run that waits for nothing else to leave memory.
const soon = 200 * time.Millisecond

// leave removes the actor from memory unless an event has come in. The waker brings the run back.
func (a *actor) leave() bool {
	a.answerCallers()
	a.mu.Lock()
	if len(a.inbox) > 0 || len(a.callers) > 0 {
		a.mu.Unlock()
		return false
	}
	a.gone = true
	a.mu.Unlock()
	a.e.forget(a)
	if next := a.run.NextWake(); next != 0 {
		a.group.waker.add(next, a.id)
	}
	return true
}

// process applies what was taken, writes the change, and performs the effects. It reports false when the actor is done
// for: its state is not to be trusted any more, or the engine stops.
func (a *actor) process() bool {
	items := a.taken
	a.records, a.effects = a.records[:0], a.effects[:0]
	pass := a.e.cfg.Guard.Enter(a.mark())
	err := a.play(items)
	pass.Leave()
	if _, ok := errors.AsType[*panicError](err); ok {
		a.settle(store.ErrStale) // nothing was written
		a.poisoned(err)
		return false
	}
	if err == nil {
		err = a.commit()
	}
	a.settle(err)
	if err != nil {
		a.lost(err)
		return false
	}
	for i := range items {
		switch it := &items[i]; {
		case it.done == nil:
		case it.until != nil && it.refusal == nil:
			a.callers = append(a.callers, *it)
		default:
			it.done(a.run, it.acted, it.refusal)
		}
		items[i] = item{}
	}
	a.taken = a.taken[:0]
	a.answerCallers()
	a.perform()
	clear(a.records) // they hold data that is in the journal now
	a.busy = time.Now()
	return true
}

// play makes the events, and the answers to what is asked because of them, part of the run.
func (a *actor) play(items []item) error {
	if err := a.askAgain(); err != nil {
		return err
	}
	for i := range items {
		it := &items[i]
		it.acted, it.refusal = a.apply(it.event)
		if _, ok := errors.AsType[*panicError](it.refusal); ok {
			return it.refusal
		}
	}
	return a.number()
}

// apply makes one event part of the run and keeps its records and effects for the commit.
func (a *actor) apply(ev instance.Event) (acted instance.Acted, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	answer := a.answer
	if a.e.observe != nil {
		a.played = append(a.played, ev)
		answer = func(ask instance.Ask) instance.Event {
			found := a.answer(ask)
			if found != nil {
				a.played = append(a.played, found)
			}
			return found
		}
	}
	pass, err := a.run.Play(ev, answer)
	a.records = append(a.records, pass.Records...)
	a.effects = append(a.effects, pass.Effects...)
	return pass.Acted, err
}

// answerCallers answers those who wait no longer, or for what has come.
func (a *actor) answerCallers() {
	a.callers = slices.DeleteFunc(a.callers, func(it item) bool {
		switch {
		case it.until.ctx.Err() != nil:
			it.done(nil, it.acted, context.Cause(it.until.ctx))
		case a.run.Own.Terminal() || it.until.reached(a.run, it.acted):
			it.done(a.run, it.acted, nil)
		default:
			return false
		}
		return true
	})
}

// panicError is a panic of the pure core: a broken invariant of one run.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprint(e.value) }

// commit makes the records durable. Nothing to write is nothing to wait for.
func (a *actor) commit() error {
	if len(a.records) == 0 {
		return a.correctWake()
	}
	at := a.records[len(a.records)-1].At
	ch := store.RunChange{ID: a.id, Seq: a.seq + 1, At: at}
	ch.Entry, ch.Snapshot = a.run.Append(a.buffer[:0], a.records)
	a.buffer = ch.Entry
	records := a.reservedRecords()
	next := a.nextWake()
	switch {
	case !a.created:
		a.row.Status, a.row.Ended, a.row.Wake = uint8(a.run.Status), a.ended(), next
		ch.Insert = a.row
		records = append(records, a.with...)
	case a.run.Own.Terminal():
		ch.Update = &store.Update{Status: uint8(a.run.Status), Ended: a.ended()}
	case next != 0 && (a.wake == 0 || next < a.wake || a.wake <= at+a.e.clock.lag(a.id)) || a.statusChanged():
		// A wake that is stored too early wakes a run for nothing, once; one that is too late would be a lost timer.
		ch.Update = &store.Update{Status: uint8(a.run.Status), Wake: next}
	}
	whole := store.Change{Group: a.group.id, Epoch: a.group.epoch.Load(), Records: records}
	if err := a.e.committer.commitPatiently(whole, ch, a.patient); err != nil {
		return err
	}
	if a.e.observe != nil {
		a.e.observe(a, a.seq, a.played, a.buffer)
		a.played = nil
	}
	a.seq++
	a.created, a.row, a.with = true, nil, nil
	if ch.Insert != nil || ch.Update != nil {
		a.wake = next
	}
	a.e.hub.tell(a.id)
	return nil
}

// correctWake stores when the run is really due, if the stored time has passed and nothing was due: else the sweep would
// load it again and again.
func (a *actor) correctWake() error {
	next := a.nextWake()
	if !a.created || a.wake == 0 || a.wake > a.e.clock.now() || next <= a.wake {
		return nil
	}
	err := a.e.committer.commitPatiently(store.Change{Group: a.group.id, Epoch: a.group.epoch.Load()}, store.RunChange{
		ID: a.id, Update: &store.Update{Status: uint8(a.run.Status), Wake: next},
	}, a.patient)
	if err == nil {
		a.wake = next
	}
	return err
}

// patient reports whether nobody waits for an answer of the run, so that its change can wait for the store.
func (a *actor) patient() bool {
	asked := func(it item) bool { return it.done != nil }
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.e.isStopping() && !slices.ContainsFunc(a.taken, asked) && !slices.ContainsFunc(a.inbox, asked)
}

func (a *actor) ended() int64 {
	if a.run.Own.Terminal() {
		return a.run.Ended
	}
	return 0
}

func (a *actor) statusChanged() bool {
	for i := range a.records {
		if a.records[i].Kind == instance.KindRunStatus {
			return true
		}
	}
	return false
}

// load brings the run into memory. A run that cannot be loaded is set aside: it is retried while the store is at fault,
// and failed with the reason when its own data is.
func (a *actor) load() bool {
	for delay := 10 * time.Millisecond; ; delay = min(2*delay, 5*time.Second) {
		pass := a.e.cfg.Guard.Enter(inflight.Run(a.id, -1))
		run, row, err := a.e.loadRun(a.e.ctx, a.id, false)
		pass.Leave()
		switch {
		case err == nil:
			g := a.e.group(row.Group)
			if g == nil || !g.adopt(a) {
				a.abandon(fmt.Errorf("%w: this node does not hold the lease of group %d", store.ErrStale, row.Group))
				return false
			}
			a.run, a.seq, a.wake, a.group, a.created = run, row.Entries, row.Wake, g, true
			a.e.permits.loaded(a.id, run)
			a.e.outputs.loaded(a.id, run)
			if run.Own.Terminal() { // its last change may have been written and reported as failed: then nobody else tells
				a.e.ended(run.Internal, a.id, run.Status)
			}
			if !run.Own.Terminal() && run.Status != instance.Created {
				a.taken = append(a.taken, item{event: instance.Resumed{At: a.e.clock.of(a.id)}})
			}
			return true
		case errors.Is(err, store.ErrNotFound): // deleted, with its workflow
			a.abandon(err)
			return false
		case errors.Is(err, errDamaged):
			a.e.log.Error("run cannot be loaded and is failed", "run", int64(a.id), "error", err)
			a.abandon(err)
			a.e.later(func() { a.e.failDamaged(a.id, err) })
			return false
		}
		level := slog.LevelWarn
		if errors.Is(err, instance.ErrNewer) { // nobody waits for what may last until another program runs
			if a.refuse(err); delay > 10*time.Millisecond {
				level = slog.LevelDebug
			}
		}
		a.e.log.Log(a.e.ctx, level, "run cannot be loaded, trying again", "run", int64(a.id), "error", err)
		select {
		case <-time.After(delay):
		case <-a.e.stopping:
			a.abandon(errStopping)
			return false
		}
	}
}

// refuse answers those who wait, of a run that stays in memory. Reports are kept.
func (a *actor) refuse(err error) {
	a.mu.Lock()
	waiting := a.inbox
	a.inbox = nil
	for _, it := range waiting {
		if it.done == nil {
			a.inbox = append(a.inbox, it)
		}
	}
	a.mu.Unlock()
	for _, it := range waiting {
		if it.done != nil {
			it.done(nil, it.acted, err)
		}
	}
}

// lost is called when a change was refused or its fate is unknown. What is in memory may be ahead of the store, so it is
// dropped, and a new actor starts from what the store has. Callers are told; reports of runtimes go to the new actor.
func (a *actor) lost(err error) {
	again := a.gather(err, true)
	if !a.created || a.e.isStopping() {
		return // nobody has been promised anything about a run that is not there
	}
	a.e.notWritten(a.run, err)
	a.e.later(func() {
		select {
		case <-time.After(reloadAfter): // a store in trouble, or that refuses all we write, is not hammered
		case <-a.e.stopping:
		}
		a.e.deliver(a.id, again...)
	})
}

// notWritten tells the log that changes are refused or fail: once a second, not once for each of the thousands of runs
// that a full disk or a lost lease concerns at the same time.
func (e *Engine) notWritten(r *instance.Run, err error) {
	e.log.Debug("change not written, loading the run again", "run", r.Identity(), "error", err)
	n, now, last := e.unwritten.Add(1), e.clock.now(), e.warned.Load()
	if now-last >= 1000 && e.warned.CompareAndSwap(last, now) {
		e.unwritten.Add(-n)
		e.log.Warn("changes were not written, their runs are loaded again", "changes", n, "one_of_them", r.Identity(), "error", err)
	}
}

const reloadAfter = 100 * time.Millisecond

// abandon leaves memory and refuses what is in the inbox.
func (a *actor) abandon(err error) { a.gather(err, false) }

// gather takes the actor out of memory, answers those who wait, and returns the reports that nobody would make again.
func (a *actor) gather(err error, keep bool) (again []item) {
	a.mu.Lock()
	a.gone = true
	items := append(a.taken, a.inbox...)
	a.taken, a.inbox = nil, nil
	a.mu.Unlock()
	a.e.forget(a)
	for _, it := range a.callers { // what they asked for is durable, and what it leads to is not known here any more
		it.done(nil, it.acted, errOutOfSight)
	}
	a.callers = nil
	for _, it := range items {
		if it.done != nil {
			it.done(nil, it.acted, err)
		} else if keep && it.event != nil {
			if _, resumed := it.event.(instance.Resumed); !resumed {
				again = append(again, it)
			}
		}
	}
	return again
}

// poisoned ends a run that the pure core panicked over, from its last good state, so that no other run is hurt.
func (a *actor) poisoned(cause error) {
	var p *panicError
	errors.As(cause, &p)
	if a.run == nil {
		a.e.log.Error("run cannot be loaded", "run", int64(a.id), "error", cause, "stack", string(p.stack))
		a.abandon(cause)
		return
	}
	a.e.log.Error("run broke an invariant and is failed", "run", a.run.Identity(), "error", cause, "stack", string(p.stack))
	a.gather(fmt.Errorf("run %s broke an invariant: %w", a.run.Identity(), cause), false)
	if a.created { // else its caller withdraws it
		a.e.later(func() { a.e.breakRun(a.id, cause) })
	}
}
