package sel

import (
	"math"
	"strconv"
	"strings"

	"maestro/internal/meter"
)

// format is String.format: a template with Java's conversions.
func (m *machine) format(template Value, args []Value) (Value, *Error) {
	if err := want(template, KindString); err != nil {
		return Value{}, err
	}
	if template.null {
		return Value{}, fail(FailNullPointer, "format is null")
	}
	f := &formatting{m: m, text: template.str(), args: args, last: -1, out: meter.Text{Meter: m.meter}}
	for f.pos < len(f.text) {
		i := strings.IndexByte(f.text[f.pos:], '%')
		if i < 0 {
			f.out.String(f.text[f.pos:])
			break
		}
		f.out.String(f.text[f.pos : f.pos+i])
		f.pos += i
		if err := f.conversion(); err != nil {
			return Value{}, err
		}
	}
	return finished(&f.out)
}

// formatting is one call of format under way.
type formatting struct {
	m    *machine
	text string
	pos  int
	args []Value
	out  meter.Text
	next int // ordinary index
	last int // index of the previous argument, for %<s
}

// conversionSpec is %[index$][flags][width][.precision]conv.
type conversionSpec struct {
	text      string
	flags     string
	width     int // -1 if absent
	precision int // -1 if absent
	conv      byte
	upper     bool
}

func (s *conversionSpec) has(flag byte) bool { return strings.IndexByte(s.flags, flag) >= 0 }

func (s *conversionSpec) bad(why string) *Error {
	return fail(FailIllegalArgument, "format ", strconv.Quote(s.text), ": ", why)
}

// digits reads a number at pos and whether there is one; it stops counting far above any limit.
func (f *formatting) digits() (int, bool) {
	n, start := 0, f.pos
	for f.pos < len(f.text) && isDigit(f.text[f.pos]) {
		n = min(n*10+int(f.text[f.pos]-'0'), math.MaxInt32)
		f.pos++
	}
	return n, f.pos > start
}

// conversionWork is what one conversion takes, the length of its text apart.
const conversionWork = 50

// conversion reads a conversion and writes what it asks for.
func (f *formatting) conversion() *Error {
	if err := f.m.spend(conversionWork, 0); err != nil {
		return err
	}
	start := f.pos
	f.pos++
	s := &conversionSpec{width: -1, precision: -1}
	index := 0 // 0 is the ordinary one, -1 the previous one
	mark := f.pos
	if f.pos < len(f.text) && f.text[f.pos] == '<' {
		index = -1
		f.pos++
	} else if n, ok := f.digits(); ok && f.pos < len(f.text) && f.text[f.pos] == '$' && f.text[mark] != '0' {
		index = n
		f.pos++
	} else {
		f.pos = mark
	}
	for f.pos < len(f.text) && strings.IndexByte("-#+ 0,(<", f.text[f.pos]) >= 0 {
		c := f.text[f.pos]
		f.pos++
		if c == '<' {
			index = -1
			continue
		}
		if s.has(c) {
			s.text = f.text[start:f.pos]
			return s.bad("duplicate flag")
		}
		s.flags += string(c)
	}
	if n, ok := f.digits(); ok {
		s.width = n
	}
	if f.pos < len(f.text) && f.text[f.pos] == '.' {
		f.pos++
		n, ok := f.digits()
		if !ok {
			s.text = f.text[start:f.pos]
			return s.bad("precision is missing")
		}
		s.precision = n
	}
	if f.pos < len(f.text) {
		s.conv = f.text[f.pos]
		f.pos++
	}
	if err := f.m.spend(8*(f.pos-start), 0); err != nil { // there may be many digits and flags
		return err
	}
	s.text = clip(strings.ToValidUTF8(f.text[start:f.pos], "\uFFFD"), 100)
	if strings.IndexByte("SXEGBCH", s.conv) >= 0 && s.conv != 0 {
		s.upper = true
		s.conv += 'a' - 'A'
	}
	switch s.conv {
	case 'n':
		if s.width >= 0 || s.precision >= 0 || s.flags != "" {
			return s.bad("n takes neither width nor flags")
		}
		f.out.Byte('\n')
		return nil
	case '%':
		if s.precision >= 0 || strings.Trim(s.flags, "-") != "" {
			return s.bad("% takes only a width")
		}
		return f.pad(s, "%")
	case 's', 'd', 'x', 'o', 'f', 'e', 'g', 'b', 'c', 'h':
	default:
		return s.bad("unknown conversion")
	}
	arg, err := f.arg(s, index)
	if err != nil {
		return err
	}
	return f.convert(s, arg)
}

func (f *formatting) arg(s *conversionSpec, index int) (Value, *Error) {
	i := index - 1
	switch index {
	case 0:
		i = f.next
		f.next++
	case -1:
		i = f.last
	}
	if i < 0 || i >= len(f.args) {
		return Value{}, s.bad("argument is missing")
	}
	f.last = i
	return f.args[i], nil
}

// pad writes text in its width. A minus flag puts it to the left.
func (f *formatting) pad(s *conversionSpec, text string) *Error {
	if s.has('-') && s.width < 0 {
		return s.bad("width is missing")
	}
	if s.upper {
		v, err := f.m.recased(text, upper)
		if err != nil {
			return err
		}
		text = v.str()
	}
	fill := 0
	if s.width > 0 {
		units, err := f.m.units(text)
		if err != nil {
			return err
		}
		fill = max(0, s.width-units)
	}
	if s.has('-') {
		f.out.String(text)
		f.out.Fill(' ', fill)
	} else {
		f.out.Fill(' ', fill)
		f.out.String(text)
	}
	if err := f.out.Err(); err != nil {
		return refused(err)
	}
	return nil
}

// allow fails if s has flags other than those given.
func (s *conversionSpec) allow(flags string) *Error {
	for i := range len(s.flags) {
		if strings.IndexByte(flags, s.flags[i]) < 0 {
			return s.bad("flag " + s.flags[i:i+1] + " does not go with " + string(s.conv))
		}
	}
	return nil
}

func (f *formatting) convert(s *conversionSpec, v Value) *Error {
	switch s.conv {
	case 's', 'b', 'h':
		return f.general(s, v)
	case 'c':
		return f.char(s, v)
	}
	if s.conv == 'd' || s.conv == 'x' || s.conv == 'o' {
		return f.integer(s, v)
	}
	return f.float(s, v)
}

func (f *formatting) general(s *conversionSpec, v Value) *Error {
	if err := s.allow("-"); err != nil {
		return err
	}
	var text string
	switch {
	case s.conv == 's':
		var err *Error
		if text, err = f.m.render(v); err != nil {
			return err
		}
	case s.conv == 'b':
		text = strconv.FormatBool(v.kind == KindBoolean && v.bits != 0 || v.kind != KindBoolean && !v.IsNull())
	case v.IsNull():
		text = "null"
	default:
		hash, err := f.m.hashCode(v)
		if err != nil {
			return err
		}
		text = strconv.FormatUint(uint64(hash), 16)
	}
	if s.precision >= 0 {
		units, err := f.m.units(text)
		if err != nil {
			return err
		}
		if s.precision < units {
			if err := f.m.spend(s.precision>>2, 6*s.precision); err != nil {
				return err
			}
			text = utf16Slice(text, 0, s.precision)
		}
	}
	return f.pad(s, text)
}

// hashCode is Java's, for %h.
func (m *machine) hashCode(v Value) (uint32, *Error) {
	switch v.kind {
	case KindLong:
		if n, ok := toInt32(v); ok {
			return uint32(n), nil
		}
		return uint32(v.bits ^ v.bits>>32), nil
	case KindDouble:
		return uint32(v.bits ^ v.bits>>32), nil
	case KindBoolean:
		if v.bits != 0 {
			return 1231, nil
		}
		return 1237, nil
	}
	text, err := m.render(v)
	if err != nil {
		return 0, err
	}
	return javaHash(text), m.scan(len(text))
}

func (f *formatting) char(s *conversionSpec, v Value) *Error {
	if err := s.allow("-"); err != nil {
		return err
	}
	switch {
	case s.precision >= 0:
		return s.bad("c takes no precision")
	case v.IsNull():
		return f.pad(s, "null")
	case v.kind != KindLong || v.long() < 0 || v.long() > 0x10FFFF:
		return s.bad("c needs a code point, not " + v.kind.String())
	}
	return f.pad(s, string(rune(v.long())))
}

// integer is d, x and o.
func (f *formatting) integer(s *conversionSpec, v Value) *Error {
	flags := "-#0"
	if s.conv == 'd' {
		flags = "-+ 0,("
	}
	if s.precision >= 0 {
		return s.bad("an integer takes no precision")
	}
	if err := s.allow(flags); err != nil {
		return err
	}
	if err := s.checkFlags(); err != nil {
		return err
	}
	if v.IsNull() {
		return f.pad(s, "null")
	}
	if v.kind != KindLong {
		return s.bad(string(s.conv) + " needs a LONG, not " + v.kind.String())
	}
	n := v.long()
	if s.conv == 'd' {
		digits := strconv.FormatInt(n, 10)
		return f.number(s, n < 0, strings.TrimPrefix(digits, "-"))
	}
	u := uint64(n)
	if n < 0 && n >= math.MinInt32 {
		u &= math.MaxUint32
	}
	base, prefix := 16, "0x"
	if s.conv == 'o' {
		base, prefix = 8, "0"
	}
	if !s.has('#') {
		prefix = ""
	}
	digits := strconv.FormatUint(u, base)
	if s.has('0') {
		return f.padZero(s, prefix, digits)
	}
	return f.pad(s, prefix+digits)
}

// padZero writes zeros between the two parts of a number, as many as its width asks for.
func (f *formatting) padZero(s *conversionSpec, before, digits string) *Error {
	zeros := max(0, s.width-len(before)-len(digits))
	if err := f.m.copied(len(before) + zeros + len(digits)); err != nil {
		return err
	}
	return f.pad(s, before+strings.Repeat("0", zeros)+digits)
}

// checkFlags refuses flags that contradict each other or need a width.
func (s *conversionSpec) checkFlags() *Error {
	switch {
	case s.has('-') && s.has('0'), s.has('+') && s.has(' '):
		return s.bad("flags contradict each other")
	case (s.has('-') || s.has('0')) && s.width < 0:
		return s.bad("width is missing")
	}
	return nil
}

// number adds sign, grouping and zeros to the digits of a number.
func (f *formatting) number(s *conversionSpec, negative bool, digits string) *Error {
	if s.has(',') {
		digits = grouped(digits)
	}
	before, after := "", ""
	switch {
	case negative && s.has('('):
		before, after = "(", ")"
	case negative:
		before = "-"
	case s.has('+'):
		before = "+"
	case s.has(' '):
		before = " "
	}
	if s.has('0') {
		return f.padZero(s, before, digits+after)
	}
	return f.pad(s, before+digits+after)
}

// grouped puts a comma before every third digit left of the point.
func grouped(digits string) string {
	whole, rest := digits, ""
	if i := strings.IndexAny(digits, ".e"); i >= 0 {
		whole, rest = digits[:i], digits[i:]
	}
	var b strings.Builder
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(whole[i])
	}
	return b.String() + rest
}
