package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"maestro/api"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/view"
	"maestro/spec"
)

const (
	logChunk = 64 << 10
	// logPoll is how often a followed log is looked at while it does not grow.
	logPoll = 250 * time.Millisecond
)

// logRequest is what the query says of a log.
type logRequest struct {
	stream string
	offset int64
	follow bool
	notes  bool
}

func readLogRequest(r *http.Request) (l logRequest, err error) {
	q, err := query(r)
	if err != nil {
		return l, err
	}
	if l.follow, err = queryBool(q, "follow", false); err != nil {
		return l, err
	}
	if l.notes, err = parseBool("header X-Log-Notes", r.Header.Get("X-Log-Notes"), true); err != nil {
		return l, err
	}
	if l.offset, _, err = queryInt(q, "offset"); err != nil {
		return l, err
	}
	if l.offset < 0 {
		return l, api.Errorf(api.BadRequest, "query parameter offset must be a position in the log, which is 0 or more and not negative, not %d", l.offset)
	}
	l.stream = cmp.Or(q.Get("stream"), "stdout")
	return l, nil
}

// logs answers with what the work of an attempt wrote: one stream (stdout unless the query names another), from offset
// on. With follow=true it goes on until nothing more can be written; otherwise it ends where the log ends now.
//
// Where a part of the log is not kept, a line in its place says how much is missing. With the header X-Log-Notes: false
// nothing but the log is sent: X-Log-Offset says from where on, and the answer is cut off at a gap, so that the client asks again for
// what follows. Whatever else keeps the answer from being whole cuts it off, too: a client can tell it from the end.
func (a *Runs) logs(w http.ResponseWriter, r *http.Request) error {
	l, err := readLogRequest(r)
	if err != nil {
		return err
	}
	v, err := a.attempt(r)
	if err != nil {
		return err
	}
	keeper, att, err := a.keeper(r.Context(), v, v.Find().Number)
	if err != nil {
		return err
	}
	closed, err := openLong(w, r)
	if err != nil {
		return err
	}
	defer closed()
	in := &logReader{keeper: keeper, attempt: att, request: l, at: l.offset, end: math.MaxInt64}
	if err := in.open(r.Context()); err != nil {
		return err
	}
	first, err := in.read(r.Context())
	if err != nil {
		return logUnreadable(v, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff") // a job may write HTML
	h.Set("X-Accel-Buffering", "no")
	h.Set("X-Log-Offset", itoa(first.at))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	out := &logWriter{w: w, ctl: http.NewResponseController(w), notes: l.notes}
	grown, stop := a.cfg.Watcher.Watch(store.RunID(v.Run.ID))
	defer stop()
	for piece, begun := first, false; ; begun = true {
		switch {
		case !out.piece(piece, begun):
			panic(http.ErrAbortHandler) // the client did not read, or has to ask for what follows a gap
		case !piece.more || len(piece.data) == 0 && !l.follow:
			return nil
		case len(piece.data) == 0 && !out.wait(r.Context(), grown, a.cfg.Stopping):
			panic(http.ErrAbortHandler)
		}
		if piece, err = in.read(r.Context()); err != nil {
			out.broken(logUnreadable(v, err))
			if r.Context().Err() == nil {
				a.cfg.Log.Error("log cannot be read on", "of", v.Run.Identity(), "step", v.Run.Plan.Nodes[v.Ordinal].ID, "error", err)
			}
			panic(http.ErrAbortHandler)
		}
	}
}

// logUnreadable says that a log cannot be read, and why.
func logUnreadable(v view.Step, err error) error {
	id, number := v.Run.Plan.Nodes[v.Ordinal].ID, v.Find().Number
	if errors.Is(err, step.ErrLogGone) {
		return api.Errorf(api.NotFound, "the log of step [%s] attempt [%d] is not kept any more: it was removed, or its time was over", id, number)
	}
	if refusal(err) != nil {
		return err
	}
	return api.Errorf(api.InternalError, "the log of step [%s] attempt [%d] cannot be read: %v", id, number, err)
}

// keeper finds who keeps the log of an attempt.
func (a *Runs) keeper(ctx context.Context, v view.Step, number int64) (step.Logs, *step.Attempt, error) {
	node := &v.Run.Plan.Nodes[v.Ordinal]
	none := api.Errorf(api.NotFound, "step [%s] is of type %s, of which no log is kept", node.ID, node.Step.Type)
	if node.Step.Type == spec.TypeShell {
		none = api.Errorf(api.NotFound, "the log of step [%s] cannot be read: this server does not run Shell steps; start it with --shell-enabled", node.ID)
	}
	if a.cfg.Logs == nil {
		return nil, nil, none
	}
	keeper, att, err := a.cfg.Logs.Logs(ctx, v.Run, v.Ordinal, number)
	if isNotFound(err) || err == nil && keeper == nil {
		return nil, nil, none
	}
	return keeper, att, err
}

// logReader reads a log piece by piece.
type logReader struct {
	keeper  step.Logs
	attempt *step.Attempt
	request logRequest

	at  int64 // of the next byte
	end int64 // where a reader that does not follow ends
}

// logPiece is some of a log, after so many bytes that are missing.
type logPiece struct {
	missing int64
	at      int64 // of the first byte
	data    []byte
	more    bool // there is more, or may still be
}

// open checks that there is such a stream, and says where a reader that does not follow is to end: a log may grow faster
// than it is read.
func (l *logReader) open(ctx context.Context) error {
	streams, err := l.keeper.LogStreams(ctx, l.attempt)
	if err != nil || len(streams) == 0 {
		return nil //nolint:nilerr // to be told by who reads
	}
	var names []string
	for _, s := range streams {
		if s.Name == l.request.stream {
			if !l.request.follow && s.Size > 0 {
				l.end = s.Size
			}
			return nil
		}
		names = append(names, s.Name)
	}
	return api.Errorf(api.BadRequest, "query parameter stream must be %s, not %q", strings.Join(names, " or "), l.request.stream)
}

func (l *logReader) read(ctx context.Context) (p logPiece, err error) {
	for {
		n := min(logChunk, max(l.end-l.at, 0))
		if n == 0 {
			return logPiece{missing: p.missing, at: l.at}, nil
		}
		p.data, p.more, err = l.keeper.ReadLog(ctx, l.attempt, l.request.stream, l.at, int(n))
		dropped, gap := errors.AsType[*step.DroppedError](err)
		if !gap || dropped.Next <= l.at {
			p.at = l.at
			l.at += int64(len(p.data))
			return p, err
		}
		p.missing += dropped.Next - l.at
		l.at = dropped.Next
	}
}

// logWriter writes a log to a client that reads as fast as it can.
type logWriter struct {
	w     http.ResponseWriter
	ctl   *http.ResponseController
	notes bool

	inLine bool // what was written last does not end a line
}

// piece writes a piece. It reports false if the client cannot go on from here: it does not read, or is to be told of a
// gap by the next answer. Of one before the answer begins it was told.
func (l *logWriter) piece(p logPiece, begun bool) bool {
	if p.missing > 0 {
		if !l.notes && begun {
			return false
		}
		if l.note("%d bytes of the log are not kept any more", p.missing) != nil {
			return false
		}
	}
	return l.write(p.data) == nil
}

// note writes a line that is not of the log.
func (l *logWriter) note(format string, args ...any) error {
	if !l.notes {
		return nil
	}
	text := fmt.Sprintf("[maestro: "+format+"]\n", args...)
	if l.inLine {
		text = "\n" + text
	}
	return l.write([]byte(text))
}

// broken says why an answer is cut off.
func (l *logWriter) broken(err error) { _ = l.note("%s", err) }

func (l *logWriter) write(data []byte) error {
	if len(data) > 0 {
		if _, err := l.w.Write(data); err != nil {
			return err
		}
		l.inLine = data[len(data)-1] != '\n'
	}
	return l.ctl.Flush()
}

func (l *logWriter) wait(ctx context.Context, grown, stopping <-chan struct{}) bool {
	t := time.NewTimer(logPoll)
	defer t.Stop()
	select {
	case <-grown:
	case <-t.C:
	case <-ctx.Done():
		return false
	case <-stopping:
		return false
	}
	return true
}
