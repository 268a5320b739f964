package kubernetes

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"maestro/internal/step"
	"maestro/internal/step/steptest"
)

// readAll reads a log in pieces until nothing more can come.
func readAll(t *testing.T, rt *Runtime, a *step.Attempt, piece int) string {
	t.Helper()
	var b strings.Builder
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		data, more, err := rt.ReadLog(t.Context(), a, stdout, int64(b.Len()), piece)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(data)
		if len(data) == 0 && !more {
			return b.String()
		}
	}
	t.Fatalf("no end of the log; so far %q", b.String())
	return ""
}

func TestReadLog(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	rt := f.open(t)
	a := attempt("", "image", "forever")
	r := start(t, rt, a)
	text := strings.Repeat("some text\n", 5000)
	more := make(chan struct{})
	f.Writes(f.Await(t, a.UUID), func(w http.ResponseWriter, _ *http.Request) { // and follows
		io.WriteString(w, text)
		w.(http.Flusher).Flush()
		<-more
		io.WriteString(w, "the end\n")
	})
	var got strings.Builder
	for got.Len() < len(text) {
		data, more, err := rt.ReadLog(t.Context(), a, stdout, int64(got.Len()), 1000)
		if err != nil || !more {
			t.Fatalf("more: %t, error: %v", more, err)
		}
		got.Write(data)
	}
	if got.String() != text {
		t.Fatal("what was read is not what was written")
	}
	if data, more, err := rt.ReadLog(t.Context(), a, stdout, int64(got.Len()), 1000); len(data) != 0 || !more || err != nil {
		t.Fatalf("got %q, more: %t, error: %v; want to be told to come back", data, more, err)
	}
	close(more)
	f.end(t, a, 0)
	final := r.Want(t, step.Done)
	if got := readAll(t, rt, a, 7777); got != text+"the end\n" {
		t.Errorf("read %d bytes, want %d", len(got), len(text)+8)
	}
	if data, more, err := rt.ReadLog(t.Context(), a, stdout, 1<<40, 10); len(data) != 0 || more || err != nil {
		t.Errorf("beyond the end: %q, more: %t, error: %v", data, more, err)
	}

	f.Lose(a.UUID) // what the artifact has is better than nothing
	again := *a
	again.Artifacts = final.Artifacts
	if got := readAll(t, rt, &again, 100); !strings.HasSuffix(got, "the end\n") || len(got) > tailBytes {
		t.Errorf("of the pod that is gone: %d bytes", len(got))
	}
}

func TestReadLogRefuses(t *testing.T) {
	t.Parallel()
	rt := newFake(t).open(t)
	a := attempt("", "image", "x")
	if _, _, err := rt.ReadLog(t.Context(), a, "stderr", 0, 10); err == nil {
		t.Error("no error for a stream that there is not")
	}
	if _, _, err := rt.ReadLog(t.Context(), a, stdout, -1, 10); err == nil {
		t.Error("no error for a negative offset")
	}
	if data, more, err := rt.ReadLog(t.Context(), a, stdout, 0, 10); len(data) != 0 || more || err != nil {
		t.Errorf("of no pod: %q, more: %t, error: %v", data, more, err)
	}
}

// TestManyReaders has more people follow logs than there are streams: the last ones win, and nothing piles up.
func TestManyReaders(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	rt := f.open(t)
	var all []*step.Attempt
	for i := range 2 * maxStreams {
		a := attempt(fmt.Sprintf("reader-%d", i), "image", "forever")
		r := steptest.NewRecorder(time.Second)
		rt.Start(t.Context(), a, r)
		f.Writes(f.Await(t, a.UUID), func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "hello")
			w.(http.Flusher).Flush()
			time.Sleep(time.Second)
		})
		all = append(all, a)
	}
	for _, a := range all {
		eventually(t, "read the log of "+a.UUID, func() bool {
			data, _, err := rt.ReadLog(t.Context(), a, stdout, 0, 10)
			return err == nil && string(data) == "hello"
		})
	}
	rt.cl.logs.mu.Lock()
	defer rt.cl.logs.mu.Unlock()
	if n := len(rt.cl.logs.streams) + rt.cl.logs.busy; n > maxStreams {
		t.Errorf("%d streams are open, want at most %d", n, maxStreams)
	}
}

// writer is a log that grows, breaks off, and whose beginning a node may drop.
type writer struct {
	mu      sync.Mutex
	changed *sync.Cond
	log     []byte
	over    bool
	cuts    int // how often a reader that follows is cut off
	every   int // after so many bytes
	clean   bool
	turn    int // how often the log was replaced: who reads another one is cut off
}

func newWriter(text string) *writer {
	w := &writer{log: []byte(text)}
	w.changed = sync.NewCond(&w.mu)
	return w
}

func (l *writer) serve(w http.ResponseWriter, r *http.Request) {
	follow := r.URL.Query().Get("follow") != ""
	l.mu.Lock()
	defer l.mu.Unlock()
	turn := l.turn
	stop := context.AfterFunc(r.Context(), func() { l.change(func() {}) })
	defer stop()
	for sent, cut := 0, 0; r.Context().Err() == nil; {
		if l.turn != turn {
			panic(http.ErrAbortHandler)
		}
		log := l.log[min(sent, len(l.log)):]
		if follow && l.cuts > 0 {
			log = log[:min(len(log), l.every-cut)]
		}
		w.Write(log)
		w.(http.Flusher).Flush()
		sent, cut = sent+len(log), cut+len(log)
		switch {
		case follow && l.cuts > 0 && cut >= l.every:
			if l.cuts--; l.clean {
				return
			}
			panic(http.ErrAbortHandler)
		case !follow, l.over && sent >= len(l.log):
			return
		case sent >= len(l.log):
			l.changed.Wait()
		}
	}
}

func (l *writer) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	l.changed.Broadcast()
}

// numbered returns lines that are all different.
func numbered(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "line %06d of what the job writes\n", i)
	}
	return b.String()
}

// readUntil reads a log on until it ends with a text.
func readUntil(t *testing.T, rt *Runtime, a *step.Attempt, b *strings.Builder, end string) {
	t.Helper()
	eventually(t, "read until "+end, func() bool {
		data, more, err := rt.ReadLog(t.Context(), a, stdout, int64(b.Len()), 5000)
		if err != nil || !more {
			t.Fatalf("more: %t, error: %v, after %d bytes", more, err, b.Len())
		}
		b.Write(data)
		return strings.HasSuffix(b.String(), end)
	})
}

// readOn reads a log on until nothing more can come, and returns all of it.
func readOn(t *testing.T, rt *Runtime, a *step.Attempt, b *strings.Builder) string {
	t.Helper()
	for more := true; more; {
		data, m, err := rt.ReadLog(t.Context(), a, stdout, int64(b.Len()), 777)
		if err != nil {
			t.Fatal(err)
		}
		more = m
		b.Write(data)
	}
	return b.String()
}

// TestLogBreaksOff has a log break off again and again, before and after the end of its pod: the reader gets each line once.
func TestLogBreaksOff(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"Numbered": numbered(0, 3000), "AllTheSame": strings.Repeat("tick\n", 20_000)} {
		for how, c := range map[string]struct{ clean, over bool }{
			"WhileItRuns": {false, false}, "ToAnEndWhileItRuns": {true, false}, "WhenItHasEnded": {false, true},
		} {
			t.Run(name+how, func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				rt := f.open(t)
				a := attempt("", "image", "holds")
				r := start(t, rt, a)
				eventually(t, "running", begun(r))
				log := newWriter(text)
				log.clean = c.clean
				log.every = len(text) / 3
				pod := f.Await(t, a.UUID)
				f.Writes(pod, log.serve)
				if c.over {
					log.change(func() { log.over = true })
					f.end(t, a, 0)
					r.Want(t, step.Done)
				}
				log.change(func() { log.cuts = 2 })
				var b strings.Builder
				readUntil(t, rt, a, &b, text[len(text)/2:])
				if !c.over {
					log.change(func() { log.over = true })
					f.end(t, a, 0)
				}
				for more := true; more; {
					var data []byte
					var err error
					if data, more, err = rt.ReadLog(t.Context(), a, stdout, int64(b.Len()), 5000); err != nil {
						t.Fatal(err)
					}
					b.Write(data)
				}
				if b.String() != text {
					t.Errorf("read %d bytes, want %d", b.Len(), len(text))
				}
				log.change(func() {
					if log.cuts > 0 {
						t.Errorf("%d cuts are left", log.cuts)
					}
				})
			})
		}
	}
}

// TestLogRotates has a node drop the beginning of a log while it is read and the connection breaks: what follows the last
// line read is found where it is now, or else it is said that something may be missing.
func TestLogRotates(t *testing.T) {
	t.Parallel()
	const gap = "[maestro: the log broke off, and its node does not have that place any more; it goes on with what there is]\n"
	same := func(n int) string { return strings.Repeat("tick\n", n) + "tock\n" }
	for name, c := range map[string]struct{ read, kept, want string }{
		"BehindTheReader": {numbered(0, 1000), numbered(500, 2000), numbered(0, 2000)},
		"BeyondTheReader": {numbered(0, 1000), numbered(1500, 2000), numbered(0, 1000) + gap + numbered(1500, 2000)},
		"NobodyKnows":     {same(1000), same(900) + same(700) + "end\n", same(1000) + gap + same(900) + same(700) + "end\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			rt := f.open(t)
			a := attempt("", "image", "holds")
			r := start(t, rt, a)
			eventually(t, "running", begun(r))
			log := newWriter(c.read)
			f.Writes(f.Await(t, a.UUID), log.serve)
			var b strings.Builder
			readUntil(t, rt, a, &b, c.read)
			log.change(func() { log.log, log.over, log.turn = []byte(c.kept), true, 1 })
			f.end(t, a, 0)
			readUntil(t, rt, a, &b, c.want[len(c.want)-4:])
			if got := readOn(t, rt, a, &b); got != c.want {
				t.Errorf("read %d bytes, want %d", len(got), len(c.want))
			}
		})
	}
}

// TestLogGoesAway has a pod go while its log is read. The reader goes on with the end that the artifact keeps, without
// lines twice, and is told what is missing.
func TestLogGoesAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, total int
		want          func(text string) string
	}{
		"Whole": {50, 100, func(text string) string { return text }},
		"Near":  {2950, 3000, func(text string) string { return text }},
		"Far": {100, 3000, func(text string) string {
			return numbered(0, 100) + "[maestro: the log of pod POD cannot be read any more: there is no such pod any more; what follows is its end]\n" + numbered(3000-tailLines, 3000)
		}},
		"NothingRead": {0, 3000, func(string) string {
			return "[maestro: the log of pod POD cannot be read any more: there is no such pod any more; what follows is its end]\n" + numbered(3000-tailLines, 3000)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			rt := f.open(t)
			a := attempt("", "image", "holds")
			r := start(t, rt, a)
			eventually(t, "running", begun(r))
			log := newWriter(numbered(0, c.before))
			pod := f.Await(t, a.UUID)
			f.Writes(pod, log.serve)
			var b strings.Builder
			if c.before > 0 {
				readUntil(t, rt, a, &b, numbered(c.before-1, c.before))
			}
			text := numbered(0, c.total)
			f.Writes(pod, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("follow") == "" {
					io.WriteString(w, text)
				}
			})
			f.end(t, a, 0)
			r.Want(t, step.Done)
			f.Remove(pod)
			f.CloseClientConnections()
			ended := again(a, r)
			if got, want := readOn(t, rt, ended, &b), strings.ReplaceAll(c.want(text), "POD", a.UUID); got != want {
				t.Errorf("read %d bytes, want %d:\n%.3000s", len(got), len(want), got)
			}
		})
	}
}
