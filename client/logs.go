package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// LogRequest selects what to read of a step's output.
type LogRequest struct {
	Stream string // "stdout", which is the default, or "stderr"
	Follow bool   // go on until the attempt has ended

	// Missed is called, by who reads, before what follows so many bytes that the server does not keep any more. Nil: they
	// are passed over.
	Missed func(bytes int64)
	// Lost is called when a connection that was lost cannot be made again at once. Nil: it is not told.
	Lost func(reason error)
}

// Logs returns the output of an attempt of a step, the newest one where ref names none. The caller closes it; with
// Follow, reading blocks until there is more.
//
// When the connection is lost, reading goes on where it was, over a new one. Its end is io.EOF only where the log ends:
// an answer that was cut off and could not be got again is an error.
func (c *Client) Logs(ctx context.Context, ref StepRef, r LogRequest) (io.ReadCloser, error) {
	if ref.Run == 0 || ref.Attempt == 0 {
		attempt, err := c.Step(ctx, ref, false)
		if err != nil {
			return nil, err
		}
		ref.Run, ref.Attempt = attempt.Run, attempt.Attempt
	}
	ctx, cancel := context.WithCancel(ctx)
	l := &logReader{ctx: ctx, cancel: cancel, c: c, path: ref.run("steps", ref.Step, "attempts", itoa(ref.Attempt), "logs"), request: r}
	l.recovery = recovery{backoff: c.reconnect, what: "the log " + l.path}
	if err := l.open(); err != nil {
		cancel()
		return nil, err
	}
	return l, nil
}

// logReader reads a log over one connection after the other.
type logReader struct {
	recovery
	ctx     context.Context
	cancel  context.CancelFunc
	c       *Client
	path    string
	request LogRequest

	at   int64 // of the next byte
	body io.ReadCloser
	err  error // not nil: it is over
}

// open asks for the log from where we are. The answer may begin later, if the log is not kept there.
func (l *logReader) open() error {
	q := url.Values{"stream": {"stdout"}}
	if l.request.Stream != "" {
		q.Set("stream", l.request.Stream)
	}
	if l.request.Follow {
		q.Set("follow", "true")
	}
	if l.at > 0 {
		q.Set("offset", itoa(l.at))
	}
	resp, err := l.c.send(l.ctx, request{method: http.MethodGet, path: l.path, query: q}, "text/plain, */*", "X-Log-Notes", "false")
	if err != nil {
		return err
	}
	begins := l.at
	if text := resp.Header.Get("X-Log-Offset"); text != "" {
		if begins, err = strconv.ParseInt(text, 10, 64); err != nil || begins < l.at {
			resp.Body.Close()
			return fmt.Errorf("client: asked for %s from byte %d, the server answered from %q", l.path, l.at, text)
		}
	}
	if begins > l.at && l.request.Missed != nil {
		l.request.Missed(begins - l.at)
	}
	l.at, l.body, l.ever = begins, resp.Body, true
	return nil
}

// Read implements io.Reader.
func (l *logReader) Read(p []byte) (int, error) {
	for l.err == nil {
		if l.body == nil {
			if err := l.open(); err != nil && l.again(err) && l.request.Lost != nil {
				l.request.Lost(l.reason)
			}
			continue
		}
		n, err := l.body.Read(p)
		if n > 0 {
			l.at += int64(n)
			l.works(0)
		}
		switch {
		case errors.Is(err, io.EOF):
			l.err = io.EOF
		case err != nil:
			l.body.Close()
			l.body = nil
			l.again(err)
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, l.err
}

// again decides what an error means. It reports true, after a pause, if another attempt is to be made.
func (l *logReader) again(err error) bool {
	if l.err = l.lost(l.ctx, err); l.err == nil {
		l.err = l.pause(l.ctx)
	}
	return l.err == nil
}

// Close ends the connection.
func (l *logReader) Close() error {
	l.cancel()
	if l.err == nil {
		l.err = errors.New("client: the log is closed")
	}
	if l.body == nil {
		return nil
	}
	return l.body.Close()
}
