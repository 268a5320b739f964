package sel

import "strconv"

// maxNesting bounds how deep brackets, blocks, conditionals and unary operators may nest, and so the stack that the
// parser and everything after it need.
const maxNesting = 1000

// tree is a parsed script.
type tree struct {
	src  *source
	body []statement
}

// parse reads a script by recursive descent with one token of look-ahead and without going back, so in linear time.
func parse(text string) (*tree, *Error) {
	src := newSource(text)
	p := &parser{src: src, text: src.text}
	p.tokens, p.lexErr = lex(src)
	p.tok = p.tokens[0]
	body, err := p.script()
	if err != nil {
		err.pos = src.place(err.pos-1) + 1
		return nil, err.locate(src.orig)
	}
	return &tree{src: src, body: body}, nil
}

type parser struct {
	src    *source
	text   string
	tokens []token
	lexErr string

	at    int
	tok   token
	depth int
}

func (p *parser) next() {
	if p.at+1 < len(p.tokens) {
		p.at++
		p.tok = p.tokens[p.at]
	}
}

// peek is the kind of the token n places ahead.
func (p *parser) peek(n int) tok { return p.tokens[min(p.at+n, len(p.tokens)-1)].kind }

func (p *parser) word() string { return p.text[p.tok.pos:p.tok.end] }

func (p *parser) accept(kind tok) bool {
	if p.tok.kind != kind {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(kind tok, what string) *Error {
	if p.tok.kind != kind {
		return p.unexpected(what)
	}
	p.next()
	return nil
}

func (p *parser) ident() (string, *Error) {
	if p.tok.kind != tokIdent {
		return "", p.unexpected("a name")
	}
	w := p.word()
	p.next()
	return w, nil
}

// unexpected is the error for the current token where what should be.
func (p *parser) unexpected(what string) *Error {
	switch p.tok.kind {
	case tokBad:
		return fail(FailLex, p.lexErr).at(p.tok.pos)
	case tokEOF:
		return fail(FailParse, "expected ", what, " but the text ends").at(p.tok.pos)
	}
	return fail(FailParse, "expected ", what, " but found ", strconv.Quote(p.word())).at(p.tok.pos)
}

// enter and leave count nesting.
func (p *parser) enter() *Error {
	if p.depth++; p.depth > maxNesting {
		return fail(FailParse, "nested deeper than ", strconv.Itoa(maxNesting), " levels").at(p.tok.pos)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) script() ([]statement, *Error) {
	var body []statement
	for p.tok.kind == tokImport {
		s, err := p.importStmt()
		if err != nil {
			return nil, err
		}
		body = append(body, s)
	}
	for p.tok.kind != tokEOF {
		s, err := p.blockItem()
		if err != nil {
			return nil, err
		}
		body = append(body, s)
	}
	return body, nil
}

func (p *parser) importStmt() (statement, *Error) {
	p.next()
	s := &importStmt{}
	if p.accept(tokStatic) {
		s.Path = "static "
	}
	word, err := p.ident()
	if err != nil {
		return nil, err
	}
	s.Path += word
	for p.accept(tokDot) {
		if p.accept(tokMul) {
			s.Path += ".*"
			break
		}
		if word, err = p.ident(); err != nil {
			return nil, err
		}
		s.Path += "." + word
	}
	return s, p.expect(tokSemi, "';'")
}

// blockItem is a declaration, which a type followed by a name begins, or a statement.
func (p *parser) blockItem() (statement, *Error) {
	if p.startsDecl() {
		s, err := p.decl()
		if err != nil {
			return nil, err
		}
		return s, p.expect(tokSemi, "';'")
	}
	return p.stmt()
}

func (p *parser) startsDecl() bool {
	switch k := p.tok.kind; {
	case k >= tokBoolean && k <= tokDouble:
		return true // no expression begins with one
	case k != tokIdent:
		return false
	}
	return p.peek(1) == tokIdent || p.peek(1) == tokLBracket && p.peek(2) == tokRBracket
}

func (p *parser) decl() (*declStmt, *Error) {
	s := &declStmt{Type: typeRef{Name: p.word(), pos: p.tok.pos}}
	p.next()
	if p.accept(tokLBracket) {
		if err := p.expect(tokRBracket, "']'"); err != nil {
			return nil, err
		}
		s.Type.Array = true
	}
	for {
		v := declarator{pos: p.tok.pos}
		var err *Error
		if v.Name, err = p.ident(); err != nil {
			return nil, err
		}
		if p.accept(tokAssign) {
			if v.Init, err = p.expr(); err != nil {
				return nil, err
			}
		}
		s.Vars = append(s.Vars, v)
		if !p.accept(tokComma) {
			return s, nil
		}
	}
}

func (p *parser) stmt() (statement, *Error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	pos := p.tok.pos
	switch p.tok.kind {
	case tokLBrace:
		p.next()
		b := &blockStmt{}
		for p.tok.kind != tokRBrace {
			s, err := p.blockItem()
			if err != nil {
				return nil, err
			}
			b.Body = append(b.Body, s)
		}
		p.next()
		return b, nil
	case tokIf:
		return p.ifStmt()
	case tokWhile:
		p.next()
		cond, err := p.condition()
		if err != nil {
			return nil, err
		}
		body, err := p.stmt()
		return &loopStmt{Cond: cond, Body: body, While: true, pos: pos}, err
	case tokFor:
		return p.forStmt()
	case tokBreak, tokContinue:
		s := &jumpStmt{Continue: p.tok.kind == tokContinue}
		p.next()
		return s, p.expect(tokSemi, "';'")
	case tokReturn:
		p.next()
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		return &returnStmt{x}, p.expect(tokSemi, "';'")
	case tokThrow:
		p.next()
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		return &throwStmt{x, pos}, p.expect(tokSemi, "';'")
	}
	x, err := p.expr()
	if err != nil {
		return nil, err
	}
	return &exprStmt{x}, p.expect(tokSemi, "';'")
}

func (p *parser) condition() (expression, *Error) {
	if err := p.expect(tokLParen, "'('"); err != nil {
		return nil, err
	}
	x, err := p.expr()
	if err != nil {
		return nil, err
	}
	return x, p.expect(tokRParen, "')'")
}

func (p *parser) ifStmt() (statement, *Error) {
	s := &ifStmt{pos: p.tok.pos}
	p.next()
	var err *Error
	if s.Cond, err = p.condition(); err != nil {
		return nil, err
	}
	if s.Then, err = p.stmt(); err != nil {
		return nil, err
	}
	if p.accept(tokElse) {
		if s.Else, err = p.stmt(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (p *parser) forStmt() (statement, *Error) {
	s := &loopStmt{pos: p.tok.pos}
	p.next()
	err := p.expect(tokLParen, "'('")
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokSemi {
		if s.Init, err = p.forInit(); err != nil {
			return nil, err
		}
	}
	if err = p.expect(tokSemi, "';'"); err != nil {
		return nil, err
	}
	if p.tok.kind != tokSemi {
		if s.Cond, err = p.expr(); err != nil {
			return nil, err
		}
	}
	if err = p.expect(tokSemi, "';'"); err != nil {
		return nil, err
	}
	if p.tok.kind != tokRParen {
		if s.Update, err = p.stmtExpr(); err != nil {
			return nil, err
		}
	}
	if err = p.expect(tokRParen, "')'"); err != nil {
		return nil, err
	}
	s.Body, err = p.stmt()
	return s, err
}

func (p *parser) forInit() (statement, *Error) {
	if p.startsDecl() {
		return p.decl()
	}
	x, err := p.stmtExpr()
	return &exprStmt{x}, err
}
