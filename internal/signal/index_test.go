package signal_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"maestro/internal/signal"
)

func someValue(r *rand.Rand) signal.Value {
	if r.IntN(3) == 0 {
		return signal.Text([]string{"", "a", "b", "ab", "1", "\x01", "\x02", "B"}[r.IntN(8)])
	}
	return signal.Long([]int64{0, 1, 2, 3, -1, -5, math.MaxInt64, math.MinInt64, 61, 62, 63}[r.IntN(11)])
}

func someMatches(r *rand.Rand, ranges int) signal.Matches {
	var m signal.Matches
	for _, name := range []string{"p", "q", "r"} {
		switch r.IntN(4) {
		case 0:
			m = append(m, signal.Match{Param: name, Value: someValue(r)})
		case 1:
			if ranges > 0 {
				ranges--
				m = append(m, signal.Match{Param: name, Op: signal.Op(1 + r.IntN(4)), Value: someValue(r)})
			}
		}
	}
	r.Shuffle(len(m), func(i, k int) { m[i], m[k] = m[k], m[i] })
	return m
}

func someParams(r *rand.Rand) signal.Params {
	var p signal.Params
	for _, name := range []string{"p", "q", "r", "s"} {
		if r.IntN(4) > 0 {
			p = append(p, signal.Param{Name: name, Value: someValue(r)})
		}
	}
	return p
}

// TestIndexEqualsScan holds that the index finds what looking at every set finds, whatever was added and removed.
func TestIndexEqualsScan(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		var x signal.Index[int]
		type set struct {
			m signal.Matches
			h signal.Handle
		}
		sets := make(map[int]set)
		for n := range 2500 {
			if len(sets) > 0 && r.IntN(4) == 0 {
				for k, s := range sets {
					if !x.Remove(s.h) {
						t.Fatalf("seed %d: set %d %v cannot be removed", seed, k, s.m)
					}
					if x.Remove(s.h) {
						t.Fatalf("seed %d: set %d %v is removed twice", seed, k, s.m)
					}
					delete(sets, k)
					break
				}
			} else {
				m := someMatches(r, 2)
				sets[n] = set{m, x.Add(m, n)}
			}
			if n%50 != 0 {
				continue
			}
			p := someParams(r)
			var got, want []int
			x.Find(p, func(k int) { got = append(got, k) })
			for k, s := range sets {
				if s.m.Hold(p) {
					want = append(want, k)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d: %v: got %v want %v", seed, p, got, want)
			}
		}
		if x.Len() != len(sets) {
			t.Fatalf("seed %d: the index has %d sets, want %d", seed, x.Len(), len(sets))
		}
	}
}

// TestKeyOrder holds that keys sort as values do, and that equal keys are equal values.
func TestKeyOrder(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 3))
	values := []signal.Value{signal.Text("\x00"), signal.Text("a\x00b"), signal.Text("é"), signal.Text("\U0001F600")}
	for range 3000 {
		values = append(values, someValue(r), signal.Long(int64(r.Uint64())), signal.Long(r.Int64N(10000)-5000))
		values = append(values, signal.Text(string([]byte{byte(r.IntN(5)), byte(r.IntN(5))})))
	}
	for range 200_000 {
		v, w := values[r.IntN(len(values))], values[r.IntN(len(values))]
		got := strings.Compare(v.Key()+signal.Sep, w.Key()+signal.Sep)
		if want := v.Compare(w); got != want {
			t.Fatalf("%v and %v: keys compare as %d, values as %d", v, w, got, want)
		}
	}
	long := strings.Repeat("é", 400)
	if signal.Text(long).Key() != signal.Text(long+"x").Key() {
		t.Error("the key of a long text is not cut")
	}
	for _, s := range []string{"", "a", "\x00\x01\x02", "a\x01\x02\x02"} {
		if got := signal.Unescape(signal.Escape(s)); got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	}
}

// BenchmarkIndexFind is one announcement against 100,000 waiters of one name, of which ten match.
func BenchmarkIndexFind(b *testing.B) {
	for _, tt := range []struct {
		name   string
		match  func(i int) signal.Matches
		params signal.Params
	}{
		{"Equal", func(i int) signal.Matches { return signal.Matches{{Param: "p", Value: signal.Long(int64(i / 10))}} }, signal.Params{{Name: "p", Value: signal.Long(77)}}},
		{"EqualTwo", func(i int) signal.Matches {
			return signal.Matches{{Param: "region", Value: signal.Text("us")}, {Param: "p", Value: signal.Long(int64(i / 10))}}
		}, signal.Params{{Name: "p", Value: signal.Long(77)}, {Name: "region", Value: signal.Text("us")}}},
		{"Range", func(i int) signal.Matches {
			return signal.Matches{{Param: "p", Op: signal.GreaterOrEqual, Value: signal.Long(int64(i))}}
		}, signal.Params{{Name: "p", Value: signal.Long(9)}}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			var x signal.Index[int]
			for i := range 100_000 {
				x.Add(tt.match(i), i)
			}
			n := 0
			for b.Loop() {
				n = 0
				x.Find(tt.params, func(int) { n++ })
			}
			if n != 10 {
				b.Fatal(fmt.Sprint("found ", n))
			}
		})
	}
}
