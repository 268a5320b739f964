package language

import "hash/fnv"

// chance is where random bits and unique numbers of one evaluation come from. They follow from what is evaluated and
// when, so that an evaluation that is made again, after a crash or from a recorded journal, gives the same.
type chance struct{ state uint64 }

// newChance returns the chance of an evaluation of an attempt or a run.
func newChance(identity string, now int64) chance {
	h := fnv.New64a()
	h.Write([]byte(identity))
	return chance{h.Sum64() ^ mix(uint64(now))}
}

// Random implements scope.World with the generator SplitMix64 (Steele, Lea and Flood, 2014).
func (c *chance) Random() uint64 {
	c.state += 0x9E3779B97F4A7C15
	return mix(c.state)
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// NextUniqueID implements scope.World: a random positive number of 63 bits (spec/sel, nextUniqueId). Two of a billion are
// the same with a probability of one in twenty.
func (c *chance) NextUniqueID() (int64, error) {
	for {
		if n := int64(c.Random() >> 1); n > 0 {
			return n, nil
		}
	}
}
