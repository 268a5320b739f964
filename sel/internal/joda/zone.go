package joda

import (
	_ "embed"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the zone database is part of the program
)

// Zone is a time zone. Zones are immutable; two zones are the same if their ids are.
type Zone struct {
	id     string
	loc    *time.Location // nil for a fixed offset
	offset int64          // of a fixed offset, in milliseconds
	spans  []span         // what loc says, for the years people use
}

// UTC is the zone of that name.
var UTC = &Zone{id: "UTC"}

// zoneIDs lists the ids that exist, each followed by its canonical id if that differs. An id that is not in it is never
// given to package time, which might look for a file of that name.
//
//go:embed zones.txt
var zoneIDs string

// canonicalIDs maps each id of zoneIDs to its canonical one.
var canonicalIDs = sync.OnceValue(func() map[string]string {
	ids := make(map[string]string, 600)
	for line := range strings.Lines(zoneIDs) {
		id, target, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found {
			target = id
		}
		ids[id] = target
	}
	return ids
})

// loaded holds the zones asked for so far. It is a memo of a pure function over the ids of zoneIDs, and so bounded.
var loaded sync.Map // id → *Zone

// ForID finds a zone by its id, which is case-sensitive: UTC, an id of the zone database, or a fixed offset like +05:30.
func ForID(id string) (*Zone, bool) {
	if z, ok := loaded.Load(id); ok {
		return z.(*Zone), true
	}
	if id == "UTC" {
		return UTC, true
	}
	if id == "" {
		return nil, false
	}
	if id[0] == '+' || id[0] == '-' {
		ms, end := parseOffset(id, 0, false)
		if end != len(id) {
			return nil, false
		}
		return FixedZone(ms), true
	}
	target, ok := canonicalIDs()[id]
	if !ok {
		return nil, false
	}
	z := load(id, target)
	if z == nil {
		return nil, false
	}
	actual, _ := loaded.LoadOrStore(id, z)
	return actual.(*Zone), true
}

func load(id, target string) *Zone {
	switch id {
	// Fixed in the database of the original; newer ones make them links to places with a history.
	case "EST":
		return &Zone{id: id, offset: -5 * hour}
	case "MST":
		return &Zone{id: id, offset: -7 * hour}
	case "HST":
		return &Zone{id: id, offset: -10 * hour}
	}
	loc, err := time.LoadLocation(target)
	if err != nil {
		return nil
	}
	z := &Zone{id: target, loc: loc}
	z.spans = spansOf(loc)
	return z
}

// FixedZone is a zone with one offset. An offset of zero is UTC.
func FixedZone(ms int64) *Zone {
	if ms == 0 {
		return UTC
	}
	return &Zone{id: string(appendOffset(nil, ms, true)), offset: ms}
}

// ID is the canonical id.
func (z *Zone) ID() string { return z.id }

// Offset is what to add to UTC at an instant.
func (z *Zone) Offset(ms int64) int64 {
	if z.loc == nil {
		return z.offset
	}
	return z.at(ms).offset
}

// abbreviation is the zone's own short name at an instant, such as PST.
func (z *Zone) abbreviation(ms int64) (name string, dst bool) {
	if z.loc == nil {
		return "", false
	}
	t := time.UnixMilli(ms).In(z.loc)
	name, _ = t.Zone()
	return name, t.IsDST()
}

// parseOffset reads ±hh, ±hhmm, ±hh:mm, ±hh:mm:ss or ±hh:mm:ss.SSS, and Z if zulu is set. A negative end means that
// there is no offset at pos.
func parseOffset(s string, pos int, zulu bool) (ms int64, end int) {
	if pos >= len(s) {
		return 0, -1
	}
	if zulu && (s[pos] == 'Z' || s[pos] == 'z') {
		return 0, pos + 1
	}
	sign := int64(1)
	switch s[pos] {
	case '-':
		sign = -1
	case '+':
	default:
		return 0, -1
	}
	pos++
	two := func() (int64, bool) {
		if pos+2 > len(s) || !digit(s[pos]) || !digit(s[pos+1]) {
			return 0, false
		}
		pos += 2
		return int64(s[pos-2]-'0')*10 + int64(s[pos-1]-'0'), true
	}
	n, ok := two()
	if !ok || n > 23 {
		return 0, -1
	}
	ms = n * hour
	colon := pos < len(s) && s[pos] == ':'
	for _, unit := range []int64{minute, second} {
		if pos >= len(s) || colon && s[pos] != ':' || !colon && !digit(s[pos]) {
			return sign * ms, pos
		}
		if colon {
			pos++
		}
		if n, ok = two(); !ok || n > 59 {
			return 0, -1
		}
		ms += n * unit
	}
	if pos >= len(s) || colon && s[pos] != '.' && s[pos] != ',' || !colon && !digit(s[pos]) {
		return sign * ms, pos
	}
	if colon {
		pos++
	}
	start := pos
	for unit := int64(100); unit > 0 && pos < len(s) && digit(s[pos]); unit /= 10 {
		ms += int64(s[pos]-'0') * unit
		pos++
	}
	if pos == start {
		return 0, -1
	}
	return sign * ms, pos
}

// appendOffset writes an offset with as many parts as it needs, at least hours and minutes.
func appendOffset(out []byte, ms int64, colons bool) []byte {
	sign := byte('+')
	if ms < 0 {
		sign, ms = '-', -ms
	}
	out = appendPadded(append(out, sign), ms/hour, 2)
	if colons {
		out = append(out, ':')
	}
	out = appendPadded(out, ms%hour/minute, 2)
	rest := ms % minute
	if rest == 0 {
		return out
	}
	if colons {
		out = append(out, ':')
	}
	out = appendPadded(out, rest/second, 2)
	if rest%second == 0 {
		return out
	}
	if colons {
		out = append(out, '.')
	}
	return appendPadded(out, rest%second, 3)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// appendPadded writes n with at least width digits after its sign.
func appendPadded(out []byte, n int64, width int) []byte {
	if n < 0 {
		out = append(out, '-')
		n = -n
	}
	var buf [20]byte
	i := len(buf)
	for {
		i--
		buf[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			break
		}
	}
	for ; width > len(buf)-i; width-- {
		out = append(out, '0')
	}
	return append(out, buf[i:]...)
}
