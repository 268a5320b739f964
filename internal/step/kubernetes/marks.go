package kubernetes

import "bytes"

// marks finds what stands between the last pair of output tokens of a stream, however the stream is cut into pieces
// and however much follows. It holds no more than one section and a bit.
type marks struct {
	max int

	in  bool   // after a start token
	buf []byte // what may be part of a token, or of a section

	last    []byte // nil: there was none
	tooLong bool   // the last section was longer than max
}

func (m *marks) write(p []byte) {
	for len(p) > 0 { // in pieces, so that a long write is not copied as a whole
		n := min(len(p), 32<<10)
		from := max(0, len(m.buf)-len(outputStart)) // a token may have begun before
		m.buf = append(m.buf, p[:n]...)
		p = p[n:]
		for m.step(&from) {
		}
	}
}

// step takes one token out of the buffer, looking from a place on, or reports that there is none.
func (m *marks) step(from *int) bool {
	start := index(m.buf, outputStart, *from)
	if !m.in {
		if start < 0 {
			m.cut(max(0, len(m.buf)-len(outputStart)+1), from)
			return false
		}
		m.in = true
		m.cut(start+len(outputStart), from)
		return true
	}
	end := index(m.buf, outputEnd, *from)
	switch {
	case start >= 0 && (end < 0 || start < end): // of a section that was never ended nothing is used
		m.cut(start+len(outputStart), from)
		return true
	case end >= 0:
		if m.tooLong = end > m.max; m.tooLong {
			m.last = nil
		} else {
			m.last = append([]byte{}, m.buf[:end]...)
		}
		m.in = false
		m.cut(end+len(outputEnd), from)
		return true
	case len(m.buf) > m.max+len(outputEnd):
		m.in, m.last, m.tooLong = false, nil, true
		return true
	}
	return false
}

func (m *marks) cut(n int, from *int) {
	m.buf = append(m.buf[:0], m.buf[n:]...)
	*from = 0
}

func index(b []byte, token string, from int) int {
	if i := bytes.Index(b[from:], []byte(token)); i >= 0 {
		return from + i
	}
	return -1
}
