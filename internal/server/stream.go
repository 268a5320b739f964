package server

import (
	"context"
	"net/http"
	"time"

	"maestro/api"
	"maestro/internal/store"
	"maestro/internal/view"
)

const (
	// keepAlive is how often a silent stream says that it lives. Clients give up after three of these.
	keepAlive = 15 * time.Second
	// readAtOnce is how many journal entries are read at a time.
	readAtOnce = 256
)

// follow streams what happens to a run: its history from the journal, then news as they come, then an end message
// (package view, Stream). With Last-Event-ID, or after in the query, it goes on where an earlier stream was cut off.
//
// The stream holds no state but its place in the journal. A client that reads slowly holds up only its own request.
func (a *Runs) follow(w http.ResponseWriter, r *http.Request) error {
	p, err := pathRun(r)
	if err != nil {
		return err
	}
	after, err := resumeFrom(r)
	if err != nil {
		return err
	}
	run, err := a.load(r.Context(), p.workflow, p.instance, p.run)
	if err != nil {
		return err
	}
	id := store.RunID(run.ID)
	grown, stop := a.cfg.Watcher.Watch(id)
	defer stop()

	out, err := openStream(w, r)
	if out == nil {
		return err
	}
	defer out.close()
	stream := view.NewStream(run)
	var messages []view.Message
	for pos := int64(0); ; {
		entries, err := a.cfg.Journal.After(r.Context(), pos, id, readAtOnce)
		if err != nil {
			return a.broken(r.Context(), run.Identity(), err)
		}
		for i := range entries {
			pos = entries[i].Pos
			if messages, err = stream.Read(messages[:0], pos, entries[i].Data); err != nil {
				return a.broken(r.Context(), run.Identity(), err)
			}
			for _, m := range messages {
				if after.Before(m.Cursor.Pos, m.Cursor.Index) {
					out.send(m.Cursor, m.Kind, m.Data)
				}
			}
		}
		if len(entries) == readAtOnce {
			if out.flush() != nil {
				return nil
			}
			continue
		}
		if stream.Ended() {
			m := stream.End()
			out.send(m.Cursor, m.Kind, m.Data)
			_ = out.flush() // the client is gone: nothing is lost
			return nil
		}
		if out.flush() != nil || !out.wait(r.Context(), grown, a.cfg.Stopping) {
			return nil
		}
	}
}

// resumeFrom returns the place that a stream is to go on from.
func resumeFrom(r *http.Request) (view.Cursor, error) {
	if _, err := query(r); err != nil {
		return view.Cursor{}, err
	}
	text, from := resumption(r)
	c, err := view.ParseToken(clip(text))
	if err != nil {
		return c, api.Errorf(api.BadRequest, "%s: %v", from, err)
	}
	return c, nil
}

// resumption returns the cursor that a client gives to go on from, and where it was found: a browser that reconnects
// sends the header, which is newer than what stands in its URL.
func resumption(r *http.Request) (text, from string) {
	if text = r.Header.Get("Last-Event-ID"); text != "" {
		return text, "Last-Event-ID"
	}
	return r.URL.Query().Get("after"), "query parameter after"
}

// broken ends a stream that has begun and cannot go on. The client sees it end without its end message, and resumes.
func (a *Runs) broken(ctx context.Context, what string, err error) error {
	if ctx.Err() == nil {
		a.cfg.Log.Error("event stream cannot go on", "of", what, "error", err)
	}
	return nil
}

// sse writes a stream of server-sent events.
type sse struct {
	w      http.ResponseWriter
	ctl    *http.ResponseController
	buf    []byte
	tick   *time.Timer
	closed func() // counts it
}

// openStream answers with an empty stream. It returns nil when there is nothing more to send: the client only asked for
// the headers, is gone, or may not have more streams.
func openStream(w http.ResponseWriter, r *http.Request) (*sse, error) {
	closed, err := openLong(w, r)
	if err != nil {
		return nil, err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // proxies must not wait for more
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		closed()
		return nil, nil
	}
	out := &sse{w: w, ctl: http.NewResponseController(w), tick: time.NewTimer(keepAlive), closed: closed}
	w.WriteHeader(http.StatusOK)
	out.buf = append(out.buf, ": stream\n\n"...)
	if out.flush() != nil {
		out.close()
		return nil, nil //nolint:nilerr // who asked has gone
	}
	return out, nil
}

func (s *sse) close() {
	s.tick.Stop()
	s.closed()
}

// send queues a message.
func (s *sse) send(at view.Cursor, kind string, data []byte) {
	s.buf = at.AppendToken(append(s.buf, "id: "...))
	s.buf = append(append(s.buf, "\nevent: "...), kind...)
	s.buf = append(append(s.buf, "\ndata: "...), data...)
	s.buf = append(s.buf, "\n\n"...)
	if len(s.buf) > 64<<10 {
		_ = s.flush() // seen by the next one
	}
}

// flush writes what is queued. An error means that the client is gone or does not read (see pace), and resumes later.
func (s *sse) flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	_, err := s.w.Write(s.buf)
	s.buf = s.buf[:0]
	if err == nil {
		err = s.ctl.Flush()
	}
	return err
}

// wait returns when there may be more to send, and false when the stream is over: the client is gone, or the server is
// stopping. It keeps the connection alive meanwhile.
func (s *sse) wait(ctx context.Context, grown, stopping <-chan struct{}) bool {
	for {
		s.tick.Reset(keepAlive)
		select {
		case <-grown:
			return true
		case <-ctx.Done():
			return false
		case <-stopping:
			return false
		case <-s.tick.C:
			s.buf = append(s.buf, ": keep-alive\n\n"...)
			if s.flush() != nil {
				return false
			}
		}
	}
}
