package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"maestro/internal/store"
	"maestro/internal/view"
)

// cursorKind is the collection of records that tell how far sinks are: name of the sink, text of the cursor.
const cursorKind = "event_cursor"

// place stores how far a sink is. It writes seldom: after a crash what was delivered since is delivered again.
type place struct {
	records store.Records
	key     string
	stored  view.Cursor
	latest  view.Cursor
	next    time.Time // when it may be stored again
}

const (
	keepEvery = time.Second
	retryRead = time.Second
)

// load reads the place, or makes the present end of the journal the place of a new sink. It tries until it can; its only
// error is that of ctx.
func (p *place) load(ctx context.Context, s *Source, log *slog.Logger) (view.Cursor, error) {
	for {
		c, err := p.tryLoad(ctx, s)
		if err == nil {
			p.stored, p.latest = c, c
			return c, nil
		}
		if ctx.Err() == nil {
			log.Warn("place of the sink cannot be read, trying again", "error", err)
		}
		select {
		case <-time.After(retryRead):
		case <-ctx.Done():
			return c, ctx.Err()
		}
	}
}

func (p *place) tryLoad(ctx context.Context, s *Source) (view.Cursor, error) {
	text, err := p.records.Record(ctx, cursorKind, p.key)
	if err == nil {
		return view.ParseCursor(string(text))
	}
	if !errors.Is(err, store.ErrNotFound) {
		return view.Cursor{}, err
	}
	pos, err := s.End(ctx)
	if err != nil {
		return view.Cursor{}, fmt.Errorf("look for the end of the journal: %w", err)
	}
	c := view.Cursor{Pos: pos, Index: view.WholeEntry}
	return c, p.write(ctx, c)
}

func (p *place) write(ctx context.Context, c view.Cursor) error {
	return p.records.PutRecords(ctx, store.Record{Kind: cursorKind, Key: p.key, Value: c.Append(nil)})
}

// due returns when the place is to be stored; false: it is.
func (p *place) due() (time.Time, bool) { return p.next, p.latest != p.stored }

// keep notes the place, and stores it if that has not been done for a while, or now.
func (p *place) keep(ctx context.Context, c view.Cursor, now bool, log *slog.Logger) {
	p.latest = c
	if p.latest == p.stored || !now && time.Now().Before(p.next) {
		return
	}
	p.next = time.Now().Add(keepEvery)
	if err := p.write(ctx, c); err != nil {
		if ctx.Err() == nil {
			log.Warn("place of the sink cannot be stored", "error", err)
		}
		return
	}
	p.stored = c
}

// Status is how a delivery is doing, since it was made.
type Status struct {
	Sink      string `json:"sink"`
	Cursor    string `json:"cursor"`       // everything up to here is delivered, dead or skipped
	Pending   int    `json:"pending"`      // events read and not delivered yet
	Delivered int64  `json:"delivered"`    // events
	Failed    int64  `json:"failed"`       // attempts
	Dead      int64  `json:"dead_letters"` // events given up
	Skipped   int64  `json:"skipped"`      // journal entries passed over, too old or not readable
	LastError string `json:"last_error,omitempty"`
	ErrorTime int64  `json:"last_error_time,omitempty"`
}

// status counts.
type status struct {
	delivered, failed, dead, skipped atomic.Int64

	mu      sync.Mutex
	cursor  view.Cursor
	pending int
	err     string
	errAt   int64
}

func (s *status) skip(n int64) { s.skipped.Add(n) }

func (s *status) fail(err error) {
	s.failed.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.errAt = err.Error(), time.Now().UnixMilli()
}

func (s *status) at(c view.Cursor, pending int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursor, s.pending = c, pending
}

// Status returns how the delivery is doing.
func (d *Delivery) Status() Status {
	s := &d.status
	s.mu.Lock()
	defer s.mu.Unlock()
	return Status{
		Sink: d.cfg.Sink.Name(), Cursor: s.cursor.Token(), Pending: s.pending, Delivered: s.delivered.Load(), Failed: s.failed.Load(),
		Dead: s.dead.Load(), Skipped: s.skipped.Load(), LastError: s.err, ErrorTime: s.errAt,
	}
}

// Passed returns the position up to which nothing needs to be read again.
func (d *Delivery) Passed() int64 {
	d.status.mu.Lock()
	defer d.status.mu.Unlock()
	return d.status.cursor.Unread()
}
