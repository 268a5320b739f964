package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"maestro/internal/step"
	"maestro/internal/store"
)

// clock is the time of an engine, in epoch milliseconds. It is the machine's clock, but no duration rests on that being
// right: between two looks at it time passes as the monotonic clock says, and when the machine's clock turns out to have
// been set, every run that is older goes on by the time that it began with. Only runs that are started later have the new
// one. So a sleep of six seconds takes six seconds, and a timeout of an hour comes after an hour, whatever happens to the
// clock, while new runs show the time that everybody else has.
//
// What was set, and since which run, is kept in the store, so that it holds after a restart, too. A clock that was set
// back while no engine ran is known by the time that the last one wrote down. One that was set forward then looks like the
// time in which nothing ran: that counts.
type clock struct {
	wall  func() time.Time // the machine's clock
	start time.Time        // whose monotonic reading time is counted from
	state atomic.Pointer[setting]
}

// setting is what the clock knows of the machine's one. It is immutable.
type setting struct {
	base  int64 // engine time at start, in nanoseconds
	turns []turn
}

// turn is one time that the machine's clock was set. Turns are in order.
type turn struct {
	From store.RunID `json:"from_run"` // runs from this one on began afterwards
	By   int64       `json:"by"`       // milliseconds; below 0: back
	At   int64       `json:"at"`       // engine time afterwards
}

const (
	// slack is how much the clocks may differ before the machine's counts as set. What is less is corrected at the next start.
	slack = time.Second
	// maxTurns is how many turns are remembered. Runs from before the oldest see it as time that has passed.
	maxTurns = 100
)

func newClock(wall func() time.Time) *clock {
	if wall == nil {
		wall = time.Now
	}
	c := &clock{wall: wall, start: time.Now()}
	c.state.Store(&setting{base: wall().UnixNano()})
	return c
}

// now returns the time of what begins now.
func (c *clock) now() int64 { return c.state.Load().now(c.start) }

func (s *setting) now(start time.Time) int64 {
	return (s.base + int64(time.Since(start))) / int64(time.Millisecond)
}

// of returns the time of a run: that which its records carry and its timers go by.
func (c *clock) of(id store.RunID) int64 {
	s := c.state.Load()
	return s.now(c.start) - s.lag(id)
}

// lag returns by how much the time of a run is behind that of what begins now.
func (c *clock) lag(id store.RunID) int64 { return c.state.Load().lag(id) }

func (s *setting) lag(id store.RunID) (by int64) {
	for i := len(s.turns) - 1; i >= 0 && s.turns[i].From > id; i-- {
		by += s.turns[i].By
	}
	return by
}

// settled returns a time that is not later than what is certain: a clock that was set forward must have been so for as
// long before anything is deleted for its age.
func (c *clock) settled(after time.Duration) int64 {
	s := c.state.Load()
	now := s.now(c.start)
	sure := now
	for _, t := range s.turns {
		if t.By > 0 && now-t.At < after.Milliseconds() {
			sure -= t.By
		}
	}
	return sure
}

// dated makes the times of an attempt, which are its run's, those of this process: settings of the machine's clock do not
// move them.
func (c *clock) dated(a *step.Attempt, id store.RunID) {
	lasts := a.Deadline.Sub(a.Started)
	a.Started = time.Now().Add(a.Started.Sub(time.UnixMilli(c.of(id))))
	a.Deadline = a.Started.Add(lasts)
}

// follow looks at the machine's clock. If that was set it returns by how much; from is then the first run that goes by it.
func (c *clock) follow(from func() store.RunID) (by time.Duration) {
	s := c.state.Load()
	by = (time.Duration(c.wall().UnixNano()-s.base) - time.Since(c.start)).Truncate(time.Millisecond)
	if by.Abs() < slack {
		return 0
	}
	next := &setting{base: s.base + int64(by)}
	t := turn{From: from(), By: by.Milliseconds(), At: next.now(c.start)}
	next.turns = bounded(append(s.turns[:len(s.turns):len(s.turns)], t))
	c.state.Store(next)
	return by
}

// The record in which an engine keeps what it knows of time.
const (
	clockKind = "engine"
	clockKey  = "clock"
)

// keptTime is its value.
type keptTime struct {
	Last  int64  `json:"last"` // engine time when it was written
	Turns []turn `json:"turns,omitempty"`
}

// record returns what is to be kept.
func (c *clock) record() store.Record {
	s := c.state.Load()
	value, _ := json.Marshal(keptTime{Last: s.now(c.start), Turns: s.turns}) // numbers: cannot fail
	return store.Record{Kind: clockKind, Key: clockKey, Value: value}
}

// open goes on where the last engine on this store was, whose newest run is given, and sees to it that new ids are above
// all that were given. It returns by how much the clock was set back meanwhile.
func (c *clock) open(ctx context.Context, records store.Records, newest store.RunID, g *ids) (back time.Duration, err error) {
	value, err := records.Record(ctx, clockKind, clockKey)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, fmt.Errorf("read the engine's clock: %w", err)
	}
	var k keptTime
	if err != nil || json.Unmarshal(value, &k) != nil {
		k = keptTime{Last: millisOf(newest)} // the best that is known
	}
	g.above(newest)
	for _, t := range k.Turns {
		g.above(t.From)
	}
	s := c.state.Load()
	if behind := k.Last - c.now(); behind > slack.Milliseconds() {
		back = time.Duration(behind) * time.Millisecond
		k.Turns = append(k.Turns, turn{From: g.next(), By: -behind, At: c.now()})
	}
	c.state.Store(&setting{base: s.base, turns: bounded(k.Turns)})
	return back, nil
}

// bounded drops the oldest turns if there are too many.
func bounded(turns []turn) []turn { return turns[max(len(turns)-maxTurns, 0):] }

// Now returns the engine's time, in epoch milliseconds.
func (e *Engine) Now() int64 { return e.clock.now() }

// SettledNow is Now for those who delete what is old: a machine's clock that was set forward is not believed for a day.
func (e *Engine) SettledNow() int64 { return e.clock.settled(24 * time.Hour) }

// openClock reads what the store knows of time.
func (e *Engine) openClock(ctx context.Context) error {
	newest, err := e.store.Newest(ctx)
	if err != nil {
		return fmt.Errorf("read the newest run: %w", err)
	}
	back, err := e.clock.open(ctx, e.store, newest, &e.ids)
	if back > 0 {
		e.log.Warn("the clock of this machine was set back since the last start; runs that are under way go on by the time that they began with", "by", back)
	}
	return err
}

// keepTime looks whether the machine's clock was set, and writes down what time it is.
func (e *Engine) keepTime() {
	groups := e.held()
	for _, g := range groups { // the times of their wakers are the engine's
		g.waker.mu.Lock()
	}
	by := e.clock.follow(e.ids.next)
	for _, g := range groups {
		g.waker.shiftLocked(by.Milliseconds())
		g.waker.mu.Unlock()
	}
	if by != 0 {
		e.log.Warn("the clock of this machine was set; runs that are under way go on by the time that they began with", "by", by)
	}
	if err := e.store.PutRecords(e.ctx, e.clock.record()); err != nil {
		e.log.Debug("the time could not be written down", "error", err)
	}
}
