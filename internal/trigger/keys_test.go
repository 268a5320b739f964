package trigger

import "testing"

// TestKeysAreApart has workflows whose ids run into what stands behind them.
func TestKeysAreApart(t *testing.T) {
	t.Parallel()
	seen := make(map[string]string)
	is := func(key, of string) {
		if before, taken := seen[key]; taken && before != of {
			t.Errorf("%q and %q share the key %q", before, of, key)
		}
		seen[key] = of
	}
	for _, w := range []string{"a", "a\x01", "a\x01b", "a\x02\x03b", "a\x02", "a1", "a11", "a:1", ""} {
		for _, n := range []int64{1, 11, 1 << 50} {
			is((&execution{Workflow: w, Number: n}).key(), w)
			for _, uuid := range []string{"u", "bu"} {
				is((&subscription{workflow: w, uuid: uuid, at: n}).key(), w)
			}
		}
	}
}
