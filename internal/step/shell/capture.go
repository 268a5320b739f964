package shell

import (
	"bytes"
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

// marks finds what stands between the last pair of output tokens of a stream, however the stream is cut into pieces
// and however much follows. It holds no more than one section.
type marks struct {
	max int

	in   bool // after a start token
	buf  []byte
	from int // buf has no token before this

	last    *string
	tooLong bool // the last section was longer than max
}

func (m *marks) Write(p []byte) (int, error) {
	m.buf = append(m.buf, p...)
	for m.step() {
	}
	return len(p), nil
}

// step takes one token out of the buffer, or reports that there is none.
func (m *marks) step() bool {
	start := findToken(m.buf, m.from, outputStart, "MAESTRO_OUTPUT_START=")
	if !m.in {
		if start < 0 {
			const keep = len(outputStart) + len("MAESTRO_OUTPUT_START=") + 1
			m.buf = append(m.buf[:0], m.buf[max(0, len(m.buf)-keep):]...)
			m.from = 0
			return false
		}
		m.in = true
		m.rest(start + len(outputStart))
		return true
	}
	end := findToken(m.buf, m.from, outputEnd, "MAESTRO_OUTPUT_END=")
	switch {
	case end >= 0 && (start < 0 || end < start):
		m.tooLong = end > m.max
		m.last = nil
		if !m.tooLong {
			section := string(m.buf[:end])
			m.last = &section
		}
		m.in = false
		m.rest(end + len(outputEnd))
		return true
	case start >= 0:
		m.rest(start + len(outputStart))
		return true
	case len(m.buf) > m.max+len(outputEnd):
		m.in, m.last, m.tooLong = false, nil, true
		return true
	}
	m.from = max(0, len(m.buf)-len(outputStart))
	return false
}

func (m *marks) rest(n int) {
	m.buf = append([]byte(nil), m.buf[n:]...)
	m.from = 0
}

// findToken returns where token stands in b, from a position on. A token right after its variable's name comes from a
// script that prints its environment, and does not count.
func findToken(b []byte, from int, token, variable string) int {
	for {
		i := bytes.Index(b[from:], []byte(token))
		if i < 0 {
			return -1
		}
		i += from
		before := bytes.TrimRight(b[max(0, i-len(variable)-1):i], `"'`)
		if !bytes.HasSuffix(before, []byte(variable)) {
			return i
		}
		from = i + len(token)
	}
}
