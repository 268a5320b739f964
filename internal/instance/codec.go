package instance

import "encoding/binary"

// encoder writes fields in order, without tags: what is in them is known from the version of the whole. A time is the
// distance from the one before it.
type encoder struct {
	dst  []byte
	last int64
}

func (e *encoder) uint(n uint64) { e.dst = binary.AppendUvarint(e.dst, n) }
func (e *encoder) int(n int64)   { e.dst = binary.AppendVarint(e.dst, n) }
func (e *encoder) text(s string) { e.uint(uint64(len(s))); e.dst = append(e.dst, s...) }
func (e *encoder) bytes(b []byte) { // nil is not empty
	if b == nil {
		e.uint(0)
		return
	}
	e.uint(uint64(len(b)) + 1)
	e.dst = append(e.dst, b...)
}

func (e *encoder) time(at int64) {
	if at == 0 {
		e.uint(0)
		return
	}
	by := at - e.last
	e.uint((uint64(by)<<1 ^ uint64(by>>63)) + 1)
	e.last = at
}

func (e *encoder) bool(b bool) {
	if b {
		e.uint(1)
	} else {
		e.uint(0)
	}
}

// fieldDecoder reads what encoder wrote.
type fieldDecoder struct {
	decoder
	last int64
}

// below reads a number that must be below a limit.
func (d *fieldDecoder) below(limit uint64) uint64 {
	n := d.uvarint()
	if n >= limit {
		d.fail()
		return 0
	}
	return n
}

func (d *fieldDecoder) bool() bool { return d.below(2) == 1 }

// count reads how many elements follow, of at least one byte each.
func (d *fieldDecoder) count() int { return int(d.below(uint64(len(d.data)) + 1)) }

func (d *fieldDecoder) text() string { return string(d.decoder.bytes()) }

func (d *fieldDecoder) blob() []byte {
	n := d.uvarint()
	if n == 0 {
		return nil
	}
	if n--; n > uint64(len(d.data)) {
		d.fail()
		return nil
	}
	b := append([]byte{}, d.data[:n]...)
	d.data = d.data[n:]
	return b
}

func (d *fieldDecoder) time() int64 {
	n := d.uvarint()
	if n == 0 {
		return 0
	}
	n--
	d.last += int64(n>>1) ^ -int64(n&1)
	return d.last
}

// end returns what was wrong with the data, and refuses what is left over.
func (d *fieldDecoder) end() error {
	if d.err == nil && len(d.data) > 0 {
		d.fail()
	}
	return d.err
}
