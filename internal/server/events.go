package server

import (
	"context"
	"math"
	"net/http"
	"strings"
	"time"

	"maestro/api"
	"maestro/internal/store"
	"maestro/internal/view"
)

const (
	eventLimit    = 1000             // events of one answer, at most
	eventsDefault = 100              // and when the client does not say
	searchTime    = 20 * time.Second // how long one answer may look for events of one workflow
)

// events answers with what is published about all workflows (spec/engine 21), oldest first, after a cursor:
// {"events":[…],"next":CURSOR}. workflow_id selects one workflow. With Accept: text/event-stream it streams them, and
// does not end. With first instead of limit, the answer is in the envelope of other lists; a cursor of "latest" is then
// the end of the feed.
func (a *Runs) events(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f := a.newFeed(q.Get("workflow_id"))
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		return a.streamEvents(w, r, f)
	}
	paged := q.Has("first")
	name, from := "limit", q.Get("after")
	if paged {
		name, from = "first", q.Get("cursor")
	}
	limit, given, err := queryInt(q, name)
	if err != nil {
		return err
	}
	if !given {
		limit = eventsDefault
	}
	if limit < 1 || limit > eventLimit {
		return api.Errorf(api.BadRequest, "%s must be from 1 to %d, not %d", name, eventLimit, limit)
	}
	if f.at, err = a.feedCursor(r.Context(), from); err != nil {
		return err
	}
	events, more, err := f.read(r.Context(), int(limit), time.Now().Add(searchTime))
	if err != nil {
		return err
	}
	next := f.at.String()
	if paged {
		info := pageInfo{End: next, HasPrevious: from != "" && from != "0", HasNext: more, Total: int64(len(events))}
		if len(events) > 0 {
			info.Start = events[0].Cursor.String()
		}
		return respond(w, http.StatusOK, func(dst []byte) []byte {
			return appendPage(dst, info, len(events), func(dst []byte, i int) []byte { return append(dst, events[i].Data...) })
		})
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		o := view.Open(dst)
		o.Key("events")
		o.Out = append(o.Out, '[')
		for i := range events {
			if i > 0 {
				o.Out = append(o.Out, ',')
			}
			o.Out = append(o.Out, events[i].Data...)
		}
		o.Out = append(o.Out, ']')
		o.Text("next", next)
		return o.Close()
	})
}

// streamEvents streams the feed until the client or the server has enough.
func (a *Runs) streamEvents(w http.ResponseWriter, r *http.Request, f *feed) error {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	var err error
	if f.at, err = a.feedCursor(r.Context(), text); err != nil {
		return err
	}
	grown, stop := a.cfg.Watcher.Watch(0)
	defer stop()
	out, err := openStream(w, r)
	if err != nil || out == nil {
		return err
	}
	defer out.close()
	for {
		events, more, err := f.read(r.Context(), readAtOnce, time.Now().Add(keepAlive))
		if err != nil {
			return a.broken(r.Context(), "all workflows", err)
		}
		for _, e := range events {
			out.send(e.Cursor, e.Type, e.Data)
		}
		if len(events) == 0 && more {
			out.buf = append(out.buf, ": keep-alive\n\n"...)
		}
		if out.flush() != nil {
			return nil
		}
		if !more && !out.wait(r.Context(), grown, a.cfg.Stopping) {
			return nil
		}
	}
}

// feedCursor reads a place in the feed.
func (a *Runs) feedCursor(ctx context.Context, text string) (view.Cursor, error) {
	if isLatest(text) {
		pos, err := a.end(ctx)
		return view.Cursor{Pos: pos, Index: view.WholeEntry}, err
	}
	c, err := view.ParseCursor(text)
	if err != nil {
		return c, api.Errorf(api.BadRequest, "cursor %v", err)
	}
	return c, nil
}

// end returns the position of the last entry of the journal, by halving: the journal only tells what is after a place.
func (a *Runs) end(ctx context.Context) (int64, error) {
	last := func(pos int64) (int64, error) {
		e, err := a.cfg.Journal.After(ctx, pos, 0, 1)
		if err != nil || len(e) == 0 {
			return 0, err
		}
		return e[0].Pos, nil
	}
	lo, err := last(0)
	if err != nil || lo == 0 {
		return 0, err
	}
	for hi := int64(math.MaxInt64 - 1); lo < hi; {
		mid := lo + (hi-lo)/2
		pos, err := last(mid)
		if err != nil {
			return 0, err
		}
		if pos == 0 {
			hi = mid
		} else {
			lo = pos
		}
	}
	return lo, nil
}

// ended reports whether ctx or the deadline of a search is over.
func ended(ctx context.Context, until time.Time) bool {
	return ctx.Err() != nil || time.Now().After(until)
}

var _ Journal = store.Feed(nil)
