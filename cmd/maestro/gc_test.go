package main

import (
	"runtime"
	"testing"
)

// TestGCPercent lets the heap grow while collecting is dear, and no further than it may.
func TestGCPercent(t *testing.T) {
	settle := func(percent int, share float64) int {
		for range 100 {
			percent = gcPercent(percent, share)
		}
		return percent
	}
	for _, c := range []struct {
		share      float64
		from, want int
	}{{0, 300, gcLeast}, {0.10, 50, gcMost}, {0.02, 120, 120}, {0.02, 50, 50}} {
		if got := settle(c.from, c.share); got < c.want-10 || got > c.want+10 {
			t.Errorf("from %d with a share of %g: %d, want about %d", c.from, c.share, got, c.want)
		}
	}
}

// TestCPU reads a share that grows with the work of the collector.
func TestCPU(t *testing.T) {
	runtime.GC()
	before := readCPU()
	if got := before.since(before); got != 0 {
		t.Errorf("share of no time: %g", got)
	}
	for range 20 {
		runtime.GC()
	}
	if got := readCPU().since(before); got <= 0 || got > 1 {
		t.Errorf("share while collecting all the time: %g", got)
	}
}
