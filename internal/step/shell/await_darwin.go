package shell

import (
	"context"
	"time"
)

// await waits until nobody has the lock any more: it reports true then, at once if nobody had. It reports false after
// d, and when ctx ends. This system does not tell a waiting reader that the last writer of a fifo is gone, so it asks.
func (f folder) await(ctx context.Context, d time.Duration) bool {
	tick := time.NewTicker(newsTime)
	defer tick.Stop()
	over := time.After(d)
	for {
		if lock, err := f.tryLock(); err == nil {
			lock.Close()
			return true
		}
		select {
		case <-tick.C:
		case <-over:
			return false
		case <-ctx.Done():
			return false
		}
	}
}
