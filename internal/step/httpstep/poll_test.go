package httpstep

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/step"
	"maestro/internal/step/steptest"
)

// TestPoll sends a request until the answer is good, in the pace that is configured, and tells what changes.
func TestPoll(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	var last atomic.Int64
	const pace = 50 * time.Millisecond
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().UnixNano()
		if before := last.Swap(now); before != 0 && time.Duration(now-before) < pace {
			t.Errorf("sent again after %s", time.Duration(now-before))
		}
		switch i := n.Add(1); {
		case i < 5:
			w.WriteHeader(202)
		case i < 7:
			w.WriteHeader(202)
			fmt.Fprint(w, "half done")
		case i < 8:
			w.WriteHeader(206)
		}
	})
	rt := open(t, Config{Poll: pace})
	r, rep := run(t, rt, attempt(s.URL, "state_expr", "202=CONTINUE,206=CONTINUE,200=DONE"))
	if rep.State != step.Done || n.Load() != 8 {
		t.Fatalf("%d requests, %+v", n.Load(), rep)
	}
	var told []string
	for _, rep := range r.All() {
		line := rep.State.String()
		if rep.Artifacts != nil {
			line += " artifact"
		}
		for _, l := range rep.Timeline {
			line += " " + strings.Join(strings.Fields(l.Message)[3:4], "") + l.Message[strings.LastIndex(l.Message, ";"):]
		}
		told = append(told, line)
	}
	want := []string{
		"CONTINUE artifact 202; state_expr makes it CONTINUE, so it is sent again every 50ms",
		"CONTINUE artifact",
		"CONTINUE artifact 206; state_expr makes it CONTINUE, so it is sent again every 50ms",
		"DONE artifact 200; state_expr makes it DONE",
	}
	if got := strings.Join(told, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("told:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	wantIdle(t, rt)
}

// TestLargePollsAreToldRarely keeps the journal from growing with every answer.
func TestLargePollsAreToldRarely(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		i := n.Add(1)
		if i < 20 {
			w.WriteHeader(202)
		}
		fmt.Fprint(w, i, strings.Repeat("x", smallBody))
	})
	rt := open(t, Config{Poll: time.Millisecond})
	r, rep := run(t, rt, attempt(s.URL, "state_expr", "202=CONTINUE,200=DONE"))
	if all := r.All(); rep.State != step.Done || len(all) != 2 {
		t.Errorf("%d reports, want 2: %+v", len(all), rep)
	}
}

// TestStopBetweenPolls ends an attempt that waits; no request follows.
func TestStopBetweenPolls(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	s := server(t, func(w http.ResponseWriter, r *http.Request) { n.Add(1); w.WriteHeader(202) })
	rt := open(t, Config{Poll: 100 * time.Millisecond})
	a := attempt(s.URL, "state_expr", "CONTINUE")
	r, stopped := steptest.NewRecorder(10*time.Second), steptest.NewRecorder(10*time.Second)
	rt.Start(t.Context(), a, r)
	waitFor(t, "it waits", func() bool { return len(r.All()) > 0 && r.Artifacts()[artifactKey] != nil })
	rt.Stop(t.Context(), a, stopped)
	if got := stopped.Want(t, step.Stopped); got.Timeline[0].Message != "Stopped after 1 HTTP requests" {
		t.Errorf("%+v", got)
	}
	r.Want(t, step.Stopped)
	wantIdle(t, rt) // nothing is due later
	if n.Load() != 1 {
		t.Errorf("%d requests, want 1", n.Load())
	}
}

// TestContextEndsBetweenPolls lets go of an attempt that waits.
func TestContextEndsBetweenPolls(t *testing.T) {
	t.Parallel()
	s := server(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(202) })
	rt := open(t, Config{Poll: 50 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	r := steptest.NewRecorder(time.Second)
	rt.Start(ctx, attempt(s.URL, "state_expr", "CONTINUE"), r)
	waitFor(t, "it waits", func() bool { return len(r.All()) > 0 })
	cancel()
	wantIdle(t, rt)
	if r.Ended() {
		t.Errorf("%+v", r.All())
	}
}

// TestStopCancels reports a stop only when the request is gone, and at once.
func TestStopCancels(t *testing.T) {
	t.Parallel()
	var alive atomic.Int64
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		alive.Add(1)
		defer alive.Add(-1)
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	rt := open(t, Config{})
	a := attempt(s.URL)
	a.Deadline = time.Now().Add(time.Hour)
	r, stopped := steptest.NewRecorder(10*time.Second), steptest.NewRecorder(10*time.Second)
	rt.Start(t.Context(), a, r)
	waitFor(t, "it is sent", func() bool { return alive.Load() == 1 })
	from := time.Now()
	rt.Stop(t.Context(), a, stopped)
	if got := stopped.Want(t, step.Stopped); got.Timeline[0].Message != "Cancelled the HTTP request" {
		t.Errorf("%+v", got)
	}
	if d := time.Since(from); d > 2*time.Second {
		t.Errorf("it took %s", d)
	}
	r.Want(t, step.Stopped)
	waitFor(t, "the server sees it end", func() bool { return alive.Load() == 0 })
	wantIdle(t, rt)
}

// TestGraceAtTheDeadline waits for the answer of a step that timed out, but not for ever.
func TestGraceAtTheDeadline(t *testing.T) {
	t.Parallel()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/never" {
			<-r.Context().Done()
			return
		}
		time.Sleep(200 * time.Millisecond)
		io.WriteString(w, "late")
	})
	for _, c := range []struct {
		path          string
		grace         time.Duration
		start, stop   step.State
		wantsArtifact bool
	}{
		{"/late", 5 * time.Second, step.Done, step.Stopped, true},
		{"/never", 200 * time.Millisecond, step.Stopped, step.Stopped, false},
		{"/late", -1, step.Stopped, step.Stopped, false},
	} {
		rt := open(t, Config{Grace: c.grace})
		a := attempt(s.URL + c.path)
		a.Deadline = time.Now().Add(-time.Millisecond)
		r, stopped := steptest.NewRecorder(10*time.Second), steptest.NewRecorder(10*time.Second)
		rt.Start(t.Context(), a, r)
		waitFor(t, "it runs", func() bool { return len(r.All()) > 0 })
		rt.Stop(t.Context(), a, stopped)
		rt.Stop(t.Context(), a, stopped) // an engine asks again
		got := stopped.Want(t, c.stop)
		if has := got.Artifacts[artifactKey] != nil; has != c.wantsArtifact {
			t.Errorf("%s within %s: %+v", c.path, c.grace, got)
		}
		r.Want(t, c.start)
		wantIdle(t, rt)
	}
}

// TestNothingAfterTheEnd has everything else come too late that a call may say or hear.
func TestNothingAfterTheEnd(t *testing.T) {
	t.Parallel()
	rt := open(t, Config{})
	a := attempt("http://127.0.0.1")
	r := steptest.NewRecorder(time.Second)
	c := &call{a: a, ctx: t.Context(), place: -1, starts: []step.Reporter{r}}
	c.end(rt, a, step.Report{State: step.Stopped})
	c.announce(rt, a, false)
	c.proceed(rt, a, outcome{report: step.Report{Timeline: info("x")}, status: 202})
	if n := len(r.All()); n != 1 {
		t.Errorf("%d reports, want 1", n)
	}
	if c.join(rt, r) {
		t.Error("somebody joined a call that has ended, and will never hear of it")
	}
}
