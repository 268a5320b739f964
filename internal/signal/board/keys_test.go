package board

import (
	"testing"

	"maestro/internal/signal"
)

// cuts are pairs of texts that are the same when they are merely put behind each other, whatever stands between.
var cuts = [][2]string{
	{"a", "b"}, {"ab", ""}, {"", "ab"}, {"a\x01b", ""}, {"a\x01", "b"}, {"a", "\x01b"}, {"a\x02", "b"}, {"a\x02\x03b", ""},
	{"a\x00b", "c"}, {"a", "b\x00c"}, {"a/b", "c"}, {"a", "b/c"}, {"a:1", "2"}, {"a", "1:2"}, {"1", "11"}, {"11", "1"},
}

// TestKeysAreApart has callers who choose texts that run into each other.
func TestKeysAreApart(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]func(a, b string) string{
		"id":      idKey,
		"param":   paramPrefix,
		"posting": func(a, b string) string { return postingPrefix(a, signal.Param{Name: b}) },
		"value":   func(a, b string) string { return postingPrefix("s", signal.Param{Name: a, Value: signal.Text(b)}) },
	} {
		seen := make(map[string][2]string)
		for _, c := range cuts {
			k := key(c[0], c[1])
			if before, taken := seen[k]; taken {
				t.Errorf("%s: %q and %q share the key %q", name, before, c, k)
			}
			seen[k] = c
		}
	}
	seen := make(map[string]string)
	for _, c := range cuts {
		for _, seq := range []int64{1, 11, 62, 1<<62 + 1} {
			k := instanceKey(c[0], seq)
			if before, taken := seen[k]; taken && before != c[0] {
				t.Errorf("instances of %q and %q share the key %q", before, c[0], k)
			}
			seen[k] = c[0]
		}
	}
}
