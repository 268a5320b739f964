package joda

import "strings"

// Formatter is a compiled pattern, and the zone to print in and parse in if one was given. It is immutable.
type Formatter struct {
	parts []part
	cost  Cost
	Zone  *Zone // may be nil
}

// Cost is what using a formatter takes, to be asked before it is used.
type Cost struct {
	Print, Parse int // steps of 10 ns, apart from the length of texts
	Size         int // at least the length of what is printed
	Parts        int // fields and texts in the pattern
}

// Cost returns what using f takes.
func (f *Formatter) Cost() Cost { return f.cost }

// partKind tells how a part of a pattern prints and parses.
type partKind uint8

const (
	partLiteral   partKind = iota
	partNumber             // at least min digits
	partTwoDigits          // a year without its century
	partFraction           // of a second
	partText               // a name, short or full
	partOffset
	partZoneID
	partZoneName
)

type part struct {
	kind   partKind
	field  Field
	min    int  // digits when printing
	max    int  // digits when parsing
	signed bool // parse a sign
	full   bool // print the full name; an offset with colons
	strict bool // a two-digit year is followed by digits
	text   string
}

// Compile reads a pattern: letters are fields, quoted text and other characters stand for themselves.
func Compile(pattern string) (*Formatter, error) {
	if pattern == "" {
		return nil, Error("invalid pattern specification: empty")
	}
	f := &Formatter{}
	for pos := 0; pos < len(pattern); {
		letter, n, text, end := patternToken(pattern, pos)
		if letter == 0 {
			f.parts = append(f.parts, part{kind: partLiteral, text: text})
			pos = end
			continue
		}
		digitsFollow := false
		if end < len(pattern) {
			next, m, _, _ := patternToken(pattern, end)
			digitsFollow = numericLetter(next, m)
		}
		p, ok := fieldPart(letter, n, digitsFollow)
		if !ok {
			return nil, Error("illegal pattern component: " + clip(pattern[pos:end]))
		}
		f.parts = append(f.parts, p)
		pos = end
	}
	f.cost = cost(f.parts)
	return f, nil
}

// WithZone is f printing and parsing in z.
func (f *Formatter) WithZone(z *Zone) *Formatter { return &Formatter{f.parts, f.cost, z} }

// patternToken reads a run of one letter, or text if letter is zero. An unclosed quote runs to the end.
func patternToken(p string, pos int) (letter byte, n int, text string, end int) {
	if c := p[pos]; asciiLetter(c) {
		for end = pos; end < len(p) && p[end] == c; end++ {
		}
		return c, end - pos, "", end
	}
	var b strings.Builder
	quoted := false
	for end = pos; end < len(p); end++ {
		c := p[end]
		switch {
		case c == '\'' && end+1 < len(p) && p[end+1] == '\'':
			end++
			b.WriteByte('\'')
		case c == '\'':
			quoted = !quoted
		case !quoted && asciiLetter(c):
			return 0, 0, b.String(), end
		default:
			b.WriteByte(c)
		}
	}
	return 0, 0, b.String(), end
}

func asciiLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// numericLetter reports whether a token of n letters parses digits.
func numericLetter(letter byte, n int) bool {
	if letter == 'M' {
		return n <= 2
	}
	return letter != 0 && strings.IndexByte("CxyYdhHmsSeDwkK", letter) >= 0
}

func fieldPart(letter byte, n int, digitsFollow bool) (part, bool) {
	number := func(f Field, digits int) (part, bool) {
		return part{kind: partNumber, field: f, min: n, max: max(n, digits)}, true
	}
	year := func(f Field, signed bool) (part, bool) {
		if n == 2 {
			if f == YearOfEra {
				f = Year
			}
			return part{kind: partTwoDigits, field: f, strict: digitsFollow}, true
		}
		p := part{kind: partNumber, field: f, min: n, max: max(n, 9), signed: signed}
		if digitsFollow {
			p.max = n
		}
		return p, true
	}
	switch letter {
	case 'y':
		return year(Year, true)
	case 'Y':
		return year(YearOfEra, false)
	case 'x':
		return year(Weekyear, true)
	case 'C':
		return number(CenturyOfEra, n)
	case 'G':
		return part{kind: partText, field: Era}, true
	case 'M':
		if n >= 3 {
			return part{kind: partText, field: MonthOfYear, full: n >= 4}, true
		}
		return number(MonthOfYear, 2)
	case 'w':
		return number(WeekOfWeekyear, 2)
	case 'D':
		return number(DayOfYear, 3)
	case 'd':
		return number(DayOfMonth, 2)
	case 'e':
		return number(DayOfWeek, 1)
	case 'E':
		return part{kind: partText, field: DayOfWeek, full: n >= 4}, true
	case 'a':
		return part{kind: partText, field: HalfdayOfDay}, true
	case 'H':
		return number(HourOfDay, 2)
	case 'k':
		return number(ClockhourOfDay, 2)
	case 'K':
		return number(HourOfHalfday, 2)
	case 'h':
		return number(ClockhourOfHalfday, 2)
	case 'm':
		return number(MinuteOfHour, 2)
	case 's':
		return number(SecondOfMinute, 2)
	case 'S':
		return part{kind: partFraction, min: n, max: n}, true
	case 'z':
		return part{kind: partZoneName, full: n >= 4}, true
	case 'Z':
		if n >= 3 {
			return part{kind: partZoneID}, true
		}
		return part{kind: partOffset, full: n == 2}, true
	}
	return part{}, false
}

// cost adds up what the parts take. Both ways find out an offset first.
func cost(parts []part) Cost {
	c := Cost{Print: 20, Parse: 200, Parts: len(parts)}
	for i := range parts {
		switch p := &parts[i]; p.kind {
		case partLiteral:
			c.Print, c.Parse, c.Size = c.Print+2, c.Parse+2, c.Size+len(p.text)
		case partZoneName, partZoneID:
			c.Print, c.Parse, c.Size = c.Print+100, c.Parse+200, c.Size+40
		case partNumber, partFraction:
			c.Print, c.Parse, c.Size = c.Print+10, c.Parse+100, c.Size+p.min+12
		default:
			c.Print, c.Parse, c.Size = c.Print+10, c.Parse+100, c.Size+40
		}
	}
	return c
}

// Print renders d, in the formatter's zone if it has one.
func (f *Formatter) Print(d DateTime) string {
	if f.Zone != nil {
		d.Zone = f.Zone
	}
	var buf [40]byte
	out := buf[:0]
	offset := d.Zone.Offset(d.Millis)
	local := d.Millis + offset
	year, month, dom := dateOf(floorDiv(local, day)) // what most patterns ask for
	for i := range f.parts {
		p := &f.parts[i]
		switch p.kind {
		case partLiteral:
			out = append(out, p.text...)
		case partNumber:
			var n int64
			switch {
			case p.field == Year, p.field == YearOfEra && year > 0:
				n = year
			case p.field == MonthOfYear:
				n = int64(month)
			case p.field == DayOfMonth:
				n = int64(dom)
			default:
				n = get(p.field, local)
			}
			out = appendPadded(out, n, p.min)
		case partTwoDigits:
			n := get(p.field, local)
			out = appendPadded(out, max(n, -n)%100, 2)
		case partFraction:
			out = appendFraction(out, floorMod(local, second), p.min)
		case partText:
			out = append(out, p.name(get(p.field, local))...)
		case partOffset:
			out = appendOffset(out, offset, p.full)
		case partZoneID:
			out = append(out, d.Zone.id...)
		case partZoneName:
			out = append(out, zoneName(d, offset, p.full)...)
		}
	}
	return string(out)
}

func (p *part) name(n int64) string {
	var name string
	switch p.field {
	case Era:
		return eraNames[n]
	case HalfdayOfDay:
		return halfdayNames[n]
	case MonthOfYear:
		name = monthNames[n-1]
	default:
		name = weekdayNames[n-1]
	}
	if p.full {
		return name
	}
	return name[:3]
}

// appendFraction writes ms as a decimal fraction of exactly n digits.
func appendFraction(out []byte, ms int64, n int) []byte {
	var buf [3]byte
	three := appendPadded(buf[:0], ms, 3)
	for i := range n {
		if i < 3 {
			out = append(out, three[i])
		} else {
			out = append(out, '0')
		}
	}
	return out
}

// zoneName is the English name of d's zone at that time, or the offset where there is none.
func zoneName(d DateTime, offset int64, full bool) string {
	short, _ := d.Zone.abbreviation(d.Millis)
	if short == "" && len(d.Zone.id) == 3 {
		short = d.Zone.id // UTC, EST, MST, HST
	}
	if short == "" || short[0] == '+' || short[0] == '-' {
		return string(appendOffset(nil, offset, true))
	}
	if !full {
		return short
	}
	if name, ok := longNameIn[d.Zone.id+" "+short]; ok {
		return name
	}
	if name, ok := longNames[short]; ok {
		return name
	}
	return short
}
