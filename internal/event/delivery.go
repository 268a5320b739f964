package event

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path"
	"time"

	"maestro/internal/store"
)

// Watcher says when the journal grows. *engine.Engine is one.
type Watcher interface {
	// Watch returns a channel that gets a value soon after the run's journal has grown; run 0 means any run.
	Watch(run store.RunID) (grown <-chan struct{}, stop func())
}

// DeliveryConfig is what a Delivery works with.
type DeliveryConfig struct {
	Source    *Source
	Sink      Sink
	Records   store.Records
	Watcher   Watcher
	Workflows []string // ids of those whose events are wanted, with * for any text; empty: all
	Policy    Policy
	Log       *slog.Logger
}

// Delivery brings events to a sink. Run does the work, in one goroutine that owns all of its state and one for each
// event under way; everything else can be called from anywhere.
type Delivery struct {
	cfg    DeliveryConfig
	policy Policy
	log    *slog.Logger
	status status

	reader   *Reader
	lanes    *lanes
	busy     int         // events under way
	results  chan result // of those
	failures int         // of the reader, in a row
	readAt   time.Time   // when to read again
	ended    bool        // the reader has seen the end of the journal
	place    place       // what is stored of how far this is
}

// result is what became of an attempt.
type result struct {
	lane *lane
	err  error
}

// NewDelivery returns a delivery that does nothing before Run. An error says that a pattern of Workflows is wrong.
func NewDelivery(cfg DeliveryConfig) (*Delivery, error) {
	for _, p := range cfg.Workflows {
		if _, err := path.Match(p, ""); err != nil {
			return nil, fmt.Errorf("%q is not a workflow id or pattern: %w", p, err)
		}
	}
	d := &Delivery{cfg: cfg, policy: cfg.Policy.orDefaults(), log: cfg.Log.With("sink", cfg.Sink.Name())}
	d.results = make(chan result, d.policy.Parallel)
	d.place = place{records: cfg.Records, key: cfg.Sink.Name()}
	return d, nil
}

// wants reports whether events of a workflow are wanted.
func (d *Delivery) wants(workflow string) bool {
	for _, p := range d.cfg.Workflows {
		if ok, _ := path.Match(p, workflow); ok {
			return true
		}
	}
	return len(d.cfg.Workflows) == 0
}

const (
	readPause  = 20 * time.Millisecond  // between readings at the end of the journal, however fast it grows
	readSlice  = 100 * time.Millisecond // how long one reading may take
	patience   = 10                     // how often an entry that cannot be read is tried before it is passed over
	lastWrites = 2 * time.Second        // how long Run may take to store its place when it ends
)

// Run delivers events until ctx ends. It goes on where the last one with a sink of this name was; the first one begins
// with what comes now.
func (d *Delivery) Run(ctx context.Context) {
	grown, stop := d.cfg.Watcher.Watch(0)
	defer stop()
	from, err := d.place.load(ctx, d.cfg.Source, d.log)
	if err != nil {
		return // ctx has ended
	}
	var want func(string) bool
	if len(d.cfg.Workflows) > 0 {
		want = d.wants
	}
	d.reader, d.lanes = d.cfg.Source.Reader(from, want), newLanes(from)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		d.fill(ctx)
		d.lanes.wake(time.Now())
		d.dispatch(ctx)
		d.keep(ctx, false)
		if wait, ok := d.pause(); ok {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case r := <-d.results:
			d.settle(ctx, r)
		case <-grown:
			d.ended = false
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	for d.busy > 0 { // they have been told
		d.settle(ctx, <-d.results)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrites)
	defer cancel()
	d.keep(last, true)
}

// room returns how many more events to read, which are enough at a time to be worth it; 0: none.
func (d *Delivery) room() int {
	if n := d.policy.Window - len(d.lanes.window); n >= max(d.policy.Window/2, 1) {
		return n
	}
	return 0
}

// pause returns how long to wait for a result or for news at most; false: as long as it takes.
func (d *Delivery) pause() (next time.Duration, timed bool) {
	soonest := func(t time.Duration) {
		if !timed || t < next {
			next, timed = t, true
		}
	}
	if !d.ended && d.room() > 0 {
		soonest(time.Until(d.readAt))
	}
	if due, ok := d.place.due(); ok {
		soonest(time.Until(due))
	}
	if due, ok := d.lanes.due(); ok {
		soonest(time.Until(due))
	}
	return max(next, 0), timed
}

// fill reads events as long as there is room for them.
func (d *Delivery) fill(ctx context.Context) {
	if d.ended || d.room() == 0 || time.Now().Before(d.readAt) {
		return
	}
	d.ended = true // unless the journal grows from here on
	events, more, err := d.reader.Read(ctx, d.room(), time.Now().Add(readSlice))
	for i := range events {
		d.lanes.add(events[i])
	}
	if n := d.reader.TooOld(); n > 0 {
		d.status.skip(n)
		d.log.Warn("events were not delivered, they are older than events.retention", "journal_entries", n, "in_all", d.status.skipped.Load())
	}
	d.readAt = time.Now().Add(readPause)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		d.ended = false
		d.failures++
		d.readAt = time.Now().Add(d.policy.delay(d.failures, nil, 1))
		d.log.Warn("journal cannot be read, trying again", "after", d.reader.At().String(), "error", err)
		if d.failures >= patience {
			d.log.Error("journal entry is passed over, its events are lost", "after", d.reader.At().String(), "error", err)
			d.status.skip(1)
			d.reader.Skip()
			d.failures = 0
		}
	default:
		d.failures = 0
		if more {
			d.ended, d.readAt = false, time.Time{}
		}
	}
}

// dispatch sends what can be sent now.
func (d *Delivery) dispatch(ctx context.Context) {
	for d.busy < d.policy.Parallel && ctx.Err() == nil {
		lane := d.lanes.next()
		if lane == nil {
			return
		}
		l := lane.letters[0]
		switch {
		case l.doomed:
			d.bury(ctx, lane)
			continue
		case l.At < d.cfg.Source.horizon():
			d.status.skip(1)
			d.log.Warn("event was not delivered in time, it is older than events.retention", "event", l.Cursor.String(), "workflow", l.Workflow)
			d.lanes.finish(lane)
			continue
		}
		if l.attempts == 0 {
			l.first = time.Now()
		}
		l.attempts++
		attempt := l.attempts
		d.busy++
		go func() { d.results <- result{lane, d.send(ctx, &l.Event, attempt)} }()
	}
}

// send is one attempt. A panic of the sink is an error like others.
func (d *Delivery) send(ctx context.Context, e *Event, attempt int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sink broke down: %v", p)
		}
	}()
	return d.cfg.Sink.Send(ctx, e, attempt)
}

// settle takes note of what became of an attempt.
func (d *Delivery) settle(ctx context.Context, r result) {
	d.busy--
	l := r.lane.letters[0]
	l.last, l.err = time.Now(), r.err
	switch {
	case r.err == nil:
		d.status.delivered.Add(1)
		d.lanes.finish(r.lane)
	case ctx.Err() != nil: // interrupted; it goes again after the next start
	case d.policy.over(l, l.last, r.err):
		d.status.fail(r.err)
		l.doomed = true
		d.bury(ctx, r.lane)
	default:
		d.status.fail(r.err)
		wait := d.policy.delay(l.attempts, r.err, rand.Float64())
		if l.attempts == 3 || l.attempts == 10 { // before that it is hardly worth a line
			d.log.Warn("event not delivered, trying again", "event", l.Cursor.String(), "workflow", l.Workflow, "attempts", l.attempts,
				"in", wait.Round(time.Millisecond), "error", r.err)
		}
		d.lanes.wait(r.lane, l.last.Add(wait))
	}
}

// bury puts the first letter of a lane on the list of dead ones.
func (d *Delivery) bury(ctx context.Context, lane *lane) {
	l := lane.letters[0]
	if err := putDead(ctx, d.cfg.Records, d.cfg.Sink.Name(), l); err != nil {
		d.log.Warn("dead letter could not be stored, trying again", "event", l.Cursor.String(), "error", err)
		d.lanes.wait(lane, time.Now().Add(d.policy.MinDelay))
		return
	}
	d.status.dead.Add(1)
	d.log.Error("event given up and put on the list of dead letters", "event", l.Cursor.String(), "type", l.Type, "workflow", l.Workflow,
		"attempts", l.attempts, "error", l.err)
	d.lanes.finish(lane)
}

// keep stores how far everything before has been delivered, if it is time to.
func (d *Delivery) keep(ctx context.Context, now bool) {
	at := d.lanes.passed
	if len(d.lanes.window) == 0 {
		at = d.reader.At()
	}
	d.status.at(at, len(d.lanes.window))
	d.place.keep(ctx, at, now, d.log)
}
