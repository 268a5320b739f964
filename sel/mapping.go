package sel

import "iter"

// mapping is the storage of a MAP: entries in the order they were put, with an index once there are many.
type mapping struct {
	entries []entry
	index   map[string]int // nil while a scan is cheaper
	keys    int            // bytes of all keys
}

// entry binds a key to a cell. Several maps and variables may share the cell.
type entry struct {
	key  string
	cell *Value
}

const indexFrom = 9

// Entry is one key and its value, to make a MAP of.
type Entry struct {
	Key   string
	Value Value
}

// Map makes a MAP. Of two entries with the same key the later wins. The order of the entries matters only where keys
// collide, see [Value.Entries].
func Map(entries ...Entry) Value {
	m := &mapping{entries: make([]entry, 0, len(entries))}
	for _, e := range entries {
		cell := e.Value
		m.put(e.Key, &cell)
	}
	return mapValue(m)
}

// NullMap is the null-valued MAP of a declaration without a value.
func NullMap() Value { return Value{kind: KindMap, null: true} }

// Get is the value stored in a MAP under key.
func (v Value) Get(key string) (Value, bool) {
	if v.kind != KindMap || v.null {
		return Value{}, false
	}
	c := v.mapping().get(key)
	if c == nil {
		return Value{}, false
	}
	return *c, true
}

// Entries yields the entries of a MAP in the order of the original implementation, which is that of a Java HashMap, so
// that texts and JSON come out the same.
func (v Value) Entries() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.kind != KindMap || v.null {
			return
		}
		for _, e := range v.mapping().ordered() {
			if !yield(e.key, *e.cell) {
				return
			}
		}
	}
}

func (m *mapping) find(key string) int {
	if m.index != nil {
		if i, ok := m.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range m.entries {
		if m.entries[i].key == key {
			return i
		}
	}
	return -1
}

func (m *mapping) get(key string) *Value {
	if i := m.find(key); i >= 0 {
		return m.entries[i].cell
	}
	return nil
}

// put stores cell under key and returns the cell it replaced, or nil.
func (m *mapping) put(key string, cell *Value) *Value {
	if i := m.find(key); i >= 0 {
		old := m.entries[i].cell
		m.entries[i].cell = cell
		return old
	}
	m.entries = append(m.entries, entry{key, cell})
	m.keys += len(key)
	switch {
	case m.index != nil:
		m.index[key] = len(m.entries) - 1
	case len(m.entries) == indexFrom:
		m.index = make(map[string]int, 2*indexFrom)
		for i, e := range m.entries {
			m.index[e.key] = i
		}
	}
	return nil
}

// What putting entries in order takes: bytes for each entry, and steps for each of weight.
const (
	orderSize = 48
	orderWork = 4
)

// weight is about how much there is to hash.
func (m *mapping) weight() int { return len(m.entries) + m.keys>>3 }

// ordered returns the entries by bucket of a Java HashMap, and within a bucket by age. The table has a power of two
// of buckets, at least 16, and is never more than three quarters full.
func (m *mapping) ordered() []entry {
	if len(m.entries) < 2 {
		return m.entries
	}
	size := uint32(16)
	for 4*len(m.entries) > 3*int(size) {
		size *= 2
	}
	buckets := make([]uint32, len(m.entries))
	ends := make([]int32, size)
	for i, e := range m.entries {
		h := javaHash(e.key)
		buckets[i] = (h ^ h>>16) & (size - 1)
		ends[buckets[i]]++
	}
	end := int32(0)
	for i, n := range ends {
		ends[i] = end
		end += n
	}
	out := make([]entry, len(m.entries))
	for i, b := range buckets {
		out[ends[b]] = m.entries[i]
		ends[b]++
	}
	return out
}

// javaHash is String.hashCode, over UTF-16 code units.
func javaHash(s string) uint32 {
	var h uint32
	for _, r := range s {
		if r > 0xFFFF {
			r -= 0x10000
			h = 31*h + (0xD800 + uint32(r>>10))
			r = 0xDC00 + r&0x3FF
		}
		h = 31*h + uint32(r)
	}
	return h
}
