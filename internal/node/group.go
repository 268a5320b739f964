package node

import (
	"context"
	"sync"
)

// group counts what its owner waits for. Unlike a sync.WaitGroup it takes nobody in any more once the owner waits, and the
// wait can be given up.
type group struct {
	mu     sync.Mutex
	n      int
	ending bool
	empty  chan struct{} // closed when ending and n is 0
}

func newGroup() *group { return &group{empty: make(chan struct{})} }

// enter adds one, which leave takes away again. It reports false when it is too late for that.
func (g *group) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ending {
		return false
	}
	g.n++
	return true
}

func (g *group) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n--
	g.closeIfEmptyLocked()
}

func (g *group) closeIfEmptyLocked() {
	if g.ending && g.n == 0 {
		close(g.empty)
	}
}

// run calls f in a goroutine that end waits for, unless it is too late for that.
func (g *group) run(f func()) {
	if !g.enter() {
		return
	}
	go func() {
		defer g.leave()
		f()
	}()
}

// end takes nobody in any more and waits until all have left, or for ctx: then it reports false.
func (g *group) end(ctx context.Context) bool {
	g.mu.Lock()
	if !g.ending {
		g.ending = true
		g.closeIfEmptyLocked()
	}
	g.mu.Unlock()
	select {
	case <-g.empty:
		return true
	default:
	}
	select {
	case <-g.empty:
		return true
	case <-ctx.Done():
		return false
	}
}
