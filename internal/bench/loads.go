package bench

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"maestro/internal/node"
)

const startBody = `{"initiator":{"type":"manual"}}`

// push defines a workflow of the steps and returns its id.
func (b *Bench) push(ctx context.Context, steps []string) (string, error) {
	b.ids++
	id := fmt.Sprintf("bench-%d-%d", time.Now().UnixMilli(), b.ids)
	body := fmt.Sprintf(`{"properties":{"owner":"bench","run_strategy":{"rule":"PARALLEL","workflow_concurrency":1000}},"workflow":{"id":%q,"steps":[%s]}}`,
		id, strings.Join(steps, ","))
	return id, b.call(ctx, http.MethodPost, "/api/v3/workflows", body, nil)
}

func stepType(kind string) string {
	return map[string]string{"noop": "NoOp", "task": string(TypeTask)}[kind]
}

func chainSteps(n int, kind string) []string {
	steps := make([]string, n)
	for i := range steps {
		next := ""
		if i+1 < n {
			next = fmt.Sprintf(`,"transition":{"successors":{"s%d":"true"}}`, i+1)
		}
		steps[i] = fmt.Sprintf(`{"step":{"id":"s%d","type":%q%s}}`, i, stepType(kind), next)
	}
	return steps
}

type started struct {
	Instance int64 `json:"workflow_instance_id"`
}

func (b *Bench) start(ctx context.Context, id string) (int64, error) {
	var s started
	err := b.call(ctx, http.MethodPost, "/api/v3/workflows/"+id+"/versions/latest/actions/start", startBody, &s)
	return s.Instance, err
}

// observe follows a run by its event stream until it ends.
func (b *Bench) observe(ctx context.Context, id string, instance int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/api/v3/workflows/%s/instances/%d/events", b.url, id, instance), nil)
	if err != nil {
		return err
	}
	resp, err := b.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if lines.Text() == "event: end" {
			return nil
		}
	}
	return fmt.Errorf("the events of %s/%d ended before the run did: %w", id, instance, lines.Err())
}

// starts measures starts at a given rate, whether or not earlier ones have been answered.
func (b *Bench) starts(ctx context.Context, _ int, kind string) error {
	id, err := b.push(ctx, chainSteps(1, kind))
	if err != nil {
		return err
	}
	for range 50 { // connections and caches
		if _, err := b.start(ctx, id); err != nil {
			return err
		}
	}
	before, err := b.stats(ctx)
	if err != nil {
		return err
	}
	var (
		mu     sync.Mutex
		took   []time.Duration
		failed error
		wg     sync.WaitGroup
	)
	began := time.Now()
	every := time.NewTicker(time.Second / time.Duration(b.cfg.Rate))
	defer every.Stop()
	for time.Since(began) < b.cfg.Length {
		<-every.C
		wg.Go(func() {
			t := time.Now()
			_, err := b.start(ctx, id)
			d := time.Since(t)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
			}
			took = append(took, d)
		})
	}
	wg.Wait()
	if failed != nil {
		return failed
	}
	n := float64(len(took))
	return b.row(ctx, "start", 1, kind, took, time.Since(began), n, before)
}

// oneByOne measures runs that follow each other, from the request to the observed end. It calls warm, if not nil, after the
// first runs, which do not count.
func (b *Bench) oneByOne(ctx context.Context, name string, n int, kind string, steps []string, warm func() error) error {
	id, err := b.push(ctx, steps)
	if err != nil {
		return err
	}
	one := func() (time.Duration, error) {
		t := time.Now()
		instance, err := b.start(ctx, id)
		if err == nil {
			err = b.observe(ctx, id, instance)
		}
		return time.Since(t), err
	}
	for range 20 {
		if _, err := one(); err != nil {
			return err
		}
	}
	if warm != nil {
		if err := warm(); err != nil {
			return err
		}
	}
	before, err := b.stats(ctx)
	if err != nil {
		return err
	}
	var took []time.Duration
	began := time.Now()
	for time.Since(began) < b.cfg.Length {
		d, err := one()
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	return b.row(ctx, name, n, kind, took, time.Since(began), float64(len(took)*len(steps)), before)
}

func (b *Bench) chain(ctx context.Context, n int, kind string) error {
	return b.oneByOne(ctx, "chain", n, kind, chainSteps(n, kind), nil)
}

func (b *Bench) fan(ctx context.Context, n int, kind string) error {
	steps := []string{}
	next := make([]string, n)
	for i := range n {
		next[i] = fmt.Sprintf(`"f%d":"true"`, i)
		steps = append(steps, fmt.Sprintf(`{"step":{"id":"f%d","type":%q,"transition":{"successors":{"join":"true"}}}}`, i, stepType(kind)))
	}
	steps = append(steps, `{"step":{"id":"root","type":"NoOp","transition":{"successors":{`+strings.Join(next, ",")+`}}}}`, `{"step":{"id":"join","type":"NoOp"}}`)
	return b.oneByOne(ctx, "fan", n, kind, steps, nil)
}

// hop measures inside of the server, where one Task step's end and the next one's beginning can be told apart from the
// time that requests take.
func (b *Bench) hop(ctx context.Context, n int, kind string) error {
	forget := func() error {
		_, err := b.hops(ctx)
		return err
	}
	if err := b.oneByOne(ctx, "hop", n, kind, chainSteps(n, kind), forget); err != nil {
		return err
	}
	h, err := b.hops(ctx)
	if err != nil {
		return err
	}
	r := &b.rows[len(b.rows)-1]
	r.P50, r.P99, r.Max = h.P50, h.P99, h.Max
	return nil
}

// throughput keeps n runs of five steps in flight.
func (b *Bench) throughput(ctx context.Context, n int, kind string) error {
	var ids []string
	for range 8 { // a workflow id runs at most 1000 at a time
		id, err := b.push(ctx, chainSteps(5, kind))
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	first, err := b.stats(ctx)
	if err != nil {
		return err
	}
	var started, ended atomic.Int64
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	errs := make(chan error, 1)
	for w := range 48 {
		wg.Go(func() {
			for i := w; ctx.Err() == nil; i++ {
				if started.Load()-ended.Load() >= int64(n) {
					time.Sleep(500 * time.Microsecond)
					continue
				}
				started.Add(1)
				if _, err := b.start(ctx, ids[i%len(ids)]); err != nil && ctx.Err() == nil {
					select {
					case errs <- err:
					default:
					}
					return
				}
			}
		})
	}
	poll := func(until time.Time) (s node.Stats, err error) {
		for time.Now().Before(until) {
			if s, err = b.stats(ctx); err != nil {
				return s, err
			}
			ended.Store(s.RunsEnded - first.RunsEnded)
			select {
			case err := <-errs:
				return s, err
			case <-time.After(2 * time.Millisecond):
			}
		}
		return s, nil
	}
	before, err := poll(time.Now().Add(b.cfg.Length / 3)) // the ramp
	if err != nil {
		return err
	}
	began := time.Now()
	after, err := poll(began.Add(b.cfg.Length))
	if err != nil {
		return err
	}
	elapsed := time.Since(began)
	return b.row(ctx, "throughput", n, kind, nil, elapsed, float64(after.StepsEnded-before.StepsEnded), before)
}

// sleepers measures the memory of steps that sleep for an hour.
func (b *Bench) sleepers(ctx context.Context, n int, _ string) error {
	const wide = 100
	var steps []string
	for i := range wide {
		steps = append(steps, fmt.Sprintf(`{"step":{"id":"z%d","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":3600}}}}`, i))
	}
	before, err := b.stats(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	left := n / wide
	for left > 0 {
		id, err := b.push(ctx, steps)
		if err != nil {
			return err
		}
		for range min(left, 1000) {
			if _, err := b.start(ctx, id); err != nil {
				return err
			}
			left--
		}
	}
	return b.row(ctx, "sleepers", n, "sleep", nil, time.Since(began), float64(n), before)
}
