package catalog

import (
	"sync"
	"sync/atomic"
)

// cache keeps values up to a number of bytes and forgets those that were not asked for lately. Values are shared and
// never changed.
//
// It is a clock: a hit sets a mark under a read lock, so hits do not wait for each other; the hand of an insertion takes
// marks away and removes what has none.
type cache[K comparable, V any] struct {
	limit int64

	mu    sync.RWMutex
	items map[K]*item[K, V]
	ring  []*item[K, V]
	hand  int
	bytes int64
}

type item[K comparable, V any] struct {
	key   K
	value V
	bytes int64
	at    int // in ring
	used  atomic.Bool
}

func newCache[K comparable, V any](limit int64) *cache[K, V] {
	return &cache[K, V]{limit: limit, items: make(map[K]*item[K, V])}
}

func (c *cache[K, V]) get(key K) (v V, ok bool) {
	c.mu.RLock()
	it := c.items[key]
	c.mu.RUnlock()
	if it == nil {
		return v, false
	}
	if !it.used.Load() {
		it.used.Store(true)
	}
	return it.value, true
}

// put keeps value, which weighs about so many bytes. A value heavier than the cache is not kept.
func (c *cache[K, V]) put(key K, value V, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removeLocked(c.items[key])
	if bytes > c.limit {
		return
	}
	for c.bytes+bytes > c.limit {
		c.evictLocked()
	}
	it := &item[K, V]{key: key, value: value, bytes: bytes, at: len(c.ring)}
	c.items[key] = it
	c.ring = append(c.ring, it)
	c.bytes += bytes
}

func (c *cache[K, V]) drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removeLocked(c.items[key])
}

// dropIf forgets all values that match.
func (c *cache[K, V]) dropIf(match func(K) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, it := range c.items {
		if match(key) {
			c.removeLocked(it)
		}
	}
}

func (c *cache[K, V]) evictLocked() {
	for {
		if c.hand >= len(c.ring) {
			c.hand = 0
		}
		it := c.ring[c.hand]
		if !it.used.Swap(false) {
			c.removeLocked(it)
			return
		}
		c.hand++
	}
}

func (c *cache[K, V]) removeLocked(it *item[K, V]) {
	if it == nil {
		return
	}
	last := len(c.ring) - 1
	c.ring[it.at] = c.ring[last]
	c.ring[it.at].at = it.at
	c.ring[last] = nil
	c.ring = c.ring[:last]
	delete(c.items, it.key)
	c.bytes -= it.bytes
}
