// Package regex implements the regular expressions of Java, with look-around, back-references and possessive
// quantifiers, for the methods split and replaceAll. Package regexp cannot stand in: it lacks these, and differs in what
// . $ and \s match.
//
// Matching backtracks, so a pattern can ask for exponential work. Every step is counted against a budget, and the
// stack of alternatives is bounded; a match that exceeds either ends with [ErrBudget] or [ErrDepth].
package regex

// Error says why a pattern or a replacement is not valid.
type Error string

func (e Error) Error() string { return string(e) }

const (
	// ErrBudget ends a match that took more steps than allowed.
	ErrBudget = Error("regular expression takes too many steps")
	// ErrDepth ends a match with more open alternatives than there is room for.
	ErrDepth = Error("regular expression is too complex for this text")
)

// Regexp is a compiled pattern. It is immutable and safe for concurrent use.
type Regexp struct {
	prog    []inst
	groups  int // capturing groups without group 0
	regs    int // registers: two for each group, and one for each loop that could spin on nothing
	names   map[string]int
	literal string // the whole pattern, if it means only itself
}

// maxProg bounds the size of a program; counted repetitions are written out.
const maxProg = 100_000

// Compile parses a pattern.
func Compile(pattern string) (*Regexp, error) {
	if plain(pattern) {
		return &Regexp{literal: pattern}, nil
	}
	p := &parser{in: []rune(pattern), names: map[string]int{}}
	n, err := p.parse()
	if err != nil {
		return nil, err
	}
	c := &compiler{groups: p.groups, regs: 2 * (p.groups + 1)}
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
