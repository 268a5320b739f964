// Package uuid makes, reads and writes UUIDs (RFC 9562). They are plain arrays, as stores keep them.
//
// Package sel writes its own, because it depends on nothing of this module.
package uuid

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
)

// Format returns the usual text form.
func Format(u [16]byte) string {
	var out [36]byte
	hex.Encode(out[:8], u[:4])
	hex.Encode(out[9:13], u[4:6])
	hex.Encode(out[14:18], u[6:8])
	hex.Encode(out[19:23], u[8:10])
	hex.Encode(out[24:], u[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// Parse reads the usual text form, in letters of any case, and no other.
func Parse(s string) (u [16]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return u, false
	}
	at := 0
	for _, part := range [...]string{s[:8], s[9:13], s[14:18], s[19:23], s[24:]} {
		n, err := hex.Decode(u[at:], []byte(part))
		if err != nil {
			return [16]byte{}, false
		}
		at += n
	}
	return u, true
}

// Random returns a new one, version 4.
func Random() (u [16]byte) {
	_, _ = rand.Read(u[:]) // never fails
	return marked(u, 4)
}

// OfText returns the version 3 UUID of a text, without a name space in front of it, as the reference makes ids.
func OfText(text []byte) [16]byte { return marked(md5.Sum(text), 3) }

// OfName returns the version 5 UUID of a name, whose name space the caller puts in front.
func OfName(name []byte) [16]byte {
	sum := sha1.Sum(name)
	return marked([16]byte(sum[:16]), 5)
}

// marked writes the version and the variant into what is otherwise a number.
func marked(u [16]byte, version byte) [16]byte {
	u[6] = u[6]&0x0f | version<<4
	u[8] = u[8]&0x3f | 0x80
	return u
}
