package spec

import "unicode/utf16"

// hashOrder returns the positions of ids in the order in which a Java HashMap with these keys, put in that order, is
// walked. The order of steps in runtime_dag and in overviews is that one, and clients see it (engine 6.1).
func hashOrder(ids []StepID) []int {
	size := 16
	for 4*len(ids) > 3*size {
		size *= 2
	}
	// Sort by bucket, stable: one pass to count, one to place.
	starts := make([]int, size+1)
	buckets := make([]int, len(ids))
	for i, id := range ids {
		h := hashCode(string(id))
		buckets[i] = int((h ^ h>>16) & uint32(size-1))
		starts[buckets[i]+1]++
	}
	for b := range size {
		starts[b+1] += starts[b]
	}
	order := make([]int, len(ids))
	for i, b := range buckets {
		order[starts[b]] = i
		starts[b]++
	}
	return order
}

// hashCode is Java's String.hashCode: over UTF-16 units, modulo 2^32.
func hashCode(s string) uint32 {
	var h uint32
	for _, r := range s {
		if r < 0x10000 {
			h = 31*h + uint32(r)
			continue
		}
		hi, lo := utf16.EncodeRune(r)
		h = 31*h + uint32(hi)
		h = 31*h + uint32(lo)
	}
	return h
}
