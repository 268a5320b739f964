package output

import "bytes"

// The tokens between which a job prints output data, and the variables in which it finds them (spec/runtimes 4.4).
const (
	StartVar   = tokens + "START"
	StartToken = tokens + "START_TOKEN"
	EndVar     = tokens + "END"
	EndToken   = tokens + "END_TOKEN"

	tokens = "MAESTRO_OUTPUT_"
)

// Section is what stood between the last pair of tokens.
type Section struct {
	Text    *string // nil: there was none
	TooLong bool    // it had more than MaxText
	Open    bool    // later there is a start token with the beginning of an object, and no end token
}

// Marks finds the last section of a stream, however the stream is cut into pieces and however much follows. A start token
// begins a section anew, and an end token without one means nothing. A token right after the name of its variable comes
// from a job that prints its environment, and does not count. It holds no more than one section and a bit.
type Marks struct {
	Max int // of a section, in bytes; default MaxText

	buf   []byte
	from  int // no token begins before
	open  bool
	begin int // of the section, if one is open

	last    *string
	tooLong bool
}

// Write takes the next piece of the stream. It never fails.
func (m *Marks) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; { // so that a long piece is not copied as a whole
		n := min(len(rest), 32<<10)
		m.buf = append(m.buf, rest[:n]...)
		rest = rest[n:]
		m.scan()
	}
	return len(p), nil
}

// Section returns what was found up to here.
func (m *Marks) Section() Section {
	begun := m.open && bytes.HasPrefix(bytes.TrimSpace(m.buf[m.begin:]), []byte("{"))
	return Section{Text: m.last, TooLong: m.tooLong, Open: begun}
}

// scan takes all tokens out of the buffer, and drops what is of no more use.
func (m *Marks) scan() {
	for m.step() {
	}
	m.overflow()
	keep := m.begin
	if !m.open {
		keep = max(0, m.from-len(StartVar)-2) // the name of a variable, = and a quote
	}
	if keep > 0 {
		m.buf = append(m.buf[:0], m.buf[keep:]...)
		m.from, m.begin = m.from-keep, 0
	}
}

func (m *Marks) limit() int {
	if m.Max > 0 {
		return m.Max
	}
	return MaxText
}

// overflow ends a section that is too long by now.
func (m *Marks) overflow() {
	if m.open && m.from-m.begin > m.limit() {
		m.close(m.from)
	}
}

// close ends the section that is open.
func (m *Marks) close(end int) {
	m.open, m.last = false, nil
	if m.tooLong = end-m.begin > m.limit(); !m.tooLong {
		text := string(m.buf[m.begin:end])
		m.last = &text
	}
}

// step looks at the next place where a token may begin. It reports false where that cannot be told yet.
func (m *Marks) step() bool {
	i := bytes.Index(m.buf[m.from:], []byte(tokens))
	if i < 0 {
		m.from = max(m.from, len(m.buf)-len(tokens)+1)
		return false
	}
	m.from += i
	switch rest := m.buf[m.from:]; {
	case bytes.HasPrefix(rest, []byte(EndToken)):
		if m.open && !m.printed(EndVar) {
			m.close(m.from)
		}
		m.from += len(EndToken)
	case bytes.HasPrefix(rest, []byte(StartToken)):
		if !m.printed(StartVar) {
			m.overflow()
			m.open, m.begin = true, m.from+len(StartToken)
		}
		m.from += len(StartToken)
	case len(rest) < len(StartToken):
		return false
	default:
		m.from += len(tokens)
	}
	return true
}

// printed reports whether a variable's name stands before the token.
func (m *Marks) printed(variable string) bool {
	before := m.buf[max(0, m.from-len(variable)-2):m.from]
	return bytes.HasSuffix(bytes.TrimRight(before, `"'`), []byte(variable+"="))
}
