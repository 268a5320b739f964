// Package regex implements the regular expressions of Java, with look-around, back-references and possessive
// quantifiers, for the methods split and replaceAll. Package regexp cannot stand in: it lacks these, and differs in what
// . $ and \s match.
//
// Matching backtracks, so a pattern can ask for exponential work, and counted repetitions make long programs of short
// patterns. All of it is charged to a [meter.Meter], whose refusal ends the work; the stack of alternatives has a bound
// of its own, [ErrDepth].
package regex

import "maestro/internal/meter"

// Error says why a pattern or a replacement is not valid.
type Error string

func (e Error) Error() string { return string(e) }

// ErrDepth ends a match with more open alternatives than there is room for.
const ErrDepth = Error("regular expression is too complex for this text")

// Regexp is a compiled pattern. It is immutable and safe for concurrent use.
type Regexp struct {
	prog    []inst
	groups  int // capturing groups without group 0
	regs    int // registers: two for each group, and one for each loop that could spin on nothing
	names   map[string]int
	literal string // the whole pattern, if it means only itself; there is no program then
}

// maxProg bounds the size of a program, in which counted repetitions are written out, and of a pattern.
const maxProg = 100_000

// What compiling is charged for a character of the pattern and for an instruction, with room for growing slices.
const (
	runeSize, runeWork = 300, 20
	instSize, instWork = 300, 10
)

// Compile parses a pattern and charges m for it.
func Compile(pattern string, m *meter.Meter) (*Regexp, error) {
	if err := m.Work(len(pattern) >> 2); err != nil {
		return nil, err
	}
	if plain(pattern) {
		return &Regexp{literal: pattern}, nil
	}
	return compile(pattern, m)
}

func compile(pattern string, m *meter.Meter) (*Regexp, error) {
	if len(pattern) > maxProg {
		return nil, errLarge
	}
	if !m.Spend(int64(runeWork*len(pattern)), int64(runeSize*len(pattern))) {
		return nil, m.Err()
	}
	p := &parser{in: []rune(pattern), names: map[string]int{}}
	n, err := p.parse()
	if err != nil {
		return nil, err
	}
	c := &compiler{meter: m, groups: p.groups, regs: 2 * (p.groups + 1)}
	c.emit(inst{op: opSave, n: 0})
	if err := c.node(n); err != nil {
		return nil, err
	}
	c.emit(inst{op: opSave, n: 1})
	c.emit(inst{op: opMatch})
	return &Regexp{prog: c.prog, groups: p.groups, regs: c.regs, names: p.names}, nil
}

// plain reports whether a pattern has no special characters, and is not empty.
func plain(pattern string) bool {
	for i := range len(pattern) {
		switch pattern[i] {
		case '.', '$', '|', '(', ')', '[', '{', '^', '?', '*', '+', '\\':
			return false
		}
	}
	return pattern != ""
}
