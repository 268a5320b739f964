package regex

import (
	"slices"
	"strings"
	"unicode"
)

// set is a set of characters. cost is what it takes to ask about one, in steps.
type set interface {
	has(r rune) bool
	cost() int
}

type (
	span  struct{ lo, hi rune }
	spans []span
	not   struct{ set }
	union []set
	both  struct{ a, b set }
	table struct{ *unicode.RangeTable }
	// fold adds the other case of ASCII letters, and of all letters if wide.
	fold struct {
		set
		wide bool
	}
)

func (s spans) has(r rune) bool {
	if len(s) > manySpans {
		_, found := slices.BinarySearchFunc(s, r, func(x span, r rune) int {
			switch {
			case x.hi < r:
				return -1
			case x.lo > r:
				return 1
			}
			return 0
		})
		return found
	}
	for _, x := range s {
		if r >= x.lo && r <= x.hi {
			return true
		}
	}
	return false
}

// manySpans is from where spans are searched and no longer scanned. They are in order then: merged has seen to that.
const manySpans = 16

// merged is s as one list of spans, in order and without overlaps, as far as it consists of such.
func (s union) merged() set {
	var all spans
	var rest union
	for _, x := range s {
		if list, ok := x.(spans); ok {
			all = append(all, list...)
		} else {
			rest = append(rest, x)
		}
	}
	slices.SortFunc(all, func(a, b span) int { return int(a.lo) - int(b.lo) })
	kept := all[:0]
	for _, x := range all {
		if last := len(kept) - 1; last >= 0 && x.lo <= kept[last].hi+1 {
			kept[last].hi = max(kept[last].hi, x.hi)
		} else {
			kept = append(kept, x)
		}
	}
	switch {
	case len(rest) == 0:
		return kept
	case len(kept) > 0:
		rest = append(rest, kept)
	}
	return rest
}

func (s spans) cost() int { return 1 }
func (s table) cost() int { return 4 }
func (s not) cost() int   { return s.set.cost() }
func (s both) cost() int  { return s.a.cost() + s.b.cost() }

func (s union) cost() int {
	sum := 1
	for _, x := range s {
		sum += x.cost()
	}
	return sum
}

func (s fold) cost() int {
	if s.wide {
		return 8 + 4*s.set.cost()
	}
	return 1 + 2*s.set.cost()
}

func (s not) has(r rune) bool   { return !s.set.has(r) }
func (s both) has(r rune) bool  { return s.a.has(r) && s.b.has(r) }
func (s table) has(r rune) bool { return unicode.Is(s.RangeTable, r) }

func (s union) has(r rune) bool {
	for _, x := range s {
		if x.has(r) {
			return true
		}
	}
	return false
}

func (s fold) has(r rune) bool {
	if s.set.has(r) {
		return true
	}
	if s.wide {
		return s.set.has(unicode.ToUpper(r)) || s.set.has(unicode.ToLower(r)) || s.set.has(unicode.ToLower(unicode.ToUpper(r)))
	}
	other := swapASCII(r)
	return other != r && s.set.has(other)
}

func swapASCII(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return r - 'a' + 'A'
	case r >= 'A' && r <= 'Z':
		return r - 'A' + 'a'
	}
	return r
}

func one(r rune) set { return spans{{r, r}} }

var (
	digits      = spans{{'0', '9'}}
	words       = spans{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	blanks      = spans{{'\t', '\r'}, {' ', ' '}}
	horizontal  = spans{{'\t', '\t'}, {' ', ' '}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x180E, 0x180E}, {0x2000, 0x200A}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}}
	vertical    = spans{{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}
	terminators = spans{{'\n', '\n'}, {'\r', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}
	newline     = spans{{'\n', '\n'}}
	everything  = spans{{0, unicode.MaxRune}}
)

// shorthand is the set of \d and the like, nil if there is none.
func shorthand(r rune) set {
	switch r {
	case 'd':
		return digits
	case 'D':
		return not{digits}
	case 's':
		return blanks
	case 'S':
		return not{blanks}
	case 'w':
		return words
	case 'W':
		return not{words}
	case 'h':
		return horizontal
	case 'H':
		return not{horizontal}
	case 'v':
		return vertical
	case 'V':
		return not{vertical}
	}
	return nil
}

// posix are the classes of \p that speak of ASCII only.
var posix = map[string]set{
	"Lower":  spans{{'a', 'z'}},
	"Upper":  spans{{'A', 'Z'}},
	"ASCII":  spans{{0, 0x7F}},
	"Alpha":  spans{{'A', 'Z'}, {'a', 'z'}},
	"Digit":  digits,
	"Alnum":  spans{{'0', '9'}, {'A', 'Z'}, {'a', 'z'}},
	"Punct":  spans{{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}},
	"Graph":  spans{{'!', '~'}},
	"Print":  spans{{' ', '~'}},
	"Blank":  spans{{' ', ' '}, {'\t', '\t'}},
	"Cntrl":  spans{{0, 0x1F}, {0x7F, 0x7F}},
	"XDigit": spans{{'0', '9'}, {'A', 'F'}, {'a', 'f'}},
	"Space":  blanks,
}

// binaryProperties are the Unicode properties with a name of their own after Is.
var binaryProperties = map[string]set{
	"ALPHABETIC":  union{table{unicode.L}, table{unicode.Nl}, table{unicode.Other_Alphabetic}},
	"DIGIT":       table{unicode.Nd},
	"LETTER":      table{unicode.L},
	"LOWERCASE":   union{table{unicode.Ll}, table{unicode.Other_Lowercase}},
	"UPPERCASE":   union{table{unicode.Lu}, table{unicode.Other_Uppercase}},
	"PUNCTUATION": table{unicode.P},
	"CONTROL":     table{unicode.Cc},
	"WHITE_SPACE": table{unicode.White_Space},
	"IDEOGRAPHIC": table{unicode.Ideographic},
}

// property finds the set of \p{name}.
func property(name string) (set, bool) {
	if s, ok := posix[name]; ok {
		return s, true
	}
	if key, value, ok := strings.Cut(name, "="); ok {
		switch strings.ToLower(key) {
		case "script", "sc", "general_category", "gc":
			name = value
		default:
			return nil, false
		}
	}
	rest, is := strings.CutPrefix(name, "Is")
	if t, ok := unicode.Categories[rest]; ok {
		return table{t}, true
	}
	if is {
		if s, ok := binaryProperties[strings.ToUpper(rest)]; ok {
			return s, true
		}
	}
	for script, t := range unicode.Scripts {
		if strings.EqualFold(script, rest) {
			return table{t}, true
		}
	}
	return nil, false
}
