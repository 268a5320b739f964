package regex

import (
	"errors"
	"strconv"
	"strings"
)

// each calls f with the registers of every match in turn, in characters of text. A match of nothing is followed by a
// search one character on.
func (re *Regexp) each(text []rune, budget *int64, f func(regs []int) error) error {
	m := &matcher{text: text, regs: make([]int, re.regs), budget: budget}
	for from := 0; from <= len(text); {
		for i := range m.regs {
			m.regs[i] = -1
		}
		end, err := m.run(re.prog, from)
		if err != nil {
			return err
		}
		if end < 0 {
			from++
			continue
		}
		if err := f(m.regs); err != nil {
			return err
		}
		m.last = end
		if end == m.regs[0] {
			end++
		}
		from = end
	}
	return nil
}

// Grow is told before a result grows by some bytes, and can refuse.
type Grow func(bytes int) error

// Replace is Java's replaceAll. Steps are taken from budget.
func (re *Regexp) Replace(text, replacement string, budget *int64, grow Grow) (string, error) {
	if re.literal != "" && !strings.ContainsAny(replacement, `$\`) {
		n := strings.Count(text, re.literal)
		*budget -= int64(len(text) / 16)
		if err := grow(len(text) + n*(len(replacement)-len(re.literal))); err != nil {
			return "", err
		}
		return strings.ReplaceAll(text, re.literal, replacement), nil
	}
	runes := []rune(text)
	var b strings.Builder
	done := 0
	err := re.full().each(runes, budget, func(regs []int) error {
		if err := grow(regs[0] - done); err != nil {
			return err
		}
		b.WriteString(string(runes[done:regs[0]]))
		done = regs[1]
		return re.expand(&b, runes, regs, replacement, grow)
	})
	if err != nil {
		return "", err
	}
	if err := grow(len(runes) - done); err != nil {
		return "", err
	}
	b.WriteString(string(runes[done:]))
	return b.String(), nil
}

// full is re with a program even if its pattern is literal.
func (re *Regexp) full() *Regexp {
	if re.literal == "" {
		return re
	}
	c := &compiler{regs: 2}
	c.emit(inst{op: opSave, n: 0})
	for _, r := range re.literal {
		c.emit(inst{op: opSet, set: one(r)})
	}
	c.emit(inst{op: opSave, n: 1})
	c.emit(inst{op: opMatch})
	return &Regexp{prog: c.prog, regs: 2}
}

// expand writes a replacement: $n and ${name} are groups, a backslash quotes the next character.
func (re *Regexp) expand(b *strings.Builder, text []rune, regs []int, repl string, grow Grow) error {
	for i := 0; i < len(repl); i++ {
		switch c := repl[i]; c {
		case '\\':
			if i++; i == len(repl) {
				return Error("character to be escaped is missing")
			}
			if err := grow(1); err != nil {
				return err
			}
			b.WriteByte(repl[i])
		case '$':
			group, end, err := re.groupAt(repl, i+1)
			if err != nil {
				return err
			}
			i = end - 1
			if from, to := regs[2*group], regs[2*group+1]; from >= 0 {
				if err := grow(to - from); err != nil {
					return err
				}
				b.WriteString(string(text[from:to]))
			}
		default:
			if err := grow(1); err != nil {
				return err
			}
			b.WriteByte(c)
		}
	}
	return nil
}

// groupAt reads the group after a dollar: the longest number of a group that exists, or a name in braces.
func (re *Regexp) groupAt(repl string, i int) (group, end int, err error) {
	if i == len(repl) {
		return 0, 0, Error("illegal group reference: group index is missing")
	}
	if repl[i] == '{' {
		name, _, ok := strings.Cut(repl[i+1:], "}")
		if !ok {
			return 0, 0, Error("named capturing group is missing trailing '}'")
		}
		g, ok := re.names[name]
		if !ok {
			return 0, 0, Error("no group with name {" + name + "}")
		}
		return g, i + len(name) + 2, nil
	}
	if repl[i] < '0' || repl[i] > '9' {
		return 0, 0, Error("illegal group reference")
	}
	group = int(repl[i] - '0')
	if group > re.groups {
		return 0, 0, Error("no group " + strconv.Itoa(group))
	}
	for end = i + 1; end < len(repl) && repl[end] >= '0' && repl[end] <= '9'; end++ {
		n := group*10 + int(repl[end]-'0')
		if n > re.groups {
			break
		}
		group = n
	}
	return group, end, nil
}

// Split is Java's String.split. A positive limit is the most pieces; zero drops empty pieces at the end.
func (re *Regexp) Split(text string, limit int, budget *int64, grow Grow) ([]string, error) {
	var pieces []string
	add := func(piece string) error {
		if err := grow(len(piece) + 16); err != nil {
			return err
		}
		pieces = append(pieces, piece)
		return nil
	}
	done := 0 // in bytes
	found := false
	if re.literal != "" {
		*budget -= int64(len(text) / 16)
		for limit <= 0 || len(pieces) < limit-1 {
			i := strings.Index(text[done:], re.literal)
			if i < 0 {
				break
			}
			found = true
			if err := add(text[done : done+i]); err != nil {
				return nil, err
			}
			done += i + len(re.literal)
		}
	} else {
		runes := []rune(text)
		at, bytes := 0, 0 // a character of the text and its place in bytes
		place := func(r int) int {
			for ; at < r; at++ {
				bytes += len(string(runes[at]))
			}
			return bytes
		}
		err := re.each(runes, budget, func(regs []int) error {
			if limit > 0 && len(pieces) >= limit-1 {
				return errStop
			}
			if regs[1] == 0 {
				return nil // a match of nothing at the start makes no piece
			}
			found = true
			err := add(text[done:place(regs[0])])
			done = place(regs[1])
			return err
		})
		if err != nil && !errors.Is(err, errStop) {
			return nil, err
		}
	}
	if !found {
		return []string{text}, grow(len(text))
	}
	if err := add(text[done:]); err != nil {
		return nil, err
	}
	for limit == 0 && len(pieces) > 0 && pieces[len(pieces)-1] == "" {
		pieces = pieces[:len(pieces)-1]
	}
	return pieces, nil
}

const errStop = Error("stop")
