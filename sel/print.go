package sel

import (
	"strconv"
	"strings"
)

// print renders a tree as text that parses to the same tree: one statement a line, with the parentheses it needs and no
// others.
func (t *tree) print() string {
	p := &printer{}
	for _, s := range t.body {
		p.stmt(s, 0)
	}
	return p.b.String()
}

type printer struct{ b strings.Builder }

func (p *printer) line(indent int, parts ...string) {
	for range indent {
		p.b.WriteByte('\t')
	}
	for _, s := range parts {
		p.b.WriteString(s)
	}
	p.b.WriteByte('\n')
}

func (p *printer) stmt(s statement, indent int) {
	switch s := s.(type) {
	case *importStmt:
		p.line(indent, "import ", s.Path, ";")
	case *declStmt:
		p.line(indent, declText(s), ";")
	case *exprStmt:
		p.line(indent, exprText(s.X, 0), ";")
	case *blockStmt:
		p.line(indent, "{")
		for _, b := range s.Body {
			p.stmt(b, indent+1)
		}
		p.line(indent, "}")
	case *ifStmt:
		p.line(indent, "if (", exprText(s.Cond, 0), ")")
		p.stmt(s.Then, indent+1)
		if s.Else != nil {
			p.line(indent, "else")
			p.stmt(s.Else, indent+1)
		}
	case *loopStmt:
		p.line(indent, loopHead(s))
		p.stmt(s.Body, indent+1)
	case *returnStmt:
		p.line(indent, "return ", exprText(s.X, 0), ";")
	case *throwStmt:
		p.line(indent, "throw ", exprText(s.X, 0), ";")
	case *jumpStmt:
		if s.Continue {
			p.line(indent, "continue;")
		} else {
			p.line(indent, "break;")
		}
	}
}

func declText(s *declStmt) string {
	var b strings.Builder
	b.WriteString(s.Type.Name)
	if s.Type.Array {
		b.WriteString("[]")
	}
	for i, v := range s.Vars {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte(' ')
		b.WriteString(v.Name)
		if v.Init != nil {
			b.WriteString(" = " + exprText(v.Init, 0))
		}
	}
	return b.String()
}

func loopHead(s *loopStmt) string {
	if s.While {
		return "while (" + exprText(s.Cond, 0) + ")"
	}
	init, cond, update := "", "", ""
	switch i := s.Init.(type) {
	case *declStmt:
		init = declText(i)
	case *exprStmt:
		init = headText(i.X)
	}
	if s.Cond != nil {
		cond = " " + exprText(s.Cond, 0)
	}
	if s.Update != nil {
		update = " " + headText(s.Update)
	}
	return "for (" + init + ";" + cond + ";" + update + ")"
}

// headText is an expression where only an assignment or a primary may stand.
func headText(e expression) string {
	if _, ok := e.(*assign); ok {
		return exprText(e, 0)
	}
	return exprText(e, levelPrimary)
}

// Levels of binding beyond those of the binary operators, which are 1 to 6; 0 is a whole expression.
const (
	levelUnary   = 7
	levelPrimary = 8
)

// exprText renders e for a place that takes level or tighter.
func exprText(e expression, level int) string {
	var b strings.Builder
	writeExpr(&b, e, level)
	return b.String()
}

func writeExpr(b *strings.Builder, e expression, level int) {
	own := levelOf(e)
	if own < level {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	switch e := e.(type) {
	case *literal:
		b.WriteString(literalText(e.Value))
	case *name:
		b.WriteString(e.Name)
	case *unary:
		b.WriteByte(e.Op)
		if x, ok := e.X.(*unary); ok && x.Op == e.Op {
			b.WriteByte(' ') // two signs in a row would be another token
		}
		writeExpr(b, e.X, levelUnary)
	case *binary:
		writeExpr(b, e.L, own)
		b.WriteString(" " + e.Op.String() + " ")
		writeExpr(b, e.R, own+1)
	case *ternary:
		writeExpr(b, e.Cond, 1)
		b.WriteString(" ? ")
		writeExpr(b, e.Then, 0)
		b.WriteString(" : ")
		writeExpr(b, e.Else, 0)
	case *assign:
		b.WriteString(e.Name)
		if e.Index != nil {
			b.WriteByte('[')
			writeExpr(b, e.Index, 0)
			b.WriteByte(']')
		}
		b.WriteString(" " + e.Op.String() + " ")
		writeExpr(b, e.Right, 0)
	case *index:
		writeExpr(b, e.X, levelPrimary)
		b.WriteByte('[')
		writeExpr(b, e.I, 0)
		b.WriteByte(']')
	case *field:
		writeReceiver(b, e.X)
		b.WriteString("." + e.Name)
	case *call:
		writeReceiver(b, e.X)
		b.WriteString("." + e.Name)
		writeList(b, '(', e.Args, ')')
	case *newObject:
		b.WriteString("new " + e.Type)
		writeList(b, '(', e.Args, ')')
	case *newArray:
		b.WriteString("new " + e.Type)
		if e.Size != nil {
			b.WriteByte('[')
			writeExpr(b, e.Size, 0)
			b.WriteByte(']')
			return
		}
		b.WriteString("[]")
		writeList(b, '{', e.Elems, '}')
	}
}

// writeReceiver writes what stands before a dot. A number would swallow the dot.
func writeReceiver(b *strings.Builder, e expression) {
	if l, ok := e.(*literal); ok && (l.Value.kind == KindLong || l.Value.kind == KindDouble) {
		b.WriteString("(" + literalText(l.Value) + ")")
		return
	}
	writeExpr(b, e, levelPrimary)
}

func writeList(b *strings.Builder, open byte, list []expression, end byte) {
	b.WriteByte(open)
	for i, e := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		writeExpr(b, e, 0)
	}
	b.WriteByte(end)
}

func levelOf(e expression) int {
	switch e := e.(type) {
	case *assign, *ternary:
		return 0
	case *binary:
		return binding[e.Op]
	case *unary:
		return levelUnary
	}
	return levelPrimary
}

func literalText(v Value) string {
	switch v.kind {
	case KindString:
		return quoteLiteral(v.str())
	case KindDouble:
		s := strconv.FormatFloat(v.double(), 'e', -1, 64)
		if s == "+Inf" {
			return "1e999"
		}
		return s
	}
	return textOf(v)
}

// quoteLiteral writes a string literal; whatever has no escape of its own and cannot stand in one gets a unicode escape.
func quoteLiteral(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch r {
		case '\'', '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		case '\b':
			b.WriteString(`\b`)
		case '\f':
			b.WriteString(`\f`)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
