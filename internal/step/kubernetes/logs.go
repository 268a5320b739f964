package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

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
	maxAhead   = 256 << 10        // read before anybody asks for it
	streamIdle = 15 * time.Second // until a stream that nobody came back for is closed
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
	n = min(n, maxPiece)
	data, err = s.read(ctx, n)
	if why, lost := errors.AsType[logLost](err); lost {
		s.goOn(remains(a, s.mark, offset, string(why)))
		data, err = s.read(ctx, n)
	}
	switch {
	case err == nil, ctx.Err() != nil:
		l.put(s)
		return data, true, nil
	case errors.Is(err, errEnded):
		err = nil
	}
	l.drop(s)
	return nil, false, err
}

// remains returns how a log goes on that was read up to a mark and cannot be read any more: with the end of it that the
// artifact keeps. What is missing is said. A reader that comes without a mark reads from an offset on.
func remains(a *step.Attempt, m *mark, offset int64, why string) []byte {
	known := recorded(a)
	if known == nil {
		return nil // it never had a pod
	}
	why = "the log of pod " + known.JobID + " cannot be read any more: " + why
	end, whole := "", false
	switch {
	case known.Output == nil || *known.Output == noLog:
	default:
		end, whole = *known.Output, len(*known.Output) < tailBytes && strings.Count(*known.Output, "\n") < tailLines
	}
	switch {
	case m.n > 0:
		rest, found := m.rest(end, whole)
		switch {
		case end == "":
			return notice(m, why)
		case !found:
			return append(notice(m, why+"; what follows is its end"), end...)
		}
		return []byte(rest)
	case whole:
	case end == "":
		end = string(notice(m, why))
	default:
		end = string(notice(m, why+"; what follows is its end")) + end
	}
	return []byte(end[min(offset, int64(len(end))):])
}

// notice is a line of this program in a log, after what a mark says was read.
func notice(m *mark, text string) []byte {
	line := []byte("[maestro: " + text + "]\n")
	if n := len(m.last); n > 0 && m.last[n-1] != '\n' {
		line = append([]byte{'\n'}, line...)
	}
	return line
}

// underWay reports whether a job is at work that may yet have a pod.
func (cl *cluster) underWay(j *job) bool {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return cl.jobs[j.a.UUID] != nil
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
	s := newStream(j.a.UUID, offset)
	var ctx context.Context
	ctx, s.close = context.WithCancel(l.cl.ctx)
	l.cl.wg.Go(func() { s.pump(ctx, l.cl, j) })
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
