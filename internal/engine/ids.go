package engine

import (
	"sync/atomic"
	"time"

	"maestro/internal/store"
)

// ids gives out run ids: milliseconds, node and a counter in one number, so that they are unique without asking the
// store and grow with time, which keeps new rows together in every index.
//
//	bits 22-62  milliseconds since 1970
//	bits 14-21  node
//	bits  0-13  counter; a millisecond that has used them up borrows from the next
type ids struct {
	node int64
	last atomic.Int64 // the id given last, without the node: milliseconds << 14 | counter
}

func (g *ids) next() store.RunID {
	now := time.Now().UnixMilli() << 14
	for {
		last := g.last.Load()
		n := max(now, last+1)
		if g.last.CompareAndSwap(last, n) {
			return store.RunID(n>>14<<22 | g.node<<14 | n&(1<<14-1))
		}
	}
}
