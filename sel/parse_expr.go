package sel

import (
	"strconv"
	"strings"
)

// expr is Expr of the grammar: an assignment if a name, or a name with one index, is followed by an assignment
// operator, else a conditional.
func (p *parser) expr() (expression, *Error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	x, assigned, err := p.assignOrPrimary()
	if err == nil && !assigned {
		x, err = p.ternary(x)
	}
	p.leave()
	return x, err
}

// stmtExpr is StmtExpr: an assignment or a primary, as in the header of a for.
func (p *parser) stmtExpr() (expression, *Error) {
	x, assigned, err := p.assignOrPrimary()
	if err != nil || assigned || x != nil {
		return x, err
	}
	return p.primary()
}

// assignOrPrimary parses what a name begins: an assignment, or the whole primary. It returns nil if the expression does
// not begin with a name.
func (p *parser) assignOrPrimary() (x expression, assigned bool, err *Error) {
	if p.tok.kind != tokIdent {
		return nil, false, nil
	}
	pos, word := p.tok.pos, p.word()
	p.next()
	var at expression
	atPos := p.tok.pos
	if p.tok.kind == tokLBracket {
		if at, err = p.bracketed(); err != nil {
			return nil, false, err
		}
	}
	if k := p.tok.kind; k >= tokAssign && k <= tokModAssign {
		p.next()
		right, err := p.expr()
		if err != nil {
			return nil, false, err
		}
		return &assign{Name: word, Index: at, Op: assignOp(k - tokAssign), Right: right, pos: pos}, true, nil
	}
	x = &name{word, pos}
	if at != nil {
		x = &index{x, at, atPos}
	}
	x, err = p.suffixes(x)
	return x, false, err
}

// ternary parses the rest of a conditional whose first primary may be known already.
func (p *parser) ternary(first expression) (expression, *Error) {
	cond, err := p.binary(1, first)
	if err != nil || p.tok.kind != tokQuestion {
		return cond, err
	}
	t := &ternary{Cond: cond, pos: p.tok.pos}
	p.next()
	if t.Then, err = p.expr(); err != nil {
		return nil, err
	}
	if err = p.expect(tokColon, "':'"); err != nil {
		return nil, err
	}
	t.Else, err = p.expr()
	return t, err
}

// binary climbs: it takes operators that bind at least as tight as level.
func (p *parser) binary(level int, first expression) (expression, *Error) {
	left, err := first, (*Error)(nil)
	if left == nil {
		if left, err = p.unary(); err != nil {
			return nil, err
		}
	}
	for p.tok.kind >= tokOr && p.tok.kind <= tokMod {
		op, pos := operator(p.tok.kind-tokOr), p.tok.pos
		if binding[op] < level {
			break
		}
		p.next()
		right, err := p.binary(binding[op]+1, nil)
		if err != nil {
			return nil, err
		}
		left = &binary{op, left, right, pos}
	}
	return left, nil
}

func (p *parser) unary() (expression, *Error) {
	var op byte
	switch p.tok.kind {
	case tokSub:
		op = '-'
	case tokAdd:
		op = '+'
	case tokNot:
		op = '!'
	default:
		return p.primary()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	pos := p.tok.pos
	p.next()
	x, err := p.unary()
	p.leave()
	return &unary{op, x, pos}, err
}

func (p *parser) primary() (expression, *Error) {
	x, err := p.prefix()
	if err != nil {
		return nil, err
	}
	return p.suffixes(x)
}

func (p *parser) prefix() (expression, *Error) {
	switch p.tok.kind {
	case tokIdent:
		x := &name{p.word(), p.tok.pos}
		p.next()
		return x, nil
	case tokLParen:
		p.next()
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		return x, p.expect(tokRParen, "')'")
	case tokNew:
		return p.alloc()
	}
	return p.literal()
}

// literal reads a constant. Its value is checked here, so a bad number is reported before what follows it.
func (p *parser) literal() (expression, *Error) {
	lit := &literal{pos: p.tok.pos}
	word := p.word()
	switch p.tok.kind {
	case tokInt:
		n, err := strconv.ParseInt(strings.TrimRight(word, "lL"), 10, 64)
		if err != nil {
			return nil, fail(FailNumberFormat, word, " is not a decimal LONG").at(p.tok.pos)
		}
		lit.Value = Long(n)
	case tokFloat:
		d, _ := strconv.ParseFloat(strings.TrimRight(word, "fFdD"), 64) // out of range is ±Infinity
		lit.Value = Double(d)
	case tokString:
		s, ok := unquote(word)
		if !ok {
			return nil, fail(FailIllegalArgument, "octal escapes are not supported").at(p.tok.pos)
		}
		lit.Value = String(s)
	case tokTrue, tokFalse:
		lit.Value = Bool(p.tok.kind == tokTrue)
	case tokNull:
	default:
		return nil, p.unexpected("an expression")
	}
	p.next()
	return lit, nil
}

func (p *parser) suffixes(x expression) (expression, *Error) {
	for {
		pos := p.tok.pos
		switch p.tok.kind {
		case tokLBracket:
			i, err := p.bracketed()
			if err != nil {
				return nil, err
			}
			x = &index{x, i, pos}
		case tokDot:
			p.next()
			pos = p.tok.pos
			word, err := p.ident()
			if err != nil {
				return nil, err
			}
			if p.tok.kind != tokLParen {
				x = &field{x, word, pos}
				continue
			}
			args, err := p.args()
			if err != nil {
				return nil, err
			}
			x = &call{x, word, args, pos}
		default:
			return x, nil
		}
	}
}

// bracketed is "[" Expr "]".
func (p *parser) bracketed() (expression, *Error) {
	p.next()
	x, err := p.expr()
	if err != nil {
		return nil, err
	}
	return x, p.expect(tokRBracket, "']'")
}

// args is "(" [ Expr { "," Expr } ] ")".
func (p *parser) args() ([]expression, *Error) {
	p.next()
	if p.accept(tokRParen) {
		return nil, nil
	}
	var args []expression
	for {
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		args = append(args, x)
		if !p.accept(tokComma) {
			return args, p.expect(tokRParen, "')'")
		}
	}
}

func (p *parser) alloc() (expression, *Error) {
	pos := p.tok.pos
	p.next()
	k := p.tok.kind
	if k != tokIdent && (k < tokBoolean || k > tokDouble) {
		return nil, p.unexpected("a type")
	}
	typ := p.word()
	p.next()
	if p.tok.kind == tokLParen && k == tokIdent {
		args, err := p.args()
		return &newObject{typ, args, pos}, err
	}
	if p.tok.kind != tokLBracket {
		return nil, p.unexpected("'['")
	}
	if p.peek(1) != tokRBracket {
		size, err := p.bracketed()
		return &newArray{Type: typ, Size: size, pos: pos}, err
	}
	p.next()
	p.next()
	elems, err := p.elems()
	return &newArray{Type: typ, Elems: elems, pos: pos}, err
}

// elems is "{" [ Expr { "," Expr } ] [ "," ] "}".
func (p *parser) elems() ([]expression, *Error) {
	if err := p.expect(tokLBrace, "'{'"); err != nil {
		return nil, err
	}
	var elems []expression
	for p.tok.kind != tokRBrace && p.tok.kind != tokComma {
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		elems = append(elems, x)
		if p.tok.kind != tokComma || p.peek(1) == tokRBrace {
			break
		}
		p.next()
	}
	p.accept(tokComma)
	return elems, p.expect(tokRBrace, "'}'")
}
