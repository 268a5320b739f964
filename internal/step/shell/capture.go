package shell

import (
	"strings"
	"unicode/utf8"
)

// tail keeps the last bytes of a stream.
type tail struct {
	max  int
	kept []byte
	cut  bool // there was more
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-t.max):]...)
	t.cut = t.cut || len(p) > t.max
	if len(t.kept) > t.max {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-t.max:]...)
		t.cut = true
	}
	return len(p), nil
}

// String returns the tail as text that any database takes: UTF-8 without NUL, no half character at its start.
func (t *tail) String() string {
	b := t.kept
	for n := 0; t.cut && n < utf8.UTFMax && len(b) > 0 && !utf8.RuneStart(b[0]); n++ {
		b = b[1:]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(b), "\uFFFD"), "\x00", "\uFFFD")
}
