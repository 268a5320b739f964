package signal

import (
	"slices"
	"strings"
)

// Index finds, among many sets of matches on the instances of one name, those that an instance satisfies, without
// looking at the others. Sets are grouped by which params they want equal, and to what; inside of a group those with a
// range are sorted by its bound, so that the ones that hold are the beginning or the end of a list. An instance costs one
// look-up per combination of params that somebody wants equal, of which there are few, and then what it finds.
//
// The zero Index is empty. It is not safe for concurrent use.
type Index[T any] struct {
	shapes []*shape[T]
	next   uint64
	size   int
}

// shape holds all sets that want the same params to be equal to something.
type shape[T any] struct {
	params []string // sorted
	groups map[string]*group[T]
}

// group holds all sets that want those params to be equal to the same values.
type group[T any] struct {
	plain  map[uint64]T // nothing else is wanted
	ranges []*ranged[T]
}

// ranged holds the sets of a group that have a range over the same param with the same operator.
type ranged[T any] struct {
	param string
	op    Op
	list  list[bounded[T]]
}

type bounded[T any] struct {
	bound Value
	id    uint64
	rest  Matches // further ranges
	item  T
}

// Handle is a set of matches in an Index.
type Handle struct {
	id      uint64
	matches Matches
}

// split takes matches apart: equalities sorted by param, and ranges.
func split(matches Matches) (equal, ranges Matches) {
	for _, m := range matches {
		if m.Op == Equal {
			equal = append(equal, m)
		} else {
			ranges = append(ranges, m)
		}
	}
	slices.SortStableFunc(equal, func(a, b Match) int { return strings.Compare(a.Param, b.Param) })
	return equal, ranges
}

func names(equal Matches) []string {
	out := make([]string, len(equal))
	for i := range equal {
		out[i] = equal[i].Param
	}
	return out
}

// appendKey appends a value to the key of a group. The whole text is in it, so that equal keys are equal values.
func appendKey(key []byte, v Value) []byte {
	if v.IsLong {
		return append(AppendNumber(append(key, 'n'), uint64(v.Long)), Sep...)
	}
	return append(append(append(key, '#'), Escape(v.Text)...), Sep...)
}

func keyOf(equal Matches) string {
	var key []byte
	for i := range equal {
		key = appendKey(key, equal[i].Value)
	}
	return string(key)
}

// Len returns how many sets the index holds.
func (x *Index[T]) Len() int { return x.size }

// Add puts item in the index under matches.
func (x *Index[T]) Add(matches Matches, item T) Handle {
	x.next++
	x.size++
	h := Handle{id: x.next, matches: matches}
	equal, ranges := split(matches)
	params := names(equal)
	i := slices.IndexFunc(x.shapes, func(s *shape[T]) bool { return slices.Equal(s.params, params) })
	if i < 0 {
		i = len(x.shapes)
		x.shapes = append(x.shapes, &shape[T]{params: params, groups: make(map[string]*group[T])})
	}
	key := keyOf(equal)
	g := x.shapes[i].groups[key]
	if g == nil {
		g = &group[T]{}
		x.shapes[i].groups[key] = g
	}
	if len(ranges) == 0 {
		if g.plain == nil {
			g.plain = make(map[uint64]T)
		}
		g.plain[h.id] = item
		return h
	}
	g.ranged(ranges[0].Param, ranges[0].Op, true).list.insert(bounded[T]{ranges[0].Value, h.id, ranges[1:], item}, compareBounded[T])
	return h
}

func compareBounded[T any](a, b bounded[T]) int {
	if c := a.bound.Compare(b.bound); c != 0 {
		return c
	}
	switch {
	case a.id < b.id:
		return -1
	case a.id > b.id:
		return 1
	}
	return 0
}

func (g *group[T]) ranged(param string, op Op, create bool) *ranged[T] {
	for _, r := range g.ranges {
		if r.param == param && r.op == op {
			return r
		}
	}
	if !create {
		return nil
	}
	r := &ranged[T]{param: param, op: op}
	g.ranges = append(g.ranges, r)
	return r
}

// Remove takes a set out. It reports false when it is not there any more.
func (x *Index[T]) Remove(h Handle) bool {
	equal, ranges := split(h.matches)
	params := names(equal)
	i := slices.IndexFunc(x.shapes, func(s *shape[T]) bool { return slices.Equal(s.params, params) })
	if i < 0 {
		return false
	}
	s, key := x.shapes[i], keyOf(equal)
	g := s.groups[key]
	if g == nil {
		return false
	}
	if len(ranges) == 0 {
		if _, ok := g.plain[h.id]; !ok {
			return false
		}
		delete(g.plain, h.id)
	} else {
		r := g.ranged(ranges[0].Param, ranges[0].Op, false)
		if r == nil || !r.list.remove(bounded[T]{bound: ranges[0].Value, id: h.id}, compareBounded[T]) {
			return false
		}
		if r.list.size == 0 {
			g.ranges = slices.DeleteFunc(g.ranges, func(o *ranged[T]) bool { return o == r })
		}
	}
	x.size--
	if len(g.plain) == 0 && len(g.ranges) == 0 {
		delete(s.groups, key)
	}
	if len(s.groups) == 0 {
		x.shapes = slices.Delete(x.shapes, i, i+1)
	}
	return true
}

// Find calls yield for every set that params satisfy, in no particular order. yield must not change the index.
func (x *Index[T]) Find(params Params, yield func(T)) {
	var key []byte
	for _, s := range x.shapes {
		key = key[:0]
		whole := true
		for _, name := range s.params {
			v, ok := params.Get(name)
			if whole = ok; !ok {
				break
			}
			key = appendKey(key, v)
		}
		if !whole {
			continue
		}
		g := s.groups[string(key)]
		if g == nil {
			continue
		}
		for _, item := range g.plain {
			yield(item)
		}
		for _, r := range g.ranges {
			if v, ok := params.Get(r.param); ok {
				r.find(v, params, yield)
			}
		}
	}
}

// find yields the entries whose bound the value satisfies. For > and >= those are the ones with the lowest bounds of its
// kind, for < and <= those with the highest.
func (r *ranged[T]) find(v Value, params Params, yield func(T)) {
	m := Match{Op: r.op}
	visit := func(b bounded[T]) bool {
		if b.bound.IsLong != v.IsLong {
			return !v.IsLong == (r.op == Less || r.op == LessOrEqual) // the other kind comes before, or after, all of ours
		}
		if m.Value = b.bound; !m.Holds(v) {
			return false
		}
		if b.rest.Hold(params) {
			yield(b.item)
		}
		return true
	}
	if r.op == Less || r.op == LessOrEqual {
		r.list.descend(visit)
	} else {
		r.list.ascend(visit)
	}
}
