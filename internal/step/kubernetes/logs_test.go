package kubernetes

import (
	"fmt"
	"io"
	"net/http"
	"strings"
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
