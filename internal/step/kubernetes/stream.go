package kubernetes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"maestro/internal/kube"
)

// stream is one open log, and the goroutine that reads it. When the log breaks off, it is opened again and read on from
// where it was; if that place is not there any more, the reader is told.
type stream struct {
	uuid  string
	at    int64 // what read returns next; belongs to the reader
	close context.CancelFunc
	idle  *time.Timer

	moved, room chan struct{} // one slot: there is more, or an end; something was taken
	open        chan struct{} // closed when it is known whether there is anything to read

	skip int64 // where to begin while nothing was read; belongs to the goroutine
	mark *mark // of what was put into the buffer; belongs to the goroutine, and after its end to the reader

	mu    sync.Mutex
	buf   []byte
	err   error // why nothing follows; errEnded: that was all
	whole bool  // the container has ended: what it wrote will come without a pause
}

var errEnded = errors.New("the log has ended")

const (
	streamWait = 100 * time.Millisecond // for more to come, before saying that there is nothing
	openWait   = 10 * time.Second       // for the first answer of a node
	resumeMin  = 200 * time.Millisecond
	resumeMax  = time.Second
	maxResumes = 5 // without a byte more, of a log that has ended
)

func newStream(uuid string, offset int64) *stream {
	return &stream{
		uuid: uuid, at: offset, skip: offset, mark: newMark(),
		moved: make(chan struct{}, 1), room: make(chan struct{}, 1), open: make(chan struct{}),
	}
}

// pump reads the log of a job's pod into the buffer, but for what was read before, and never far ahead of the reader.
func (s *stream) pump(ctx context.Context, cl *cluster, j *job) {
	opened := sync.OnceFunc(func() { close(s.open) })
	defer opened()
	wait := kube.Backoff{Min: resumeMin, Max: resumeMax}
	for fails := 0; ; {
		before := s.mark.n
		over, err := s.readOn(ctx, cl, j, opened)
		switch {
		case ctx.Err() != nil:
			return
		case over && errors.Is(err, io.EOF):
			s.end(errEnded)
			return
		case over && unreadable(err):
			s.end(logLost(oneLine(err.Error())))
			return
		case over && fails >= maxResumes, kube.Code(err) == 403:
			s.end(fmt.Errorf("read the log of pod %s: %w", j.name, err))
			return
		}
		fails++
		if s.mark.n > before {
			fails = 0
			wait.Reset()
		}
		opened()
		select {
		case <-time.After(wait.Next(nil)):
		case <-ctx.Done():
			return
		}
	}
}

// readOn opens the log and reads on until it ends or breaks off. It reports whether the container had ended before: then
// the end of the log is all there will be.
func (s *stream) readOn(ctx context.Context, cl *cluster, j *job, opened func()) (over bool, err error) {
	p, err := cl.api.Pod(ctx, j.ns, j.name)
	switch {
	case kube.NotFound(err) && cl.underWay(j) && recorded(j.a) == nil:
		return false, err // it has yet to be made
	case kube.NotFound(err), err == nil && cl.foreign(j.a, p) != "":
		return true, errNoPod
	case err != nil:
		return true, err
	}
	st := observe(p)
	switch {
	case st.hindered == tombstoned, st.over && st.silent:
		return true, io.EOF
	case st.cut:
		return true, logLost("its node does not answer")
	}
	at, gap := s.skip, false
	if s.mark.n > 0 {
		if at, gap, err = s.place(ctx, cl, j); err != nil {
			return st.over, err
		}
	}
	body, err := cl.api.PodLog(ctx, j.ns, j.name, kube.LogOptions{Container: containerName, Follow: true, Previous: st.again})
	if err != nil {
		return st.over, err
	}
	defer body.Close()
	s.mu.Lock()
	s.whole = st.over
	s.mu.Unlock()
	opened()
	log := bufio.NewReaderSize(body, 16<<10)
	if err := sorry(log); err != nil {
		return st.over, err
	}
	if s.mark.n == 0 { // of what an earlier stream has read, this one takes note
		if _, err := io.CopyN(s.mark, log, at); err != nil {
			s.mark = newMark()
			return st.over, err
		}
	} else if _, err := io.CopyN(io.Discard, log, at); err != nil {
		return st.over, err
	}
	if gap {
		told := notice(s.mark, "the log broke off, and its node does not have that place any more; it goes on with what there is")
		s.mark, s.skip = newMark(), 0
		if err := s.add(ctx, told); err != nil {
			return st.over, err
		}
	}
	return st.over, s.copy(ctx, log)
}

var errNoPod = logLost("there is no such pod any more")

// place finds where to go on in the log as it is now. It reports a gap if the log does not have that place any more.
func (s *stream) place(ctx context.Context, cl *cluster, j *job) (at int64, gap bool, err error) {
	body, err := cl.api.PodLog(ctx, j.ns, j.name, kube.LogOptions{Container: containerName})
	if err != nil {
		return 0, false, err
	}
	defer body.Close()
	at, found, err := s.mark.find(body)
	if err != nil || found {
		return at, false, err
	}
	return 0, true, nil
}

// sorry returns an error if a log is not one, but the apology of a node.
func sorry(log *bufio.Reader) error {
	_, _ = log.Peek(1)
	first, _ := log.Peek(log.Buffered())
	if apology(first) == nil {
		return nil
	}
	all, err := log.Peek(maxApology) // which is all of it, if it ends there
	if errors.Is(err, io.EOF) {
		return apology(all)
	}
	return nil
}

// copy reads into the buffer until the log ends or breaks off.
func (s *stream) copy(ctx context.Context, log io.Reader) error {
	piece := make([]byte, 16<<10)
	for {
		n, err := log.Read(piece)
		if n > 0 {
			if err := s.add(ctx, piece[:n]); err != nil {
				return err
			}
			_, _ = s.mark.Write(piece[:n])
		}
		if err != nil {
			return err
		}
	}
}

// add appends to the buffer, when there is room.
func (s *stream) add(ctx context.Context, p []byte) error {
	for {
		s.mu.Lock()
		if len(s.buf) == 0 || len(s.buf)+len(p) <= maxAhead {
			s.buf = append(s.buf, p...)
			s.mu.Unlock()
			signal(s.moved)
			return nil
		}
		s.mu.Unlock()
		select {
		case <-s.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// end says why nothing follows.
func (s *stream) end(err error) {
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
	signal(s.moved)
}

// goOn lets the reader go on with what is left elsewhere of a log that has ended.
func (s *stream) goOn(rest []byte) {
	s.mu.Lock()
	s.buf, s.err = rest, errEnded
	s.mu.Unlock()
}

// read returns what there is, after waiting a moment for something. An error says that nothing follows.
func (s *stream) read(ctx context.Context, n int) ([]byte, error) {
	t := time.NewTimer(openWait)
	defer t.Stop()
	select {
	case <-s.open:
	case <-t.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	pause := streamWait
	if s.whole {
		pause = logStall
	}
	s.mu.Unlock()
	t.Reset(pause)
	for {
		s.mu.Lock()
		if len(s.buf) > 0 {
			n = min(n, len(s.buf))
			data := append([]byte(nil), s.buf[:n]...)
			s.buf = s.buf[n:]
			s.mu.Unlock()
			s.at += int64(n)
			signal(s.room)
			return data, nil
		}
		err := s.err
		s.mu.Unlock()
		if err != nil {
			return nil, err
		}
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
