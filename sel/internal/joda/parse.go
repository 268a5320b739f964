package joda

import (
	"slices"
	"strconv"
	"strings"
)

// parsed collects what a text says, to be put together when all of it has been read.
type parsed struct {
	fields    []parsedField
	room      [10]parsedField
	zone      *Zone // to read local time in
	offset    int64
	hasOffset bool
}

type parsedField struct {
	field Field
	value int64
}

func (b *parsed) save(f Field, n int64) { b.fields = append(b.fields, parsedField{f, n}) }

// defaultYear is the year of a text that says at most a month, week or day. It is a leap year.
const defaultYear = 2000

// millis puts the fields together, from the largest to the smallest, starting from 1970-01-01T00:00. Each rounds off
// what is smaller. They are applied twice since a later one, such as a weekday, may have moved an earlier one.
func (b *parsed) millis() (int64, error) {
	bySize := func(x, y parsedField) int {
		dx, dy := &fields[x.field], &fields[y.field]
		if dx.span != dy.span {
			return int(dx.span) - int(dy.span)
		}
		return int(dx.unit) - int(dy.unit)
	}
	slices.SortStableFunc(b.fields, bySize)
	if len(b.fields) > 0 {
		if u := fields[b.fields[0].field].unit; u >= months && u <= days {
			b.save(Year, defaultYear)
			slices.SortStableFunc(b.fields, bySize)
		}
	}
	local := int64(0)
	for pass := range 2 {
		for i, p := range b.fields {
			var err error
			if local, err = set(p.field, local, p.value); err != nil {
				return 0, err
			}
			if pass == 0 || i == len(b.fields)-1 {
				local = floor(p.field, local)
			}
		}
	}
	if b.hasOffset {
		return local - b.offset, nil
	}
	return b.zone.strict(local)
}

// errNoParse says that a pattern can only print.
const errNoParse = Error("parsing not supported")

// Parses reports whether the pattern can be used to parse.
func (f *Formatter) Parses() bool {
	return !slices.ContainsFunc(f.parts, func(p part) bool { return p.kind == partZoneName && p.full })
}

// Parse reads text, all of it. Local time is taken in the formatter's zone, or zone if it has none. The year of now is
// asked for only to complete two-digit years.
func (f *Formatter) Parse(text string, zone *Zone, now func() (DateTime, error)) (DateTime, error) {
	if !f.Parses() {
		return DateTime{}, errNoParse
	}
	if f.Zone != nil {
		zone = f.Zone
	}
	b := &parsed{zone: zone}
	b.fields = b.room[:0]
	pos := 0
	for i := range f.parts {
		end, err := f.parts[i].parse(b, text, pos, now)
		if err != nil {
			return DateTime{}, err
		}
		if end < 0 {
			return DateTime{}, invalidFormat(text, pos)
		}
		pos = end
	}
	if pos != len(text) {
		return DateTime{}, invalidFormat(text, pos)
	}
	ms, err := b.millis()
	if err != nil {
		return DateTime{}, Error("cannot parse " + strconv.Quote(clip(text)) + ": " + err.Error())
	}
	if f.Zone == nil {
		zone = b.zone
	}
	return DateTime{ms, zone}, nil
}

// clip cuts a long text for a message.
func clip(text string) string {
	if len(text) > 50 {
		return strings.ToValidUTF8(text[:47], "") + "..."
	}
	return text
}

func invalidFormat(text string, pos int) error {
	text = clip(text)
	if pos >= len(text) {
		return Error("invalid format: " + strconv.Quote(text) + " is too short")
	}
	return Error("invalid format: " + strconv.Quote(text) + " is malformed at " + strconv.Quote(text[pos:]))
}

// parse reads one part at pos and gives its end, negative if it is not there.
func (p *part) parse(b *parsed, s string, pos int, now func() (DateTime, error)) (int, error) {
	switch p.kind {
	case partLiteral:
		if end := pos + len(p.text); end <= len(s) && strings.EqualFold(s[pos:end], p.text) {
			return end, nil
		}
	case partNumber:
		n, end := numberAt(s, pos, p.max, p.signed)
		if end >= 0 {
			b.save(p.field, n)
		}
		return end, nil
	case partTwoDigits:
		return p.twoDigits(b, s, pos, now)
	case partFraction:
		n, end := fractionAt(s, pos, p.max, second)
		if end >= 0 {
			b.save(MillisOfSecond, n)
		}
		return end, nil
	case partText:
		n, end := nameAt(p.field, s, pos)
		if end >= 0 {
			b.save(p.field, n)
		}
		return end, nil
	case partOffset:
		ms, end := parseOffset(s, pos, true)
		if end >= 0 {
			b.offset, b.hasOffset = ms, true
		}
		return end, nil
	case partZoneID:
		z, end := zoneIDAt(s, pos)
		if end >= 0 {
			b.zone, b.hasOffset = z, false
		}
		return end, nil
	case partZoneName:
		for _, z := range shortZones {
			if strings.HasPrefix(s[pos:], z.name) {
				b.zone, _ = ForID(z.id)
				return pos + len(z.name), nil
			}
		}
	}
	return -1, nil
}

// twoDigits reads a year. Exactly two digits lie between 80 years ago and 19 years ahead; any other number is meant
// literally, unless more digits follow.
func (p *part) twoDigits(b *parsed, s string, pos int, now func() (DateTime, error)) (int, error) {
	end := pos
	for end < len(s) && (digit(s[end]) || end == pos && !p.strict && (s[end] == '+' || s[end] == '-')) {
		end++
	}
	if p.strict {
		end = min(end, pos+2)
	}
	if end-pos != 2 || !digit(s[pos]) {
		if p.strict {
			return -1, nil
		}
		n, end := numberAt(s, pos, 10, true)
		if end >= 0 {
			b.save(p.field, n)
		}
		return end, nil
	}
	t, err := now()
	if err != nil {
		return -1, err
	}
	low := t.Get(p.field) - 80
	year := int64(s[pos]-'0')*10 + int64(s[pos+1]-'0')
	b.save(p.field, low+floorMod(year-low, 100))
	return end, nil
}

// numberAt reads up to digits digits, and a sign before them if signed.
func numberAt(s string, pos, digits int, signed bool) (n int64, end int) {
	negative := false
	if signed && pos < len(s) && (s[pos] == '-' || s[pos] == '+') {
		negative = s[pos] == '-'
		pos++
	}
	start := pos
	for pos < len(s) && pos-start < digits && digit(s[pos]) {
		if n < 1<<40 {
			n = n*10 + int64(s[pos]-'0')
		}
		pos++
	}
	if pos == start {
		return 0, -1
	}
	if negative {
		n = -n
	}
	return n, pos
}

// fractionAt reads up to digits digits as a decimal fraction of size milliseconds.
func fractionAt(s string, pos, digits int, size int64) (ms int64, end int) {
	start := pos
	unit := size * 10 // ten times what a digit is worth, so that one more digit is exact
	for pos < len(s) && pos-start < digits && digit(s[pos]) {
		unit /= 10
		ms += int64(s[pos]-'0') * unit
		pos++
	}
	if pos == start {
		return 0, -1
	}
	return ms / 10, pos
}

// longestID is at least the length of the longest id of zoneIDs.
const longestID = 40

// zoneIDAt finds the longest zone id at pos.
func zoneIDAt(s string, pos int) (*Zone, int) {
	end := pos
	for end < len(s) && end-pos < longestID && (asciiLetter(s[end]) || digit(s[end]) || strings.IndexByte("/_+-", s[end]) >= 0) {
		end++
	}
	for ; end > pos; end-- {
		if _, ok := canonicalIDs()[s[pos:end]]; ok {
			z, _ := ForID(s[pos:end])
			return z, end
		}
	}
	return nil, -1
}
