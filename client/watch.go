package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"
)

// quiet is how long a stream may be silent. The server sends a comment every 15 seconds, so three missing ones mean
// that the connection is gone, whatever the kernel believes.
const quiet = 45 * time.Second

var errQuiet = errors.New("the server has sent nothing for 45 seconds")

// Watch yields everything that happens to the newest run of an instance: its history from the beginning, then news as
// they come, then End. When the connection is lost it yields Reconnecting, waits and goes on after the last event, so
// nothing is missed and nothing comes twice. An error is yielded once and ends the walk: the server's refusal, or that
// it stayed away too long.
func (c *Client) Watch(ctx context.Context, workflow string, instance int64) iter.Seq2[Event, error] {
	return c.WatchAfter(ctx, workflow, instance, "")
}

// WatchAfter is Watch for a program that was restarted: it goes on after the event with this Cursor.
func (c *Client) WatchAfter(ctx context.Context, workflow string, instance int64, cursor string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w := watcher{c: c, path: RunRef{Workflow: workflow, Instance: instance}.instance("events"), cursor: cursor}
		w.recovery = recovery{backoff: c.reconnect, what: "the event stream of " + w.path}
		for {
			done, err := w.connection(ctx, yield)
			if done {
				return
			}
			if err = w.lost(ctx, err); err != nil {
				yield(Event{}, err)
				return
			}
			if !yield(Event{Kind: Reconnecting, Cursor: w.cursor, Lost: w.reason}, nil) {
				return
			}
			if err := w.pause(ctx); err != nil {
				yield(Event{}, err)
				return
			}
		}
	}
}

// watcher is what must be remembered from one connection to the next.
type watcher struct {
	recovery
	c      *Client
	path   string
	cursor string
}

// connection follows one connection to its end. It reports done when the walk is over, else why the connection ended.
func (w *watcher) connection(ctx context.Context, yield func(Event, error) bool) (done bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(quiet, func() { cancel(errQuiet) })
	defer idle.Stop()

	var header []string
	if w.cursor != "" {
		header = []string{"Last-Event-ID", w.cursor}
	}
	resp, err := w.c.send(ctx, request{method: http.MethodGet, path: w.path}, "text/event-stream", header...)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		return true, refuse(yield, fmt.Errorf("client: %s%s answered with %q instead of an event stream; is it a Maestro server?",
			w.c.base, w.path, kind))
	}
	w.ever = true
	in := newSSEReader(awake{resp.Body, idle})
	in.lastID = w.cursor
	for {
		m, err := in.next()
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return false, err
		}
		w.works(in.retry)
		ev, err := parseEvent(m)
		if err != nil {
			return true, refuse(yield, err)
		}
		w.cursor = m.id
		if !yield(ev, nil) || ev.Kind == End {
			return true, nil
		}
	}
}

func refuse(yield func(Event, error) bool, err error) error {
	yield(Event{}, err)
	return err
}

// awake pushes the idle timer back with everything that is read.
type awake struct {
	in    io.Reader
	timer *time.Timer
}

func (a awake) Read(p []byte) (int, error) {
	n, err := a.in.Read(p)
	if n > 0 {
		a.timer.Reset(quiet)
	}
	return n, err
}
