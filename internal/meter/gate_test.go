package meter_test

import (
	"sync"
	"testing"
	"testing/synctest"

	"maestro/internal/meter"
)

// TestGate has many evaluations become large: never more than there are turns for, while small ones go on, and one that
// would exceed its limit anyway takes no turn.
func TestGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const size, turns = 50_000_000, 2
		g := meter.NewGate(turns)
		var mu sync.Mutex
		atWork := 0
		release := make(chan struct{})
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				m := meter.New(meter.Limits{})
				if !m.Enter(g) || m.Enter(g) {
					t.Error("an evaluation enters once")
				}
				defer m.Leave()
				if err := m.Memory(size); err != nil {
					t.Error(err)
				}
				mu.Lock()
				atWork++
				mu.Unlock()
				<-release
				if _, memory := m.Spent(); memory != size {
					t.Errorf("%d bytes are counted", memory)
				}
				mu.Lock()
				atWork--
				mu.Unlock()
			})
		}
		synctest.Wait()
		if atWork != turns {
			t.Errorf("%d are at work", atWork)
		}
		small := meter.New(meter.Limits{})
		small.Enter(g)
		if err := small.Memory(1000); err != nil {
			t.Error(err)
		}
		if err := small.Memory(size * size); err == nil {
			t.Error("beyond the limit it goes on")
		}
		small.Leave()
		for range 10 {
			release <- struct{}{}
			synctest.Wait()
			if atWork > turns {
				t.Errorf("%d are at work", atWork)
			}
		}
		all.Wait()
	})
}
