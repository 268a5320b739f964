package param

import (
	"hash/maphash"
	"iter"
)

// dict is a map that keeps the order of insertion: everywhere in this package order is meaning, since params are
// evaluated in the order of their map (params 10.1). Names never move once they are in.
//
// Small dicts are searched linearly; larger ones carry a hash table of positions. Copying one is copying slices, so a
// merge that changes little costs little.
type dict[T any] struct {
	names []string
	vals  []T
	slots []int32 // open addressing, position+1, power of two; nil while small

	shared bool // slots belong to another dict, too: copy before linking
}

const dictSmall = 8

// Len returns the number of entries.
func (d *dict[T]) Len() int { return len(d.names) }

// At returns the entry at position i.
func (d *dict[T]) At(i int) (string, T) { return d.names[i], d.vals[i] }

// Name returns the name at position i.
func (d *dict[T]) Name(i int) string { return d.names[i] }

// Get returns the entry called name.
func (d *dict[T]) Get(name string) (T, bool) {
	if i := d.Index(name); i >= 0 {
		return d.vals[i], true
	}
	var zero T
	return zero, false
}

// Has reports whether there is an entry called name.
func (d *dict[T]) Has(name string) bool { return d.Index(name) >= 0 }

// Index returns the position of name, or -1.
func (d *dict[T]) Index(name string) int {
	if d.slots == nil {
		for i, n := range d.names {
			if n == name {
				return i
			}
		}
		return -1
	}
	mask := uint32(len(d.slots) - 1)
	for h := hashName(name) & mask; ; h = (h + 1) & mask {
		at := d.slots[h]
		if at == 0 {
			return -1
		}
		// A slot beyond the names belongs to a dict that this one was copied from and that grew since.
		if int(at) <= len(d.names) && d.names[at-1] == name {
			return int(at - 1)
		}
	}
}

// All yields the entries in order.
func (d *dict[T]) All() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for i := range d.names {
			if !yield(d.names[i], d.vals[i]) {
				return
			}
		}
	}
}

// put replaces the entry called name in its place or appends it.
func (d *dict[T]) put(name string, v T) {
	if i := d.Index(name); i >= 0 {
		d.vals[i] = v
		return
	}
	d.names = append(d.names, name)
	d.vals = append(d.vals, v)
	switch n := len(d.names); {
	case d.slots != nil && n*2 <= len(d.slots):
		if d.shared {
			d.slots, d.shared = append([]int32(nil), d.slots...), false
		}
		d.link(n - 1)
	case n > dictSmall:
		d.slots, d.shared = make([]int32, tableSize(n)), false
		for i := range d.names {
			d.link(i)
		}
	}
}

func tableSize(n int) int {
	size := 32
	for size < 4*n {
		size *= 2
	}
	return size
}

func (d *dict[T]) link(i int) {
	mask := uint32(len(d.slots) - 1)
	h := hashName(d.names[i]) & mask
	for d.slots[h] != 0 {
		h = (h + 1) & mask
	}
	d.slots[h] = int32(i + 1)
}

// grown returns a copy with room for extra more entries.
func (d *dict[T]) grown(extra int) dict[T] {
	n := len(d.names)
	c := dict[T]{names: make([]string, n, n+extra), vals: make([]T, n, n+extra)}
	copy(c.names, d.names)
	copy(c.vals, d.vals)
	c.slots, c.shared = d.slots, true
	return c
}

// sameNames gives d the names of o, which never change, and n new values.
func sameNames[T, U any](d *dict[T], o *dict[U]) {
	d.names = o.names[:len(o.names):len(o.names)] // an append copies
	d.slots, d.shared = o.slots, true
	d.vals = make([]T, len(o.names))
}

// seed makes it impossible to write down many names that share a slot. It decides nothing else: order is that of
// insertion.
var seed = maphash.MakeSeed()

func hashName(s string) uint32 { return uint32(maphash.String(seed, s)) }

// keys returns the names in order; the caller must not change them.
func (d *dict[T]) keys() []string { return d.names }
