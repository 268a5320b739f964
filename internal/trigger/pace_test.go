package trigger

import (
	"fmt"
	"testing"
	"time"
)

// TestPace lets a trigger start its burst at once and then so many a second, whatever others do.
func TestPace(t *testing.T) {
	t.Parallel()
	p := &pace{perSecond: 2}
	now := time.UnixMilli(1_000_000)
	for n := range 2 * burst {
		if wait := p.take("a", now); wait != 0 {
			t.Fatalf("run %d of the burst waits %s", n+1, wait)
		}
	}
	if wait := p.take("a", now); wait != 500*time.Millisecond {
		t.Errorf("the next waits %s, want half a second", wait)
	}
	if wait := p.take("b", now); wait != 0 {
		t.Errorf("another trigger waits %s", wait)
	}
	begun := 0
	for range 1000 { // ten seconds
		now = now.Add(10 * time.Millisecond)
		if p.take("a", now) == 0 {
			begun++
		}
	}
	if begun < 19 || begun > 21 {
		t.Errorf("%d runs in ten seconds, want 20", begun)
	}
	for n := range 2 * maxBuckets {
		p.take(fmt.Sprint("one of many ", n), now)
		now = now.Add(time.Second)
	}
	if len(p.buckets) > maxBuckets {
		t.Errorf("%d buckets", len(p.buckets))
	}
	if wait := (&pace{}).take("a", now); wait != 0 {
		t.Errorf("without a limit it waits %s", wait)
	}
}
