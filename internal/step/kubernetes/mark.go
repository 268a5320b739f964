package kubernetes

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"strings"
)

// mark remembers how far a log was read, so that its reader goes on at the same place in the same log opened again. The
// API knows no offsets, and nodes drop the beginning of long logs.
type mark struct {
	n    int64     // bytes that were read
	sum  hash.Hash // of all of them
	last []byte    // the last of them
}

const markSize = 1 << 10

func newMark() *mark { return &mark{sum: sha256.New()} }

// Write takes note of what was read.
func (m *mark) Write(p []byte) (int, error) {
	m.n += int64(len(p))
	m.sum.Write(p)
	if len(p) >= markSize {
		m.last = append(m.last[:0], p[len(p)-markSize:]...)
	} else {
		m.last = append(m.last, p...)
		m.last = append(m.last[:0], m.last[max(0, len(m.last)-markSize):]...)
	}
	return len(p), nil
}

// find returns where to go on in a log that is read from its start. It reports false if that cannot be told: the end of
// what was read is not there, or there more than once.
func (m *mark) find(log io.Reader) (at int64, found bool, err error) {
	if m.n == 0 {
		return 0, true, nil
	}
	var (
		sum    = sha256.New()
		read   int64
		window []byte
		piece  = make([]byte, 32<<10)
		places int
	)
	for {
		n, err := log.Read(piece)
		if left := m.n - read; left > 0 { // does it begin as it did?
			sum.Write(piece[:min(int64(n), left)])
			if int64(n) >= left && bytes.Equal(sum.Sum(nil), m.sum.Sum(nil)) {
				return m.n, true, nil
			}
		}
		read += int64(n)
		window = append(window, piece[:n]...)
		start := read - int64(len(window))
		for from := 0; ; {
			i := bytes.Index(window[from:], m.last)
			if i < 0 {
				break
			}
			places++
			at = start + int64(from+i+len(m.last))
			from += i + 1
		}
		window = append(window[:0], window[max(0, len(window)-len(m.last)+1):]...)
		if errors.Is(err, io.EOF) {
			return at, places == 1, nil
		}
		if err != nil {
			return 0, false, err
		}
	}
}

// rest returns what follows in the end of a log that was kept. It reports false if that cannot be told.
func (m *mark) rest(end string, whole bool) (string, bool) {
	if whole {
		at, found, _ := m.find(strings.NewReader(end))
		return end[at:], found
	}
	if strings.Count(end, string(m.last)) != 1 {
		return end, false
	}
	_, rest, _ := strings.Cut(end, string(m.last))
	return rest, true
}
