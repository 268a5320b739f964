package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// answering is the service that HTTP steps of the benchmark call: it answers after some seconds, and measures how long
// the server under measurement takes from one step's answer to the next step's request.
type answering struct {
	mu       sync.Mutex
	rand     *rand.Rand
	atOnce   bool
	inFlight int
	most     int
	answered map[string]time.Time // by run: when its last step was answered
	hops     []time.Duration
}

func newAnswering() *answering {
	return &answering{rand: rand.New(rand.NewPCG(1, 2)), atOnce: true, answered: make(map[string]time.Time)}
}

func (s *answering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	run := r.URL.Query().Get("run")
	select {
	case <-time.After(s.asked(run, time.Now())):
	case <-r.Context().Done():
	}
	s.mu.Lock()
	s.inFlight--
	s.answered[run] = time.Now()
	s.mu.Unlock()
	_, _ = w.Write([]byte(`{"ok":true}`))
}

// asked notes a request and returns after which time it is to be answered.
func (s *answering) asked(run string, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight++
	if s.atOnce {
		return 0
	}
	s.most = max(s.most, s.inFlight)
	if before, ok := s.answered[run]; ok {
		s.hops = append(s.hops, now.Sub(before))
	}
	return time.Second + time.Duration(s.rand.Int64N(int64(9*time.Second))) // no waves: runs are not in step
}

// slowly ends the warm-up.
func (s *answering) slowly() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.atOnce = false
	clear(s.answered)
}

const httpChain = 5 // steps of each run

// httpSteps keeps n runs of five HTTP steps in flight, each of which is answered after 1 to 10 seconds. What it reports is
// not how fast the service is but what the engine adds: from the answer to one step to the request of the next one.
func (b *bench) httpSteps(ctx context.Context, n int, kind string) error {
	s := newAnswering()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = h.Serve(l) }()
	defer h.Close()
	ids, err := b.pushHTTP(ctx, l.Addr().String(), n)
	if err != nil {
		return err
	}
	if err := b.warmUp(ctx, ids[0]); err != nil {
		return err
	}
	s.slowly()

	before, err := b.stats(ctx)
	if err != nil {
		return err
	}
	idle, began := b.rss(), time.Now()
	if err := b.startRuns(ctx, ids, n); err != nil {
		return err
	}
	var sizes []float64 // of the server while most of the requests are in flight
	goroutines := 0
	for {
		st, err := b.stats(ctx)
		if err != nil {
			return err
		}
		goroutines = max(goroutines, st.Goroutines)
		s.mu.Lock()
		if s.inFlight > n*9/10 {
			sizes = append(sizes, b.rss()-idle)
		}
		s.mu.Unlock()
		if st.RunsEnded-before.RunsEnded >= int64(n) {
			break
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	elapsed := time.Since(began)
	s.mu.Lock()
	hops, most := s.hops, s.most
	s.mu.Unlock()
	if err := b.row(ctx, "http", n, kind, hops, elapsed, float64(n*httpChain), before); err != nil {
		return err
	}
	if b.child != nil && len(sizes) > 0 {
		slices.Sort(sizes)
		per := func(mb float64) float64 { return mb * 1024 / float64(n) }
		b.p.note("http: %d requests in flight at most; the server has %.1f KB more memory per step in flight than before (peak %.1f KB), and %d goroutines at most",
			most, per(sizes[len(sizes)/2]), per(sizes[len(sizes)-1]), goroutines)
	}
	return nil
}

// pushHTTP pushes workflows of HTTP steps that call address, as many as n runs at the same time need.
func (b *bench) pushHTTP(ctx context.Context, address string, n int) (ids []string, err error) {
	chain := make([]string, httpChain)
	for i := range chain {
		next := ""
		if i+1 < len(chain) {
			next = fmt.Sprintf(`,"transition":{"successors":{"s%d":"true"}}`, i+1)
		}
		chain[i] = fmt.Sprintf(`{"step":{"id":"s%d","type":"Http","params":{"http":{"type":"MAP","value":{"url":{"type":"STRING","value":"http://%s/?run=${key}"}}}}%s}}`,
			i, address, next)
	}
	for range (n + 999) / 1000 {
		id, err := b.push(ctx, chain)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// warmUp runs and reads some workflows, so that what a server has once, such as connections to its store, is not taken for
// what a step costs.
func (b *bench) warmUp(ctx context.Context, id string) error {
	const n = 1000
	before, err := b.stats(ctx)
	if err != nil {
		return err
	}
	if err := b.startRuns(ctx, []string{id}, n); err != nil {
		return err
	}
	for ended := int64(0); ended < n; {
		st, err := b.stats(ctx)
		if err != nil {
			return err
		}
		ended = st.RunsEnded - before.RunsEnded
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return inParallel(n, func(i int) error {
		return b.call(ctx, http.MethodGet, fmt.Sprintf("/api/v3/workflows/%s/instances/%d", id, i+1), "", nil)
	})
}

// startRuns starts n runs, of one workflow after the other.
func (b *bench) startRuns(ctx context.Context, ids []string, n int) error {
	return inParallel(n, func(i int) error {
		body := fmt.Sprintf(`{"initiator":{"type":"manual"},"run_params":{"key":{"type":"STRING","value":"%d"}}}`, i)
		return b.call(ctx, http.MethodPost, "/api/v3/workflows/"+ids[i%len(ids)]+"/versions/latest/actions/start", body, nil)
	})
}

// inParallel calls f with 0 to n-1, and returns one of the errors if there are any.
func inParallel(n int, f func(i int) error) error {
	var wg sync.WaitGroup
	errs := make(chan error, n)
	slots := make(chan struct{}, 32)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := f(i); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
