package engine_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
)

// wallClock is the machine's clock, which somebody sets.
type wallClock struct{ off atomic.Int64 } // nanoseconds

func (w *wallClock) now() time.Time { return time.Now().Add(time.Duration(w.off.Load())) }

func (w *wallClock) set(off time.Duration) { w.off.Store(int64(off)) }

const day = 24 * time.Hour

// settings of the clock that tests go through.
var clockSettings = map[string]time.Duration{"back": -day, "forward": day, "back a year": -365 * day, "forward a year": 365 * day}

// timers are workflows each of which waits for something else, and what becomes of it after how long. An Http-like step
// that answers nothing stands for all work outside.
var timers = []struct {
	id, steps string
	after     time.Duration
	want      instance.RunStatus
}{
	{"timeout", `{"step":{"id":"s","type":"Shell","timeout":5}}`, 5 * time.Second, instance.RunTimedOut},
	{"short-sleep", `{"step":{"id":"s","type":"Sleep","timeout":5,"params":{"sleep_seconds":{"type":"LONG","value":8}}}}`, 5 * time.Second, instance.RunTimedOut},
	{"sleep", `{"step":{"id":"s","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":6}}}}`, 6 * time.Second, instance.RunSucceeded},
	{"retry", `{"step":{"id":"bad","type":"Shell","retry_policy":{"error_retry_limit":1,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":7}}}}`, 7 * time.Second, instance.RunFailed},
	{"long", `{"step":{"id":"s","type":"Shell","timeout":3600}}`, time.Hour, instance.RunTimedOut},
}

// clockLab is a lab whose clock is set, with a run for each timer.
type clockLab struct {
	*lab
	wall  wallClock
	cfg   engine.Config
	runs  []engine.Started
	begun time.Time
}

func newClockLab(l *lab) *clockLab {
	c := &clockLab{lab: l}
	c.cfg = engine.Config{Wall: c.wall.now}
	l.work.onStart = func(a *step.Attempt, r step.Reporter) {
		if a.StepID == "bad" {
			r.Report(step.Report{State: step.UserError})
		}
	}
	for _, w := range timers {
		l.push(w.id, parallel, w.steps)
	}
	return c
}

func (c *clockLab) begin(e *engine.Engine) {
	c.begun = time.Now()
	for _, w := range timers {
		c.runs = append(c.runs, c.start(e, w.id))
	}
	idle()
}

// follow checks that each run ends when its time has come by a watch in somebody's hand, not sooner, and at most late
// after it.
func (c *clockLab) follow(late time.Duration) {
	c.t.Helper()
	for i, w := range timers {
		if soon := time.Until(c.begun.Add(w.after - 20*time.Millisecond)); soon > 0 {
			time.Sleep(soon)
			idle()
			if got := instance.RunStatus(c.row(c.runs[i]).Status); got != instance.InProgress {
				c.t.Errorf("%s is %s before %s have passed", w.id, got, w.after)
			}
		}
		time.Sleep(time.Until(c.begun.Add(w.after + late)))
		idle()
		if got := instance.RunStatus(c.row(c.runs[i]).Status); got != w.want {
			c.t.Errorf("%s is %s after %s, want %s", w.id, got, w.after+late, w.want)
		}
	}
	c.judge() // journals are in the order of time
}

// TestClockIsSet sets the machine's clock while steps sleep, may time out or wait for their next attempt. They take as long
// as they say; runs that are started afterwards have the new time.
func TestClockIsSet(t *testing.T) {
	for name, by := range clockSettings {
		for _, idleAfter := range []time.Duration{10 * time.Millisecond, time.Hour} { // leaving memory, and staying
			t.Run(fmt.Sprint(name, ", idle after ", idleAfter), func(t *testing.T) {
				inLab(t, func(t *testing.T, l *lab) {
					c := newClockLab(l)
					c.cfg.IdleAfter = idleAfter
					e, _ := c.open(c.cfg, nil)
					time.Sleep(time.Second)
					c.begin(e)
					before := c.row(c.runs[0])
					time.Sleep(500 * time.Millisecond)
					c.wall.set(by)
					time.Sleep(3500 * time.Millisecond) // in which the engine looks at the clock
					started := c.start(e, "sleep")
					later := c.row(started)
					if got, want := later.Created, c.wall.now().UnixMilli(); got != want {
						t.Errorf("a run that is started later is of %s, want %s", time.UnixMilli(got), time.UnixMilli(want))
					}
					if later.ID <= before.ID {
						t.Errorf("run %d was given its id after run %d", later.ID, before.ID)
					}
					c.follow(50 * time.Millisecond)
					if n := c.disk.Loads(c.row(c.runs[len(timers)-1]).ID); n > 20 { // not at every sweep of an hour
						t.Errorf("the run that waits for an hour was loaded %d times", n)
					}
					if got, want := instance.RunStatus(c.row(started).Status), instance.RunSucceeded; got != want {
						t.Errorf("the run that was started later is %s, want %s", got, want)
					}
					c.close(e)
				})
			})
		}
	}
}

// TestClockIsSetAtRestart sets the clock back while no engine runs, and after it was set while one did: what was waited for
// comes when the rest of its time has passed.
func TestClockIsSetAtRestart(t *testing.T) {
	for name, by := range map[string][2]time.Duration{
		"back between":              {0, -day},
		"back before":               {-day, -day},
		"forward before":            {day, day},
		"forward, then back":        {day, 0},
		"back before, more between": {-day, -10 * day},
	} {
		for _, crash := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", crash ", crash), func(t *testing.T) {
				inLab(t, func(t *testing.T, l *lab) {
					c := newClockLab(l)
					e, s := c.open(c.cfg, nil)
					time.Sleep(time.Second)
					c.begin(e)
					c.wall.set(by[0])
					time.Sleep(3400 * time.Millisecond)
					if crash {
						c.crash(e, s)
					} else {
						c.close(e)
					}
					c.wall.set(by[1])
					e, _ = c.open(c.cfg, nil)
					newer := c.row(c.start(e, "sleep"))
					if old := c.row(c.runs[0]); newer.ID <= old.ID {
						t.Errorf("run %d was given its id after run %d", newer.ID, old.ID)
					}
					if got, want := newer.Created, c.wall.now().UnixMilli(); got != want {
						t.Errorf("a run that is started later is of %s, want %s", time.UnixMilli(got), time.UnixMilli(want))
					}
					c.follow(4 * time.Second) // at most what had not been written down
					c.close(e)
				})
			})
		}
	}
}

// TestDeadlinesOutside tells runtimes when an attempt times out, on the machine's clock or rather in this process.
func TestDeadlinesOutside(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		c := newClockLab(l)
		var left, lasts time.Duration
		l.work.onStart = func(a *step.Attempt, _ step.Reporter) {
			left, lasts = time.Until(a.Deadline), a.Deadline.Sub(a.Started)
		}
		e, _ := c.open(c.cfg, nil)
		c.start(e, "long")
		idle()
		time.Sleep(10 * time.Minute)
		c.close(e)
		c.wall.set(-day)
		e, _ = c.open(c.cfg, nil)
		idle()
		if lasts != time.Hour || left < 49*time.Minute || left > 51*time.Minute {
			t.Errorf("an attempt of an hour lasts %s, of which %s are left after 10 minutes", lasts, left)
		}
		c.close(e)
	})
}

// TestDeletionWaitsForTheClock does not believe a clock that was set forward when it comes to what is too old.
func TestDeletionWaitsForTheClock(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		c := newClockLab(l)
		e, _ := c.open(c.cfg, nil)
		before := e.SettledNow()
		c.wall.set(365 * day)
		time.Sleep(time.Minute)
		if got := e.SettledNow() - before; got != time.Minute.Milliseconds() {
			t.Errorf("a minute later it is %s later", time.Duration(got)*time.Millisecond)
		}
		time.Sleep(day)
		if got, want := e.SettledNow(), c.wall.now().UnixMilli(); got != want {
			t.Errorf("a day later it is %d, want %d", got, want)
		}
		c.close(e)
	})
}
