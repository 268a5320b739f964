package kube

import (
	"math/rand/v2"
	"time"
)

// Backoff is how long to wait between tries that fail: longer each time, never exactly as long as others do.
type Backoff struct {
	Min, Max time.Duration

	tries int
}

// Next returns how long to wait after one more failure, not less than the server asked for.
func (b *Backoff) Next(err error) time.Duration {
	d := b.Min << min(b.tries, 16)
	if d > b.Max || d <= 0 {
		d = b.Max
	}
	b.tries++
	d = d/2 + rand.N(d/2+1)
	return max(d, RetryAfter(err))
}

// Reset is called after a success.
func (b *Backoff) Reset() { b.tries = 0 }
