package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// A heap that may grow further between two collections needs fewer of them: memory buys CPU. What the right price is depends
// on the load. Thousands of steps that wait for the world outside make next to no garbage, and memory is all they need; ten
// thousand steps a second make so much that collecting it early costs more than the memory does. So the share of the
// machine that goes into collecting is measured, and the room that the heap has is made to fit it.
const (
	gcEvery = time.Second
	gcLeast = 50 // percent of the live heap that may be garbage; Go's own default is 100
	gcMost  = 300
	gcCheap = 0.015 // share of the machine's CPU below which there is less room,
	gcDear  = 0.04  // and above which there is more
)

// tuneGC adjusts the collector until ctx ends. GOGC, if it is set, has the last word.
func tuneGC(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := 100
	debug.SetGCPercent(percent)
	go func() {
		tick := time.NewTicker(gcEvery)
		defer tick.Stop()
		before := readCPU()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			now := readCPU()
			if next := gcPercent(percent, now.since(before)); next != percent {
				percent = next
				debug.SetGCPercent(percent)
			}
			before = now
		}
	}()
}

// gcPercent returns the percentage that follows after an interval in which collecting took the given share of the CPU.
func gcPercent(percent int, share float64) int {
	switch {
	case share > gcDear:
		return min(percent*3/2, gcMost)
	case share < gcCheap:
		return max(percent*4/5, gcLeast)
	}
	return percent
}

// cpu is CPU time in seconds: what the collector has taken from others, and what there was.
type cpu struct{ collecting, all float64 }

func readCPU() cpu {
	s := []metrics.Sample{
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/cpu/classes/gc/mark/idle:cpu-seconds"}, // nobody else wanted it
		{Name: "/cpu/classes/total:cpu-seconds"},
	}
	metrics.Read(s)
	return cpu{collecting: s[0].Value.Float64() - s[1].Value.Float64(), all: s[2].Value.Float64()}
}

// since returns the share that collecting took since an earlier reading, 0 if nothing was collected.
func (c cpu) since(before cpu) float64 {
	if c.all <= before.all { // Go counts at the end of a collection
		return 0
	}
	return (c.collecting - before.collecting) / (c.all - before.all)
}
