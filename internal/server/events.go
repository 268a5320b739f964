package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/internal/event"
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
	q, err := query(r)
	if err != nil {
		return err
	}
	want := ofWorkflow(q.Get("workflow_id"))
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		return a.streamEvents(w, r, want)
	}
	paged := q.Has("first")
	name, cursor := "limit", "after"
	if paged {
		name, cursor = "first", "cursor"
	}
	from := q.Get(cursor)
	limit, given, err := queryInt(q, name)
	if err != nil {
		return err
	}
	if !given {
		limit = eventsDefault
	}
	if limit < 1 || limit > eventLimit {
		return api.Errorf(api.BadRequest, "query parameter %s must be from 1 to %d, not %d", name, eventLimit, limit)
	}
	at, err := a.feedCursor(r.Context(), "query parameter "+cursor, from)
	if err != nil {
		return err
	}
	f := a.cfg.Events.Reader(at, want)
	events, more, err := readEvents(r.Context(), f, int(limit))
	if err != nil {
		return err
	}
	next := f.At().Token()
	if paged {
		info := pageInfo{End: next, HasPrevious: at.Pos > 0, HasNext: more, Total: int64(len(events))}
		if len(events) > 0 {
			info.Start = events[0].Cursor.Token()
		}
		return respond(w, http.StatusOK, func(dst []byte) []byte {
			return appendPage(dst, info, len(events), func(dst []byte, i int) []byte { return append(dst, events[i].Data...) })
		})
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		o := doc.Open(dst)
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

// readEvents reads a page of events: fewer than the limit where they are large.
func readEvents(ctx context.Context, f *event.Reader, limit int) (events []event.Event, more bool, err error) {
	const atOnce = 200
	until := time.Now().Add(searchTime)
	for bytes := 0; len(events) < limit && bytes < pageBytes; {
		part, rest, err := f.Read(ctx, min(limit-len(events), atOnce), until)
		if err != nil {
			return nil, false, err
		}
		events, more = append(events, part...), rest
		for i := range part {
			bytes += len(part[i].Data)
		}
		if !rest || len(part) == 0 {
			break
		}
	}
	return events, more, nil
}

// streamEvents streams the feed until the client or the server has enough.
func (a *Runs) streamEvents(w http.ResponseWriter, r *http.Request, want func(string) bool) error {
	text, from := resumption(r)
	at, err := a.feedCursor(r.Context(), from, text)
	if err != nil {
		return err
	}
	f := a.cfg.Events.Reader(at, want)
	grown, stop := a.cfg.Watcher.Watch(0)
	defer stop()
	out, err := openStream(w, r)
	if out == nil {
		return err
	}
	defer out.close()
	for {
		events, more, err := f.Read(r.Context(), readAtOnce, time.Now().Add(keepAlive))
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

// feedCursor reads a place in the feed. From says where the text was found.
func (a *Runs) feedCursor(ctx context.Context, from, text string) (view.Cursor, error) {
	if isLatest(text) {
		pos, err := a.cfg.Events.End(ctx)
		return view.Cursor{Pos: pos, Index: view.WholeEntry}, err
	}
	c, err := view.ParseToken(clip(text))
	if err != nil {
		return c, api.Errorf(api.BadRequest, "%s: %v; latest is the end of the feed", from, err)
	}
	return c, nil
}

// ofWorkflow selects the events of one workflow; empty: of all.
func ofWorkflow(id string) func(string) bool {
	if id == "" {
		return nil
	}
	return func(workflow string) bool { return workflow == id }
}

var _ Journal = store.Feed(nil)
