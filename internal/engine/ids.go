package engine

import (
	"sync/atomic"

	"maestro/internal/store"
)

// ids gives out run ids: milliseconds, node and a counter in one number, so that they are unique without asking the
// store and grow with time, which keeps new rows together in every index. They grow also when the clock is set back.
//
//	bits 22-62  milliseconds since 1970
//	bits 14-21  node
//	bits  0-13  counter; a millisecond that has used them up borrows from the next
type ids struct {
	node  int64
	clock *clock
	last  atomic.Int64 // the id given last, without the node: milliseconds << 14 | counter
}

func (g *ids) next() store.RunID {
	now := g.clock.now() << 14
	for {
		last := g.last.Load()
		n := max(now, last+1)
		if g.last.CompareAndSwap(last, n) {
			return store.RunID(n>>14<<22 | g.node<<14 | n&(1<<14-1))
		}
	}
}

// above sees to it that every further id is above one that was given before.
func (g *ids) above(id store.RunID) {
	if last := millisOf(id)<<14 | int64(id)&(1<<14-1); last > g.last.Load() {
		g.last.Store(last)
	}
}

// millisOf returns when an id was given.
func millisOf(id store.RunID) int64 { return int64(id) >> 22 }
