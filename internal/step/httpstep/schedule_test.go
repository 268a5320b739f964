package httpstep

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"maestro/internal/step/steptest"
)

// TestQueueKeepsOrder pushes and pops at random, and takes some out of the middle.
func TestQueueKeepsOrder(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var s schedule
	var want []*call
	for range 20_000 {
		switch n := r.IntN(10); {
		case n < 5 || r.IntN(1000) == 0:
			c := &call{place: -1}
			s.push(c)
			want = append(want, c)
		case n < 6 && len(want) > 0:
			i := r.IntN(len(want))
			want[i].state = over
			want = append(want[:i], want[i+1:]...)
		default:
			c := s.pop()
			if len(want) == 0 {
				if c != nil {
					t.Fatal("something from an empty queue")
				}
				continue
			}
			if c != want[0] {
				t.Fatal("out of order")
			}
			c.state = flying
			want = want[1:]
		}
		if len(s.queue) > 2*(len(s.queue)-s.head)+130 {
			t.Fatalf("a queue of %d for %d", len(s.queue), len(s.queue)-s.head)
		}
	}
}

// TestDueInOrder makes calls due, changes its mind, and takes them as time goes by.
func TestDueInOrder(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	var s schedule
	base := time.Now()
	calls := map[*call]time.Time{}
	for range 3000 {
		c := &call{place: -1}
		at := base.Add(time.Duration(r.IntN(1_000_000)))
		s.at(c, at)
		calls[c] = at
		if r.IntN(3) == 0 {
			calls[c] = base.Add(time.Duration(r.IntN(1_000_000)))
			s.at(c, calls[c])
		}
		if r.IntN(5) == 0 {
			s.forget(c)
			s.forget(c)
			delete(calls, c)
		}
	}
	for now := base; len(calls) > 0; {
		c, wait := s.next(now)
		if c == nil {
			now = now.Add(wait)
			continue
		}
		if at := calls[c]; at.After(now) {
			t.Fatalf("%s too early", at.Sub(now))
		} else if now.After(at) && !at.Equal(now) && len(calls) > 1 && s.later.Len() > 0 && s.later[0].due.Before(at) {
			t.Fatal("out of order")
		}
		delete(calls, c)
	}
	if c, wait := s.next(base); c != nil || wait < time.Minute {
		t.Errorf("an empty schedule gives %v, %s", c, wait)
	}
}

// TestMemoryForgets keeps what is recent and stays small.
func TestMemoryForgets(t *testing.T) {
	t.Parallel()
	var m memory
	for i := range 3 * memorySize {
		m.add(fmt.Sprint(i))
		if !m.has(fmt.Sprint(i)) || i > 100 && !m.has(fmt.Sprint(i-100)) {
			t.Fatalf("%d is forgotten at once", i)
		}
		if len(m.now)+len(m.before) > 2*memorySize {
			t.Fatal("it grows")
		}
	}
	if m.has("0") {
		t.Error("it remembers for ever")
	}
}

// TestCloseLeavesNothing closes a runtime in the midst of everything that can be under way. It runs alone.
func TestCloseLeavesNothing(t *testing.T) {
	silent := raw(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	endless := raw(t, func(c net.Conn) {
		hears(c)
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		for err := error(nil); err == nil; time.Sleep(time.Millisecond) {
			_, err = io.WriteString(c, "x")
		}
	})
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(202)
		io.WriteString(w, strings.Repeat("x", 10))
	})
	before := clientGoroutines()
	rt := open(t, Config{MaxInFlight: 50})
	for i := range 200 {
		a := attempt([]string{silent, strings.Replace(silent, "http", "https", 1), endless, s.URL, "http://127.0.0.1:1"}[i%5], "state_expr", "CONTINUE")
		rt.Start(t.Context(), a, steptest.NewRecorder(time.Second))
		if i%7 == 0 {
			rt.Stop(t.Context(), a, steptest.NewRecorder(time.Second))
		}
	}
	time.Sleep(50 * time.Millisecond)
	from := time.Now()
	rt.Close()
	if _, _, workers, _ := rt.counts(); workers != 0 {
		t.Errorf("%d workers go on", workers)
	}
	if d := time.Since(from); d > 2*time.Second {
		t.Errorf("closing took %s", d)
	}
	if !within(2*time.Second, func() bool { return clientGoroutines() <= before }) {
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines, want %d:\n%s", clientGoroutines(), before, buf[:runtime.Stack(buf, true)])
	}
}

// clientGoroutines counts the goroutines that are not those of servers of tests.
func clientGoroutines() int {
	buf := make([]byte, 8<<20)
	all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	n := 0
	for _, g := range all {
		if strings.Contains(g, "net/http.(*Transport)") || strings.Contains(g, "net/http.(*persistConn)") || strings.Contains(g, "httpstep.(*Runtime)") || strings.Contains(g, "crypto/tls.(*Conn).clientHandshake") {
			n++
		}
	}
	return n
}

func within(d time.Duration, ok func() bool) bool {
	for end := time.Now().Add(d); ; time.Sleep(2 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// TestStartsAndStopsRace has many attempts started, started again, and stopped from all sides: each ends once for its
// starter, and nothing is left.
func TestStartsAndStopsRace(t *testing.T) {
	t.Parallel()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
		w.WriteHeader(200 + 2*rand.IntN(2))
	})
	rt := open(t, Config{MaxInFlight: 8, Poll: time.Millisecond})
	var all []*steptest.Recorder
	for range 300 {
		a := attempt(s.URL, "state_expr", "202=CONTINUE,200=DONE")
		started, stopped := steptest.NewRecorder(10*time.Second), steptest.NewRecorder(10*time.Second)
		go rt.Start(t.Context(), a, started)
		if rand.IntN(2) == 0 {
			go rt.Stop(t.Context(), a, stopped)
			all = append(all, stopped)
		}
		all = append(all, started)
		if rand.IntN(2) == 0 {
			again := steptest.NewRecorder(10 * time.Second)
			go func() {
				time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond)
				rt.Start(t.Context(), a, again)
			}()
			all = append(all, again)
		}
	}
	for _, r := range all {
		r.Final(t)
		ends := 0
		for _, rep := range r.All() {
			if rep.State.Final() {
				ends++
			}
		}
		if last := r.All()[len(r.All())-1]; ends != 1 || !last.State.Final() {
			t.Errorf("%d ends, the last report is %s", ends, last.State)
		}
	}
	wantIdle(t, rt)
}
