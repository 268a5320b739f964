package event

import (
	"context"
	"errors"
	"time"
)

// Sink is where events go. It is safe for concurrent use.
type Sink interface {
	// Name says which sink it is, in lower-case letters and digits. What is stored about it is found by it.
	Name() string
	// Send delivers one event and returns when it was taken. attempt counts from 1. Its error may be a *SendError.
	Send(ctx context.Context, e *Event, attempt int) error
}

// SendError says more about why an event was not taken.
type SendError struct {
	Err     error
	After   time.Duration // how long the sink wants to be left alone; 0: not said
	Refused bool          // the event itself is not wanted, so that sending it again is of little use
}

func (e *SendError) Error() string { return e.Err.Error() }
func (e *SendError) Unwrap() error { return e.Err }

// Policy says how often and how long a delivery tries.
type Policy struct {
	MaxAttempts int           // of one event; default 20
	GiveUpAfter time.Duration // since the first attempt; default 24 h
	Parallel    int           // events under way at once, each of another workflow; default 8
	Window      int           // events in memory, default 1024
	MinDelay    time.Duration // before the second attempt; doubled for each further one; default 500 ms
	MaxDelay    time.Duration // default 5 min
}

func (p Policy) orDefaults() Policy {
	for _, d := range [...]struct {
		to *int
		n  int
	}{{&p.MaxAttempts, 20}, {&p.Parallel, 8}, {&p.Window, 1024}} {
		if *d.to == 0 {
			*d.to = d.n
		}
	}
	for _, d := range [...]struct {
		to *time.Duration
		n  time.Duration
	}{{&p.GiveUpAfter, 24 * time.Hour}, {&p.MinDelay, 500 * time.Millisecond}, {&p.MaxDelay, 5 * time.Minute}} {
		if *d.to == 0 {
			*d.to = d.n
		}
	}
	return p
}

const (
	// refusals is how often an event is sent that the sink refuses for what it is.
	refusals = 3
	// mostPatience is how long a sink can ask to be left alone.
	mostPatience = time.Hour
)

// delay returns how long to wait after an attempt that failed: twice as long each time, within bounds, and not the same
// for everybody, so that those who failed together do not come back together. chance is from 0 to 1.
func (p *Policy) delay(attempts int, err error, chance float64) time.Duration {
	d := p.MaxDelay
	if attempts < 20 {
		d = min(d, p.MinDelay<<(attempts-1))
	}
	d = d/2 + time.Duration(chance*float64(d/2))
	var s *SendError
	if errors.As(err, &s) {
		d = max(d, min(s.After, mostPatience))
	}
	return d
}

// over reports whether an event is not to be sent again.
func (p *Policy) over(l *letter, now time.Time, err error) bool {
	var s *SendError
	return l.attempts >= p.MaxAttempts || now.Sub(l.first) >= p.GiveUpAfter ||
		l.attempts >= refusals && errors.As(err, &s) && s.Refused
}
