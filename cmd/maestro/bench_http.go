package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// answering is the service that HTTP steps of the benchmark call: it answers after a while, and measures how long the
// server under measurement takes from one step's answer to the next step's request.
type answering struct {
	after time.Duration

	mu       sync.Mutex
	inFlight int
	most     int
	answered map[string]time.Time // by run: when its last step was answered
	hops     []time.Duration
}

func (s *answering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	run := r.URL.Query().Get("run")
	s.mu.Lock()
	if before, ok := s.answered[run]; ok {
		s.hops = append(s.hops, now.Sub(before))
	}
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	s.mu.Unlock()
	select {
	case <-time.After(s.after):
	case <-r.Context().Done():
	}
	s.mu.Lock()
	s.inFlight--
	s.answered[run] = time.Now()
	s.mu.Unlock()
	_, _ = w.Write([]byte(`{"ok":true}`))
}

// httpSteps keeps n runs of five HTTP steps in flight, each of which is answered after a second. What it reports is not
// how fast the service is but what the engine adds: from the answer to one step to the request of the next one.
func (b *bench) httpSteps(ctx context.Context, n int, kind string) error {
	s := &answering{after: time.Second, answered: make(map[string]time.Time)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = h.Serve(l) }()
	defer h.Close()

	const steps = 5
	chain := make([]string, steps)
	for i := range chain {
		next := ""
		if i+1 < steps {
			next = fmt.Sprintf(`,"transition":{"successors":{"s%d":"true"}}`, i+1)
		}
		chain[i] = fmt.Sprintf(`{"step":{"id":"s%d","type":"Http","params":{"http":{"type":"MAP","value":{"url":{"type":"STRING","value":"http://%s/?run=${key}"}}}}%s}}`,
			i, l.Addr(), next)
	}
	var ids []string
	for range (n + 999) / 1000 {
		id, err := b.push(ctx, chain)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	before, err := b.stats(ctx)
	if err != nil {
		return err
	}
	idle := b.rss()
	began := time.Now()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	slots := make(chan struct{}, 32)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			body := fmt.Sprintf(`{"initiator":{"type":"manual"},"run_params":{"key":{"type":"STRING","value":"%d"}}}`, i)
			if err := b.call(ctx, http.MethodPost, "/api/v3/workflows/"+ids[i%len(ids)]+"/versions/latest/actions/start", body, nil); err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return failed
	}
	busiest, goroutines := 0.0, 0
	for {
		st, err := b.stats(ctx)
		if err != nil {
			return err
		}
		busiest, goroutines = max(busiest, b.rss()), max(goroutines, st.Goroutines)
		if st.RunsEnded-before.RunsEnded >= int64(n) {
			break
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
	elapsed := time.Since(began)
	s.mu.Lock()
	hops, most := s.hops, s.most
	s.mu.Unlock()
	if err := b.row(ctx, "http", n, kind, hops, elapsed, float64(n*steps), before); err != nil {
		return err
	}
	if b.child != nil {
		b.p.note("http: %d requests in flight at most, %.1f KB of memory per step in flight, %d goroutines at most in the server",
			most, (busiest-idle)*1024/float64(max(most, 1)), goroutines)
	}
	return nil
}

// rss returns the present memory use of the server of its own, in megabytes.
func (b *bench) rss() float64 {
	if b.child == nil {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.child.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}
