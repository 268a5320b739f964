package catalog

import (
	"strconv"
	"sync"
	"testing"
)

func TestCacheForgetsTheUnused(t *testing.T) {
	t.Parallel()
	c := newCache[int, string](100)
	for i := range 10 {
		c.put(i, strconv.Itoa(i), 10)
	}
	c.get(3)
	c.get(7)
	for i := 10; i < 18; i++ { // room for all but the two that were asked for
		c.put(i, strconv.Itoa(i), 10)
	}
	for _, key := range []int{3, 7, 17} {
		if v, ok := c.get(key); !ok || v != strconv.Itoa(key) {
			t.Errorf("%d was forgotten", key)
		}
	}
	if _, ok := c.get(0); ok || c.bytes != 100 || len(c.items) != len(c.ring) {
		t.Errorf("%d bytes, %d items, %d in the ring", c.bytes, len(c.items), len(c.ring))
	}
	c.put(99, "heavy", 101)
	if _, ok := c.get(99); ok {
		t.Error("a value heavier than the cache is kept")
	}
	c.dropIf(func(key int) bool { return key != 3 })
	if len(c.items) != 1 || c.bytes != 10 {
		t.Errorf("%d items left", len(c.items))
	}
}

func TestCacheConcurrently(t *testing.T) {
	t.Parallel()
	c := newCache[int, int](1000)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 5000 {
				key := (i*7 + g) % 300
				if v, ok := c.get(key); ok && v != key {
					t.Errorf("%d has value %d", key, v)
				}
				if i%5 == 0 {
					c.put(key, key, 10)
				}
				if i%50 == 0 {
					c.drop(key)
				}
			}
		})
	}
	wg.Wait()
	if c.bytes > 1000 || int64(len(c.items))*10 != c.bytes {
		t.Errorf("%d bytes for %d items", c.bytes, len(c.items))
	}
}
