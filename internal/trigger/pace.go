package trigger

import (
	"sync"
	"time"
)

// pace limits how often each trigger starts a run: some at once, and then so many a second. Nothing is lost, what is too
// fast waits.
type pace struct {
	perSecond float64 // 0: no limit

	mu      sync.Mutex
	buckets map[string]bucket // by subscription
}

// bucket holds a trigger's right to start runs at once, which comes back with time.
type bucket struct {
	level float64
	at    time.Time
}

const (
	burst      = 100    // seconds' worth that may be started at once
	maxBuckets = 10_000 // beyond which those that are full are forgotten
)

// take returns how long the trigger must wait before it may start its next run; 0 takes the right to do so now.
func (p *pace) take(key string, now time.Time) time.Duration {
	if p.perSecond == 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b, ok := p.buckets[key]
	if !ok {
		if p.buckets == nil {
			p.buckets = make(map[string]bucket)
		}
		if len(p.buckets) >= maxBuckets {
			p.forgetFull(now)
		}
		b = bucket{level: burst * p.perSecond, at: now}
	}
	b = p.filled(b, now)
	wait := time.Duration(0)
	if b.level >= 1 {
		b.level--
	} else {
		wait = time.Duration((1 - b.level) / p.perSecond * float64(time.Second))
	}
	p.buckets[key] = b
	return wait
}

func (p *pace) filled(b bucket, now time.Time) bucket {
	return bucket{level: min(b.level+now.Sub(b.at).Seconds()*p.perSecond, burst*p.perSecond), at: now}
}

func (p *pace) forgetFull(now time.Time) {
	for key, b := range p.buckets {
		if p.filled(b, now).level >= burst*p.perSecond {
			delete(p.buckets, key)
		}
	}
}
