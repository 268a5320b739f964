package server

import (
	"context"
	"net/http"
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

// logs answers with what the work of an attempt wrote: one stream (stdout unless the query names another), from offset
// on. With follow=true it goes on until nothing more can be written.
func (a *Runs) logs(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	follow, err := queryBool(q, "follow", false)
	if err != nil {
		return err
	}
	offset, _, err := queryInt(q, "offset")
	if err != nil {
		return err
	}
	if offset < 0 {
		return api.Errorf(api.BadRequest, "offset must not be negative, not %d", offset)
	}
	v, err := a.attempt(r)
	if err != nil {
		return err
	}
	number := v.Find().Number
	keeper, att, err := a.keeper(r.Context(), v, number)
	if err != nil {
		return err
	}
	stream := q.Get("stream")
	if stream == "" {
		stream = "stdout"
	}
	closed, err := openLong(w, r)
	if err != nil {
		return err
	}
	defer closed()
	data, more, err := keeper.ReadLog(r.Context(), att, stream, offset, logChunk)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Accel-Buffering", "no")
	h.Set("X-Log-Offset", itoa(offset))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	out := &logWriter{w: w, ctl: http.NewResponseController(w)}
	grown, stop := a.cfg.Watcher.Watch(store.RunID(v.Run.ID))
	defer stop()
	for {
		if out.write(data) != nil {
			return nil
		}
		offset += int64(len(data))
		switch {
		case len(data) > 0:
		case !follow || !more:
			return nil
		case !out.wait(r.Context(), grown, a.cfg.Stopping):
			return nil
		}
		if data, more, err = keeper.ReadLog(r.Context(), att, stream, offset, logChunk); err != nil {
			return a.broken(r.Context(), v.Run.Identity()+" log", err)
		}
	}
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

// logWriter writes a log to a client that reads as fast as it can.
type logWriter struct {
	w   http.ResponseWriter
	ctl *http.ResponseController
}

func (l *logWriter) write(data []byte) error {
	if len(data) > 0 {
		if _, err := l.w.Write(data); err != nil {
			return err
		}
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
