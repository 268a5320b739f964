package server

import (
	"bytes"
	"context"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"maestro/api"
)

// memory is what request bodies, and what is made of them, may take up at a time. It has three pools, in the order in
// which a request passes them: for bytes that were read, and for the tree and all else that is made of them while a
// request is answered. Requests with little to do have a pool of their own, so that heavy ones do not hold them up.
//
// A request takes its share before the memory is allocated, waits for it for a bounded time, and gives it back when it
// is answered. It holds bytes of the first pool while it waits for a share of another, never the other way round. It may
// also wait for more of the first pool itself: one at a time goes beyond its size then. So waiting ends.
type memory struct {
	reading pool
	light   pool
	heavy   pool
	answers pool // for large answers, until their clients have read them; no part of the rest
	garbage garbage
}

// lightest is the weight up to which a request is light.
const lightest = 256 << 10

func newMemory(total int64) *memory {
	m := &memory{}
	m.reading.size, m.light.size, m.answers.size = total/4, total/8, total/2
	m.heavy.size = total - m.reading.size - m.light.size
	m.reading.size = max(m.reading.size-2*pushLimit, m.reading.size/2) // the rest is for the body that goes beyond it
	return m
}

// work takes what a body of a weight needs while its request is answered, and waits for it as long as it may.
func (m *memory) work(ctx context.Context, weight int64, within time.Duration) (share, error) {
	if weight <= lightest {
		return m.light.take(ctx, weight, within)
	}
	most := int64(max(2, runtime.GOMAXPROCS(0))) // more at a time would not be done sooner, and keep out the light ones
	s, err := m.heavy.take(ctx, max(weight, m.heavy.size/most), within)
	if err == nil {
		m.garbage.collect(m.heavy.size - m.heavy.inUse())
		s.freed = &m.garbage
	}
	return s, err
}

// share is a part of a pool.
type share struct {
	pool  *pool
	n     int64
	freed *garbage // told when it is given back; nil: nobody
}

// more waits until a share has another n bytes of a pool. If all that is in use is of shares that wait for more, none would
// ever get it: so the first of them gets it although there is no room, and is the only one until it is given back.
func (p *pool) more(ctx context.Context, s *share, n int64, within time.Duration) error {
	err := p.acquireFor(ctx, s, n, within)
	switch {
	case err == nil:
		s.pool, s.n = p, s.n+n
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return tooBusy()
}

// take waits for n bytes of a pool, or for all of it if that is less.
func (p *pool) take(ctx context.Context, n int64, within time.Duration) (share, error) {
	n = min(n, p.size)
	switch err := p.acquire(ctx, n, within); {
	case err == nil:
		return share{pool: p, n: n}, nil
	case ctx.Err() != nil:
		return share{}, ctx.Err()
	}
	return share{}, tooBusy()
}

func tooBusy() error {
	return api.Errorf(api.Unavailable, "the server is at work on as many large requests and answers as it has memory for (limits.memory), and the wait for it was longer than limits.wait; try again")
}

// release gives it back. The zero share is none.
func (s *share) release() {
	if s.pool == nil {
		return
	}
	if s.freed != nil {
		s.freed.add(s.n)
	}
	s.pool.giveBack(s)
	*s = share{}
}

// add makes more, of the same pool, a part of the share.
func (s *share) add(more share) {
	if more.pool != nil {
		s.pool = more.pool
		s.n += more.n
	}
}

// pool hands out shares of something limited, first come first served.
type pool struct {
	size int64

	mu    sync.Mutex
	held  int64
	queue []*waiter
	ahead *share // that may grow beyond the size, until it is given back; nil: none
}

type waiter struct {
	n     int64
	grows *share        // what n is added to; nil: a share of its own
	ready chan struct{} // closed when it has its share
}

// try takes n if there is as much, and nobody waits for it.
func (p *pool) try(n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) > 0 || p.held+n > p.size {
		return false
	}
	p.held += n
	return true
}

// acquire takes n, which is at most the size, or says why it cannot have it in time.
func (p *pool) acquire(ctx context.Context, n int64, within time.Duration) error {
	return p.acquireFor(ctx, nil, n, within)
}

// acquireFor is acquire for a share that grows, if it is not nil.
func (p *pool) acquireFor(ctx context.Context, s *share, n int64, within time.Duration) error {
	p.mu.Lock()
	w := &waiter{n: n, grows: s, ready: make(chan struct{})}
	p.queue = append(p.queue, w)
	p.nextLocked()
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.queue {
		if p.queue[i] == w {
			p.queue = append(p.queue[:i], p.queue[i+1:]...)
			p.nextLocked() // it may have been in the way
			return ctx.Err()
		}
	}
	return nil // granted at the same moment
}

func (p *pool) release(n int64) { p.giveBack(&share{n: n}) }

func (p *pool) giveBack(s *share) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held -= s.n
	if p.ahead == s {
		p.ahead = nil
	}
	p.nextLocked()
}

// nextLocked gives those who wait what there is for them.
func (p *pool) nextLocked() {
	for len(p.queue) > 0 && p.held+p.queue[0].n <= p.size {
		p.grantLocked(0)
	}
	for i, w := range p.queue {
		if w.grows == nil || w.grows != p.ahead && (p.ahead != nil || w.grows.n == 0) {
			continue
		}
		p.ahead = w.grows
		p.grantLocked(i)
		return
	}
}

func (p *pool) grantLocked(i int) {
	w := p.queue[i]
	p.queue = slices.Delete(p.queue, i, i+1)
	p.held += w.n
	close(w.ready)
}

func (p *pool) inUse() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

// garbage is memory that was given back and is not free before the collector has run. Left to itself the collector runs
// when the heap has doubled, so a pool would be used twice over.
type garbage struct {
	mu     sync.Mutex
	bytes  int64
	cycles uint64 // of the collector, when the last of it was made
}

func (g *garbage) add(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bytes += n
	g.cycles = cycles()
}

// collect sees to it that there is no more garbage than there is room for.
func (g *garbage) collect(room int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.bytes <= room {
		return
	}
	if cycles() < g.cycles+2 { // the first may have begun before the last of it was made
		runtime.GC()
	}
	g.bytes = 0
}

// cycles returns how often the collector has run.
func cycles() uint64 {
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// Memory that a body costs beside its text: so much for each byte that can begin or end a value. It is what parsing
// allocates in the worst of cases (TestWeight), with room for what is made of the tree.
const (
	perJSONValue = 250
	perYAMLValue = 450
)

// weigh says how much memory the work on a body takes. A text that is long and holds few values weighs little more than
// it has bytes.
func weigh(text []byte, kind string) int64 {
	var values, each int64
	switch kind {
	case "application/yaml":
		values, each = count(text, "\n,:-[{?#"), perYAMLValue
		if bytes.IndexByte(text, '&') >= 0 {
			values = max(values, aliased(text))
		}
	default:
		values, each = count(text, ",:[{"), perJSONValue
	}
	return 4*int64(len(text)) + (values+1)*each
}

func count(text []byte, of string) (n int64) {
	for i := range len(of) {
		n += int64(bytes.Count(text, []byte(of[i:i+1])))
	}
	return n
}

// aliased returns as how many values a text with aliases may count: an alias stands for all that its anchor does.
func aliased(text []byte) int64 {
	for i := range len(text) - 1 {
		if text[i] == '*' && isWord(text[i+1]) && (i == 0 || bytes.IndexByte([]byte(" \t\n[{,:-"), text[i-1]) >= 0) {
			return maxNodes
		}
	}
	return 0
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}
