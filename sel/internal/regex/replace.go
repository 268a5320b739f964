package regex

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"maestro/internal/meter"
)

// each calls f with the registers of every match in turn, in characters of text. A match of nothing is followed by a
// search one character on. errStop from f ends it.
func (re *Regexp) each(text []rune, mt *meter.Meter, f func(regs []int) error) error {
	if err := mt.Memory(regSize * re.regs); err != nil {
		return err
	}
	m := &matcher{text: text, regs: make([]int, re.regs), meter: mt}
	m.forget()
	err := m.each(re.prog, f)
	if errors.Is(err, errStop) {
		err = nil
	}
	if err != nil {
		return err
	}
	return m.settle()
}

func (m *matcher) each(prog []inst, f func(regs []int) error) error {
	for from := 0; from <= len(m.text); {
		end, err := m.run(prog, from)
		if err != nil {
			return err
		}
		if end < 0 {
			from++
			continue
		}
		m.steps += matchSteps
		if err := f(m.regs); err != nil {
			return err
		}
		m.last = end
		if end == m.regs[0] {
			end++
		}
		from = end
		m.forget() // a search that finds nothing leaves the registers as they were
	}
	return nil
}

// matchSteps is what is charged for handing a match on.
const matchSteps = 4

// forget clears the registers.
func (m *matcher) forget() {
	for i := range m.regs {
		m.regs[i] = -1
	}
	m.steps += len(m.regs) / 8
}

// characters takes a text apart.
func characters(text string, m *meter.Meter) ([]rune, error) {
	if !m.Spend(int64(len(text)>>3), 4*int64(len(text))) {
		return nil, m.Err()
	}
	return []rune(text), nil
}

// write appends a piece of a text.
func write(out *meter.Text, text []rune) {
	if len(text) == 0 {
		return
	}
	size := 0
	for _, r := range text {
		size += utf8.RuneLen(r)
	}
	out.Append(size, func(b []byte) []byte {
		for _, r := range text {
			b = utf8.AppendRune(b, r)
		}
		return b
	})
}

// Replace is Java's replaceAll. What it takes is charged to m.
func (re *Regexp) Replace(text, replacement string, m *meter.Meter) (string, error) {
	if re.literal != "" {
		return re.replaceLiteral(text, replacement, m)
	}
	runes, err := characters(text, m)
	if err != nil {
		return "", err
	}
	out := meter.Text{Meter: m}
	done := 0
	err = re.each(runes, m, func(regs []int) error {
		write(&out, runes[done:regs[0]])
		done = regs[1]
		if err := m.Work(len(replacement)); err != nil {
			return err
		}
		if err := re.expand(&out, runes, regs, replacement); err != nil {
			return err
		}
		return out.Err()
	})
	if err != nil {
		return "", err
	}
	write(&out, runes[done:])
	return out.Done(), out.Err()
}

// replaceLiteral is Replace for a pattern that is a plain text: every match is the same, and so is what replaces it. A
// replacement that is not valid is an error only if there is something to replace.
func (re *Regexp) replaceLiteral(text, replacement string, m *meter.Meter) (string, error) {
	if err := m.Work(len(text) >> 4); err != nil {
		return "", err
	}
	n := strings.Count(text, re.literal)
	if n == 0 {
		return text, nil
	}
	if strings.ContainsAny(replacement, `$\`) {
		runes, err := characters(re.literal, m)
		if err != nil {
			return "", err
		}
		out := meter.Text{Meter: m}
		if err := re.expand(&out, runes, []int{0, len(runes)}, replacement); err != nil {
			return "", err
		}
		if out.Err() != nil {
			return "", out.Err()
		}
		replacement = out.Done()
	}
	size := len(text) + n*(len(replacement)-len(re.literal))
	if !m.Spend(int64(len(text)>>4+size>>6+8*n), 2*int64(size)) {
		return "", m.Err()
	}
	return strings.ReplaceAll(text, re.literal, replacement), nil
}

// expand writes a replacement: $n and ${name} are groups, a backslash quotes the next character.
func (re *Regexp) expand(out *meter.Text, text []rune, regs []int, repl string) error {
	for i := 0; i < len(repl); i++ {
		switch c := repl[i]; c {
		case '\\':
			if i++; i == len(repl) {
				return Error("character to be escaped is missing")
			}
			out.Byte(repl[i])
		case '$':
			group, end, err := re.groupAt(repl, i+1)
			if err != nil {
				return err
			}
			i = end - 1
			if from, to := regs[2*group], regs[2*group+1]; from >= 0 {
				write(out, text[from:to])
			}
		default:
			out.Byte(c)
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

// Split is Java's String.split: it gives the pieces of text to add, one after the other. A positive limit is the most
// pieces. found is false if the pattern does not occur, and the text is the only piece. Dropping empty pieces at the end
// is left to the caller.
func (re *Regexp) Split(text string, limit int, m *meter.Meter, add func(piece string) error) (found bool, err error) {
	done, count := 0, 0 // done in bytes
	cut := func(from, to int) error {
		found = true
		err := add(text[done:from])
		count++
		done = to
		return err
	}
	if re.literal != "" {
		if err := m.Work(len(text) >> 4); err != nil {
			return false, err
		}
		for limit <= 0 || count < limit-1 {
			i := strings.Index(text[done:], re.literal)
			if i < 0 {
				break
			}
			if err := cut(done+i, done+i+len(re.literal)); err != nil {
				return false, err
			}
		}
		return found, add(text[done:])
	}
	runes, err := characters(text, m)
	if err != nil {
		return false, err
	}
	at, bytes := 0, 0 // a character of the text and its place in bytes
	place := func(r int) int {
		for ; at < r; at++ {
			bytes += utf8.RuneLen(runes[at])
		}
		return bytes
	}
	err = re.each(runes, m, func(regs []int) error {
		if limit > 0 && count >= limit-1 {
			return errStop
		}
		if regs[1] == 0 {
			return nil // a match of nothing at the start makes no piece
		}
		from := place(regs[0])
		return cut(from, place(regs[1]))
	})
	if err != nil {
		return false, err
	}
	return found, add(text[done:])
}

const errStop = Error("stop")
