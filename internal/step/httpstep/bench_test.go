package httpstep

import (
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/step"
)

func heapBytes() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// BenchmarkWaiting measures what an attempt costs that waits for its turn, and one that waits for its next request.
// Attempts share their params, as those of a run do with the run.
func BenchmarkWaiting(b *testing.B) {
	const n = 20_000
	s := server(b, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			<-r.Context().Done()
		}
		w.WriteHeader(202)
	})
	for _, where := range []string{"queue", "poll"} {
		b.Run(where, func(b *testing.B) {
			for b.Loop() {
				cfg := Config{MaxInFlight: 8, Poll: time.Hour}
				path := "/hold"
				if where == "poll" {
					cfg.MaxInFlight, path = 16, "/"
				}
				rt := open(b, cfg)
				like := attempt(s.URL+path, "state_expr", "CONTINUE")
				all := make([]*step.Attempt, n)
				for i := range all {
					a := *like
					a.UUID = fmt.Sprintf("%s-%d", like.UUID, i)
					all[i] = &a
				}
				before, goroutines := heapBytes(), runtime.NumGoroutine()
				var told atomic.Int64
				r := reporterFunc(func(step.Report) { told.Add(1) })
				for _, a := range all {
					rt.Start(b.Context(), a, r)
				}
				for told.Load() < n || where == "poll" && func() bool { _, q, w, _ := rt.counts(); return q+w > 0 }() {
					time.Sleep(time.Millisecond)
				}
				b.ReportMetric(float64(heapBytes()-before)/n, "B/waiting")
				b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/n, "goroutines/waiting")
				runtime.KeepAlive(all)
				rt.Close()
			}
		})
	}
}

type reporterFunc func(step.Report)

func (f reporterFunc) Report(r step.Report) { f(r) }

// BenchmarkInFlight measures what a request costs that is under way, server's side excluded as far as that goes: it is in
// the same process, so its share is measured with the same number of idle connections and subtracted.
func BenchmarkInFlight(b *testing.B) {
	const n = 2_000
	var alive atomic.Int64
	s := server(b, func(w http.ResponseWriter, r *http.Request) {
		alive.Add(1)
		defer alive.Add(-1)
		<-r.Context().Done()
	})
	for b.Loop() {
		bare := func(hold func() func()) (float64, float64) {
			before, goroutines := heapBytes(), runtime.NumGoroutine()
			release := hold()
			for alive.Load() < n {
				time.Sleep(time.Millisecond)
			}
			bytes, g := float64(heapBytes()-before)/n, float64(runtime.NumGoroutine()-goroutines)/n
			release()
			for alive.Load() > 0 {
				time.Sleep(time.Millisecond)
			}
			return bytes, g
		}
		serverBytes, serverG := bare(func() func() {
			conns := dialRaw(b, s.Listener.Addr().String(), n)
			return func() {
				for _, c := range conns {
					c.Close()
				}
			}
		})
		rt := open(b, Config{MaxInFlight: n, Timeout: time.Minute})
		bytes, g := bare(func() func() {
			for range n {
				rt.Start(b.Context(), attempt(s.URL), reporterFunc(func(step.Report) {}))
			}
			return rt.Close
		})
		b.ReportMetric(bytes-serverBytes, "B/flying")
		b.ReportMetric(g-serverG, "goroutines/flying")
	}
}

// BenchmarkQuick measures whole attempts against a server in the same process that answers at once.
func BenchmarkQuick(b *testing.B) {
	s := server(b, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(`{"ok":true}`)) })
	rt := open(b, Config{MaxInFlight: 64})
	var done sync.WaitGroup
	slots := make(chan struct{}, 256)
	b.ReportAllocs()
	for b.Loop() {
		slots <- struct{}{}
		done.Add(1)
		rt.Start(b.Context(), attempt(s.URL), reporterFunc(func(r step.Report) {
			if r.State.Final() {
				<-slots
				done.Done()
			}
		}))
	}
	done.Wait()
}

// dialRaw opens n connections and sends a request on each.
func dialRaw(b *testing.B, address string, n int) []net.Conn {
	b.Helper()
	var out []net.Conn
	for range n {
		c, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		out = append(out, c)
	}
	return out
}
