package signal

import "slices"

// list is a sorted list in chunks, so that a change moves few elements however long it is. The zero list is empty.
type list[E any] struct {
	chunks [][]E // none is empty
	size   int
}

const chunkSize = 512

// place returns the chunk and the position in it where e is, or would be.
func (l *list[E]) place(e E, compare func(a, b E) int) (chunk, at int, found bool) {
	chunk, _ = slices.BinarySearchFunc(l.chunks, e, func(c []E, e E) int { return compare(c[len(c)-1], e) })
	if chunk == len(l.chunks) {
		return chunk, 0, false
	}
	at, found = slices.BinarySearchFunc(l.chunks[chunk], e, compare)
	return chunk, at, found
}

func (l *list[E]) insert(e E, compare func(a, b E) int) {
	l.size++
	i, at, _ := l.place(e, compare)
	if i == len(l.chunks) {
		if i == 0 || len(l.chunks[i-1]) >= chunkSize {
			l.chunks = append(l.chunks, []E{e})
			return
		}
		i--
		at = len(l.chunks[i])
	}
	l.chunks[i] = slices.Insert(l.chunks[i], at, e)
	if c := l.chunks[i]; len(c) > chunkSize {
		half := len(c) / 2
		l.chunks = slices.Insert(l.chunks, i+1, slices.Clone(c[half:]))
		clear(c[half:])
		l.chunks[i] = c[:half]
	}
}

// remove takes out the element that compares equal to e.
func (l *list[E]) remove(e E, compare func(a, b E) int) bool {
	i, at, found := l.place(e, compare)
	if !found {
		return false
	}
	l.size--
	if l.chunks[i] = slices.Delete(l.chunks[i], at, at+1); len(l.chunks[i]) == 0 {
		l.chunks = slices.Delete(l.chunks, i, i+1)
	}
	return true
}

// ascend visits the elements in order until visit returns false.
func (l *list[E]) ascend(visit func(E) bool) {
	for _, c := range l.chunks {
		for i := range c {
			if !visit(c[i]) {
				return
			}
		}
	}
}

// descend visits the elements in opposite order until visit returns false.
func (l *list[E]) descend(visit func(E) bool) {
	for i := len(l.chunks) - 1; i >= 0; i-- {
		c := l.chunks[i]
		for k := len(c) - 1; k >= 0; k-- {
			if !visit(c[k]) {
				return
			}
		}
	}
}
