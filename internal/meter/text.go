package meter

import "unsafe"

// Text is a text under construction that is charged for as it grows: two bytes for each byte of its buffer, since the
// language counts UTF-16, and work for what is copied. Growth follows a rule of its own and not the one of append, so that
// the charge does not depend on the compiler.
//
// After a refused charge nothing more is written; Err tells why. The zero Text with a Meter is ready to use.
type Text struct {
	Meter *Meter
	buf   []byte
	err   error
}

// smallest is the first buffer of a text whose size is not known.
const smallest = 64

// Grow makes room for n more bytes and reports whether that is within the limits.
func (t *Text) Grow(n int) bool {
	if t.err == nil && cap(t.buf)-len(t.buf) < n {
		t.err = t.grow(n)
	}
	return t.err == nil
}

func (t *Text) grow(n int) error {
	size := max(len(t.buf)+n, smallest)
	if t.buf != nil {
		size = max(size, 2*cap(t.buf))
	}
	if err := Copy(t.Meter, size); err != nil {
		return err
	}
	buf := make([]byte, len(t.buf), size)
	copy(buf, t.buf)
	t.buf = buf
	return nil
}

// Copy charges m for a new text of n bytes before it is made.
func Copy(m *Meter, n int) error {
	if m.Spend(int64(n>>6), 2*int64(n)) {
		return nil
	}
	return m.err
}

// String appends s.
func (t *Text) String(s string) {
	if t.Grow(len(s)) {
		t.buf = append(t.buf, s...)
	}
}

// Byte appends c.
func (t *Text) Byte(c byte) {
	if t.Grow(1) {
		t.buf = append(t.buf, c)
	}
}

// Fill appends c n times.
func (t *Text) Fill(c byte, n int) {
	if n <= 0 || !t.Grow(n) {
		return
	}
	at := len(t.buf)
	t.buf = t.buf[:at+n]
	for i := range t.buf[at:] {
		t.buf[at+i] = c
	}
}

// Append appends what f appends, which must be at most n bytes.
func (t *Text) Append(n int, f func([]byte) []byte) {
	if t.Grow(n) {
		t.buf = f(t.buf)
	}
}

// Len is the length so far.
func (t *Text) Len() int { return len(t.buf) }

// Err returns the refused charge, or nil.
func (t *Text) Err() error { return t.err }

// Done returns the text without copying it. The Text must not be used afterwards.
func (t *Text) Done() string { return unsafe.String(unsafe.SliceData(t.buf), len(t.buf)) }
