package sel

import (
	"container/list"
	"sync"
)

// Cache keeps compiled scripts by their text, the least recently used going first. It is safe for concurrent use.
// Texts that do not compile are not kept.
type Cache struct {
	maxEntries int
	maxBytes   int

	mu     sync.Mutex
	byKey  map[cacheKey]*list.Element
	recent list.List // of *cached, the latest used in front
	bytes  int
}

type cacheKey struct {
	text   string
	engine bool
}

type cached struct {
	key    cacheKey
	script *Script
	bytes  int
}

// NewCache makes a cache for at most so many scripts, which take at most about so many bytes.
func NewCache(maxEntries, maxBytes int) *Cache {
	return &Cache{maxEntries: maxEntries, maxBytes: maxBytes, byKey: make(map[cacheKey]*list.Element)}
}

// Compile is [Compile] for a text that may have been compiled before.
func (c *Cache) Compile(text string) (*Script, error) {
	return c.get(cacheKey{text, false}, Compile)
}

// CompileEngine is [CompileEngine] for a text that may have been compiled before.
func (c *Cache) CompileEngine(text string) (*Script, error) {
	return c.get(cacheKey{text, true}, CompileEngine)
}

// Len is the number of scripts kept.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.recent.Len()
}

func (c *Cache) get(key cacheKey, compile func(string) (*Script, error)) (*Script, error) {
	if s := c.find(key); s != nil {
		return s, nil
	}
	// Two goroutines may compile the same text at once; the result is the same, and neither waits for the other.
	s, err := compile(key.text)
	if err != nil {
		return nil, err
	}
	c.keep(key, s)
	return s, nil
}

func (c *Cache) find(key cacheKey) *Script {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return nil
	}
	c.recent.MoveToFront(e)
	return e.Value.(*cached).script
}

// perByte is about what a character of text takes as tree and nodes.
const perByte = 60

func (c *Cache) keep(key cacheKey, s *Script) {
	entry := &cached{key: key, script: s, bytes: 512 + perByte*len(key.text) + s.prog.bytes}
	if entry.bytes > c.maxBytes || c.maxEntries < 1 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[key]; ok {
		return
	}
	c.byKey[key] = c.recent.PushFront(entry)
	c.bytes += entry.bytes
	for c.bytes > c.maxBytes || c.recent.Len() > c.maxEntries {
		oldest := c.recent.Remove(c.recent.Back()).(*cached)
		delete(c.byKey, oldest.key)
		c.bytes -= oldest.bytes
	}
}
