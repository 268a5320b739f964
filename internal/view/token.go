package view

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"strconv"
	"strings"
)

// A token is the text of a cursor that clients get and give back: "c", the number of its form, a full stop, and a text
// that means something to the server alone. What a cursor holds can then change, into a position for each group of runs
// for instance, and a client that comes with a token of an older or newer form is told so rather than led astray.
//
// Form 1 is base64url without padding of: the position, one more than the index of the message or 0 for behind the whole
// entry, both as uvarint, and two bytes of a checksum, so that a token that was cut short or mistyped is no other one.
const (
	tokenMark = "c"
	tokenForm = 1
)

var (
	tokenPrefix = tokenMark + strconv.Itoa(tokenForm) + "."
	tokenText   = base64.RawURLEncoding.Strict()
)

// AppendToken appends the cursor's token.
func (c Cursor) AppendToken(dst []byte) []byte {
	index := uint64(0)
	if c.Index != WholeEntry {
		index = uint64(c.Index) + 1
	}
	raw := make([]byte, 0, 2*binary.MaxVarintLen64+2)
	raw = binary.AppendUvarint(raw, uint64(c.Pos))
	raw = binary.AppendUvarint(raw, index)
	raw = binary.BigEndian.AppendUint16(raw, uint16(crc32.ChecksumIEEE(raw)))
	return tokenText.AppendEncode(append(dst, tokenPrefix...), raw)
}

// Token returns the cursor's token.
func (c Cursor) Token() string { return string(c.AppendToken(nil)) }

// ParseToken reads what a client gives for a cursor: a token, or the id of an event, as String gives it, for the place
// behind it. An empty text is the beginning.
func ParseToken(text string) (Cursor, error) {
	form, rest, ok := strings.Cut(text, ".")
	if ok && strings.HasPrefix(form, tokenMark) {
		n, err := decimal(form[len(tokenMark):], math.MaxInt64)
		if err == nil && n != tokenForm {
			return Cursor{}, fmt.Errorf("%q is a cursor of form %d, and this version of the server reads form %d: begin again without one, or where you know an event's id", text, n, tokenForm)
		}
		if c, ok := parseForm1(rest); ok && c.Token() == text {
			return c, nil
		}
	} else if c, err := ParseCursor(text); err == nil {
		return c, nil
	}
	return Cursor{}, fmt.Errorf("%q is not a cursor: give one as a page or stream had it, or the id of an event, or nothing for the beginning", text)
}

// parseForm1 reads what stands behind the prefix; whether it is what AppendToken would write is for the caller to see.
func parseForm1(text string) (Cursor, bool) {
	raw, err := tokenText.DecodeString(text)
	if err != nil {
		return Cursor{}, false
	}
	pos, n := binary.Uvarint(raw)
	if n <= 0 || pos > math.MaxInt64 {
		return Cursor{}, false
	}
	index, m := binary.Uvarint(raw[n:])
	if m <= 0 || index > WholeEntry {
		return Cursor{}, false
	}
	c := Cursor{Pos: int64(pos), Index: WholeEntry}
	if index > 0 {
		c.Index = int(index) - 1
	}
	return c, true
}
