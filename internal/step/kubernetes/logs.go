package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"maestro/internal/kube"
	"maestro/internal/step"
)

// logs lets people read the logs of pods. The API knows no offsets, only logs from their start that go on: so a reader
// keeps its stream open between two pieces, as long as somebody comes back for the next, and there are few streams.
type logs struct {
	cl *cluster

	mu      sync.Mutex
	closed  bool
	streams []*stream // that nobody reads from at present; the one that was used last is the last
	busy    int
}

const (
	stdout     = "stdout" // all there is: a pod does not tell its streams apart
	maxStreams = 32
	maxAhead   = 256 << 10              // read before anybody asks for it
	streamWait = 100 * time.Millisecond // for more to come, before saying that there is nothing
	streamIdle = 15 * time.Second       // until a stream that nobody came back for is closed
	maxPiece   = 1 << 20
)

var errBusy = errors.New("too many logs are being read; try again later")

func (l *logs) open(cl *cluster) { l.cl = cl }

func (l *logs) close() {
	l.mu.Lock()
	l.closed = true
	for _, s := range l.streams {
		s.close()
	}
	l.streams = nil
	l.mu.Unlock()
}

// LogStreams names what there is to read of a pod: one stream, whose length only the node knows.
func (rt *Runtime) LogStreams(context.Context, *step.Attempt) ([]step.Log, error) {
	return []step.Log{{Name: stdout}}, nil
}

// ReadLog returns a piece of what a pod wrote. When the pod is gone, that is the end of it that the artifact keeps.
func (rt *Runtime) ReadLog(ctx context.Context, a *step.Attempt, name string, offset int64, n int) (data []byte, more bool, err error) {
	if name != stdout {
		return nil, false, fmt.Errorf("a pod has no log %q, only %s", name, stdout)
	}
	if offset < 0 || n <= 0 {
		return nil, false, fmt.Errorf("read %d bytes from %d of the log of attempt %s: no such place", n, offset, a.UUID)
	}
	j := &job{a: a, kind: rt.kind}
	if _, _, err := rt.cl.locate(j); err != nil {
		return nil, false, nil // it never had a pod
	}
	l := &rt.cl.logs
	s, err := l.take(j, offset)
	if err != nil {
		return nil, false, err
	}
	data, err = s.read(ctx, min(n, maxPiece))
	if err == nil || ctx.Err() != nil {
		l.put(s)
		return data, true, nil
	}
	l.drop(s)
	if len(data) > 0 {
		return data, true, nil
	}
	return rt.cl.after(ctx, j, offset, n, err)
}

// after tells what it means that a log has ended or cannot be read.
func (cl *cluster) after(ctx context.Context, j *job, offset int64, n int, cause error) (data []byte, more bool, err error) {
	p, err := cl.api.Pod(ctx, j.ns, j.name)
	switch {
	case err == nil && p.Metadata.Annotations[annotationStep] == identity(j.a):
		s := observe(p)
		switch {
		case !s.over: // it waits for its image, or its node was slow
			return nil, s.hindered != tombstoned, nil
		case errors.Is(cause, io.EOF):
			return nil, false, nil
		}
		return nil, false, fmt.Errorf("read the log of pod %s: %w", j.name, cause)
	case err != nil && !kube.NotFound(err):
		return nil, false, fmt.Errorf("read the log of pod %s: %w", j.name, err)
	}
	if known := recorded(j.a); known != nil && known.Output != "" && known.Output != "n/a" && offset < int64(len(known.Output)) {
		rest := known.Output[offset:]
		return []byte(rest[:min(n, len(rest))]), len(rest) > n, nil
	}
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return nil, cl.jobs[j.a.UUID] != nil, nil // it may have none yet
}

// take returns the stream that has come to offset, or a new one.
func (l *logs) take(j *job, offset int64) (*stream, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errBusy
	}
	for i, s := range l.streams {
		if s.uuid == j.a.UUID && s.at == offset && s.idle.Stop() {
			l.streams = append(l.streams[:i], l.streams[i+1:]...)
			l.busy++
			return s, nil
		}
	}
	if l.busy+len(l.streams) >= maxStreams {
		if len(l.streams) == 0 {
			return nil, errBusy
		}
		l.streams[0].idle.Stop()
		l.streams[0].close()
		l.streams = l.streams[1:]
	}
	l.busy++
	s := &stream{uuid: j.a.UUID, at: offset, moved: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	var ctx context.Context
	ctx, s.close = context.WithCancel(l.cl.ctx)
	ns, name := j.ns, j.name
	l.cl.wg.Go(func() { s.pump(ctx, l.cl.api, ns, name, offset) })
	return s, nil
}

// put keeps a stream for whoever reads on.
func (l *logs) put(s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	if l.closed {
		s.close()
		return
	}
	s.idle = time.AfterFunc(streamIdle, func() { l.expire(s) })
	l.streams = append(l.streams, s)
}

func (l *logs) drop(s *stream) {
	s.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
}

func (l *logs) expire(s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.streams {
		if l.streams[i] == s {
			l.streams = append(l.streams[:i], l.streams[i+1:]...)
			break
		}
	}
	s.close()
}

// stream is one open log, and the goroutine that reads it.
type stream struct {
	uuid  string
	at    int64 // what read returns next; belongs to the reader
	close context.CancelFunc
	idle  *time.Timer

	moved, room chan struct{} // one slot: there is more, or an end; something was taken

	mu  sync.Mutex
	buf []byte
	err error // io.EOF: the log has ended
}

// pump reads the log into the buffer, but for what was read before, and never far ahead of the reader.
func (s *stream) pump(ctx context.Context, api *kube.Client, ns, name string, skip int64) {
	body, err := api.PodLog(ctx, ns, name, kube.LogOptions{Container: containerName, Follow: true})
	if err != nil {
		s.add(nil, err)
		return
	}
	defer body.Close()
	if _, err := io.CopyN(io.Discard, body, skip); err != nil {
		s.add(nil, err)
		return
	}
	piece := make([]byte, 16<<10)
	for {
		n, err := body.Read(piece)
		for !s.add(piece[:n], err) {
			select {
			case <-s.room:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// add appends to the buffer. It reports false if there is no room.
func (s *stream) add(p []byte, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.buf) > 0 && len(s.buf)+len(p) > maxAhead {
		return false
	}
	s.buf, s.err = append(s.buf, p...), err
	signal(s.moved)
	return true
}

// read returns what there is, after waiting a moment for something. An error ends the stream.
func (s *stream) read(ctx context.Context, n int) ([]byte, error) {
	t := time.NewTimer(streamWait)
	defer t.Stop()
	for {
		s.mu.Lock()
		if len(s.buf) > 0 || s.err != nil {
			n = min(n, len(s.buf))
			data, err := append([]byte(nil), s.buf[:n]...), s.err
			if s.buf = s.buf[n:]; len(s.buf) > 0 {
				err = nil
			}
			s.mu.Unlock()
			s.at += int64(n)
			signal(s.room)
			return data, err
		}
		s.mu.Unlock()
		select {
		case <-s.moved:
		case <-t.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
