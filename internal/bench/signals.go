package bench

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// signals has n steps wait for signals of n/10 names, and measures from the request that announces one of them to the end
// of the ten steps that it wakes.
func (b *Bench) signals(ctx context.Context, n int, kind string) error {
	const wide, each = 100, 10
	steps := make([]string, wide)
	for i := range steps {
		steps[i] = fmt.Sprintf(`{"step":{"id":"s%d","type":"NoOp","signal_dependencies":[{"name":"bench/${key}/%d"}]}}`, i, i)
	}
	runs := max(n/wide, each)
	var ids []string
	for range (runs + 999) / 1000 {
		id, err := b.push(ctx, steps)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	key := func(run int) string { return fmt.Sprintf("%s-%d", ids[0], run/each) }
	err := inParallel(runs, func(i int) error {
		body := fmt.Sprintf(`{"initiator":{"type":"manual"},"run_params":{"key":{"type":"STRING","value":%q}}}`, key(i))
		return b.call(ctx, http.MethodPost, "/api/v3/workflows/"+ids[i/1000]+"/versions/latest/actions/start", body, nil)
	})
	if err != nil {
		return err
	}
	if err := pause(ctx, 5*time.Second); err != nil { // until most of them have left memory
		return err
	}
	before, err := b.stats(ctx)
	if err != nil {
		return err
	}
	var took []time.Duration
	began, ended := time.Now(), before.StepsEnded
	for i := 0; time.Since(began) < b.cfg.Length && i < runs/each*wide; i++ {
		asked := time.Now()
		body := fmt.Sprintf(`{"name":"bench/%s/%d"}`, key(i*each%runs), i*each/runs%wide)
		if err := b.call(ctx, http.MethodPost, "/api/v3/signals", body, nil); err != nil {
			return err
		}
		for ended += each; ; {
			st, err := b.stats(ctx)
			if err != nil {
				return err
			}
			if st.StepsEnded >= ended {
				break
			}
			time.Sleep(200 * time.Microsecond)
			if time.Since(asked) > time.Minute {
				return fmt.Errorf("%d of %d steps were woken within a minute", each-int(ended-st.StepsEnded), each)
			}
		}
		took = append(took, time.Since(asked))
	}
	return b.row(ctx, "signals", n, kind, took, time.Since(began), float64(len(took)*each), before)
}
