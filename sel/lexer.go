package sel

import (
	"strconv"
	"unicode/utf8"
)

// lex splits a source into tokens. It never fails: an error becomes the last token, so that the parser reports whatever
// comes first.
func lex(src *source) ([]token, string) {
	l := lexer{text: src.text, tokens: make([]token, 0, len(src.text)/3+8)}
	l.run()
	if src.bad != "" && (l.err == "" || l.ended) {
		end := int32(len(src.text))
		l.tokens[len(l.tokens)-1] = token{tokBad, end, end}
		l.err = src.bad
	}
	return l.tokens, l.err
}

type lexer struct {
	text   string
	pos    int
	tokens []token
	err    string
	ended  bool // the error is that the text ends
}

func (l *lexer) run() {
	for l.err == "" {
		l.space()
		start := l.pos
		if l.err != "" {
			break
		}
		if start == len(l.text) {
			l.tokens = append(l.tokens, token{tokEOF, int32(start), int32(start)})
			return
		}
		kind := l.next()
		if l.err == "" {
			l.tokens = append(l.tokens, token{kind, int32(start), int32(l.pos)})
		}
	}
	l.tokens = append(l.tokens, token{tokBad, int32(l.pos), int32(l.pos)})
}

// space skips white space and comments.
func (l *lexer) space() {
	for l.pos < len(l.text) {
		switch c := l.text[l.pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			l.pos++
		case c == '/' && l.peek(1) == '/':
			for l.pos < len(l.text) && l.text[l.pos] != '\n' && l.text[l.pos] != '\r' {
				l.pos++
			}
		case c == '/' && l.peek(1) == '*':
			end := l.pos + 2
			for end+1 < len(l.text) && (l.text[end] != '*' || l.text[end+1] != '/') {
				end++
			}
			if end+1 >= len(l.text) {
				l.err, l.ended = "comment is not closed", true
				return
			}
			l.pos = end + 2
		default:
			return
		}
	}
}

// peek is the byte n places ahead, or zero.
func (l *lexer) peek(n int) byte {
	if l.pos+n < len(l.text) {
		return l.text[l.pos+n]
	}
	return 0
}

func (l *lexer) next() tok {
	switch c := l.text[l.pos]; {
	case isLetter(c):
		return l.word()
	case isDigit(c), c == '.' && isDigit(l.peek(1)):
		return l.number()
	case c == '\'' || c == '"':
		return l.quoted(c)
	case c < utf8.RuneSelf:
		return l.operator()
	}
	r, _ := utf8.DecodeRuneInString(l.text[l.pos:])
	if letterRune(r) {
		return l.word()
	}
	l.err = "unexpected character " + strconv.QuoteRune(r)
	return tokBad
}

func (l *lexer) word() tok {
	start, ascii := l.pos, true
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		if isLetter(c) || isDigit(c) {
			l.pos++
			continue
		}
		if c < utf8.RuneSelf {
			break
		}
		r, size := utf8.DecodeRuneInString(l.text[l.pos:])
		if !letterRune(r) && !digitRune(r) {
			break
		}
		ascii = false
		l.pos += size
	}
	if ascii {
		return keyword(l.text[start:l.pos])
	}
	return tokIdent
}

// number reads the longest number. A leading zero makes an octal literal unless the whole turns out to be a float, so
// 08 is two tokens and 08.5 is one.
func (l *lexer) number() tok {
	start := l.pos
	if l.text[start] == '0' && (l.peek(1) == 'x' || l.peek(1) == 'X') && hexDigit(l.peek(2)) >= 0 {
		l.pos += 2
		for hexDigit(l.peek(0)) >= 0 {
			l.pos++
		}
		l.longSuffix()
		return tokInt
	}
	l.digits()
	float := false
	if l.peek(0) == '.' {
		float = true
		l.pos++
		l.digits()
	}
	if c := l.peek(0); c == 'e' || c == 'E' {
		n := 1
		if s := l.peek(1); s == '+' || s == '-' {
			n = 2
		}
		if isDigit(l.peek(n)) {
			float = true
			l.pos += n
			l.digits()
		}
	}
	switch l.peek(0) {
	case 'f', 'F', 'd', 'D':
		float = true
		l.pos++
	}
	if float {
		return tokFloat
	}
	if l.text[start] == '0' {
		end := start
		for end < l.pos && l.text[end] <= '7' {
			end++
		}
		l.pos = end
	}
	l.longSuffix()
	return tokInt
}

func (l *lexer) digits() {
	for isDigit(l.peek(0)) {
		l.pos++
	}
}

func (l *lexer) longSuffix() {
	if c := l.peek(0); c == 'l' || c == 'L' {
		l.pos++
	}
}

// quoted passes over a string literal; [unquote] reads its value when the parser uses it.
func (l *lexer) quoted(quote byte) tok {
	i := l.pos + 1
	for i < len(l.text) {
		switch c := l.text[i]; c {
		case quote:
			l.pos = i + 1
			return tokString
		case '\n', '\r':
			l.err = "string is not closed on its line"
			return tokBad
		case '\\':
			i++
			if i == len(l.text) {
				continue
			}
			switch e := l.text[i]; {
			case e == 'b' || e == 't' || e == 'n' || e == 'f' || e == 'r' || e == '\\' || e == '\'' || e == '"':
			case e >= '0' && e <= '7':
			default:
				l.pos = i - 1
				l.err = "unknown escape in string"
				return tokBad
			}
			i++
		default:
			i++
		}
	}
	l.err, l.ended = "string is not closed", true
	return tokBad
}

// operator reads the longest operator.
func (l *lexer) operator() tok {
	c := l.text[l.pos]
	l.pos++
	if kind := single[c]; kind != tokEOF {
		return kind
	}
	switch c {
	case '=':
		return l.follow('=', tokEq, tokAssign)
	case '!':
		return l.follow('=', tokNe, tokNot)
	case '*':
		return l.follow('=', tokMulAssign, tokMul)
	case '/':
		return l.follow('=', tokDivAssign, tokDiv)
	case '%':
		return l.follow('=', tokModAssign, tokMod)
	case '^':
		return l.follow('=', tokUnused, tokUnused)
	case '+':
		if l.peek(0) == '+' {
			l.pos++
			return tokUnused
		}
		return l.follow('=', tokAddAssign, tokAdd)
	case '-':
		if l.peek(0) == '-' {
			l.pos++
			return tokUnused
		}
		return l.follow('=', tokSubAssign, tokSub)
	case '&':
		if l.peek(0) == '&' {
			l.pos++
			return tokAnd
		}
		return l.follow('=', tokUnused, tokUnused)
	case '|':
		if l.peek(0) == '|' {
			l.pos++
			return tokOr
		}
		return l.follow('=', tokUnused, tokUnused)
	case '<':
		if l.peek(0) == '<' {
			l.pos++
			return l.follow('=', tokUnused, tokUnused)
		}
		return l.follow('=', tokLe, tokLt)
	case '>':
		if l.peek(0) == '>' {
			l.pos++
			l.follow('>', tokUnused, tokUnused)
			return l.follow('=', tokUnused, tokUnused)
		}
		return l.follow('=', tokGe, tokGt)
	}
	l.pos--
	l.err = "unexpected character " + strconv.QuoteRune(rune(c))
	return tokBad
}

// follow takes c if it comes next, and chooses between two kinds.
func (l *lexer) follow(c byte, with, without tok) tok {
	if l.peek(0) == c {
		l.pos++
		return with
	}
	return without
}

// single are the tokens of one byte that begin no longer token.
var single = [utf8.RuneSelf]tok{
	'(': tokLParen, ')': tokRParen, '{': tokLBrace, '}': tokRBrace, '[': tokLBracket, ']': tokRBracket,
	';': tokSemi, ',': tokComma, '.': tokDot, '?': tokQuestion, ':': tokColon, '~': tokUnused,
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$'
}

// letterRune and digitRune are the tables of Java 1.0 identifiers, which the original grammar still carries.
func letterRune(r rune) bool {
	switch {
	case r < 0xC0 || r == 0xD7 || r == 0xF7:
		return false
	case r <= 0x1FFF:
		return true
	}
	return r >= 0x3040 && r <= 0x318F || r >= 0x3300 && r <= 0x337F || r >= 0x3400 && r <= 0x3D2D ||
		r >= 0x4E00 && r <= 0x9FFF || r >= 0xF900 && r <= 0xFAFF
}

func digitRune(r rune) bool {
	switch {
	case r >= 0x0660 && r <= 0x0669, r >= 0x06F0 && r <= 0x06F9, r >= 0x0966 && r <= 0x096F, r >= 0x09E6 && r <= 0x09EF,
		r >= 0x0A66 && r <= 0x0A6F, r >= 0x0AE6 && r <= 0x0AEF, r >= 0x0B66 && r <= 0x0B6F, r >= 0x0BE7 && r <= 0x0BEF,
		r >= 0x0C66 && r <= 0x0C6F, r >= 0x0CE6 && r <= 0x0CEF, r >= 0x0D66 && r <= 0x0D6F, r >= 0x0E50 && r <= 0x0E59,
		r >= 0x0ED0 && r <= 0x0ED9, r >= 0x1040 && r <= 0x1049:
		return true
	}
	return false
}

// unquote reads a string literal. Octal escapes pass the lexer and fail here, as they do in the original.
func unquote(lit string) (string, bool) {
	body := lit[1 : len(lit)-1]
	first := -1
	for i := range len(body) {
		if body[i] == '\\' {
			first = i
			break
		}
	}
	if first < 0 {
		return body, true
	}
	out := append(make([]byte, 0, len(body)), body[:first]...)
	for i := first; i < len(body); i++ {
		c := body[i]
		if c == '\\' {
			i++
			switch body[i] {
			case 'b':
				c = '\b'
			case 't':
				c = '\t'
			case 'n':
				c = '\n'
			case 'f':
				c = '\f'
			case 'r':
				c = '\r'
			case '\\', '\'', '"':
				c = body[i]
			default:
				return "", false
			}
		}
		out = append(out, c)
	}
	return string(out), true
}
