package sel

// The tree of a script. Every node knows the offset of the token that an error in it points at. Parentheses are not
// kept; the printer puts back those that are needed.

type statement interface{ stmt() }

type (
	// importStmt is checked and does nothing: import java.util.*;
	importStmt struct {
		Path string // as written without spaces: "static a.b.*"
	}

	// declStmt is int x = 1, y;
	declStmt struct {
		Type typeRef
		Vars []declarator
	}

	// exprStmt is f.g();
	exprStmt struct{ X expression }

	// blockStmt is { … }.
	blockStmt struct{ Body []statement }

	// ifStmt is if (Cond) Then else Else; Else may be nil.
	ifStmt struct {
		Cond       expression
		Then, Else statement
		pos        int32
	}

	// loopStmt is for (Init; Cond; Update) Body, or while (Cond) Body. Any of the three may be nil in a for.
	loopStmt struct {
		Init   statement // declStmt or exprStmt
		Cond   expression
		Update expression
		Body   statement
		While  bool
		pos    int32
	}

	// returnStmt is return X; and throwStmt is throw X;
	returnStmt struct{ X expression }
	throwStmt  struct {
		X   expression
		pos int32
	}

	// jumpStmt is break; or continue;
	jumpStmt struct{ Continue bool }
)

// typeRef is a type as written: String, int[].
type typeRef struct {
	Name  string
	Array bool
	pos   int32
}

type declarator struct {
	Name string
	Init expression // may be nil
	pos  int32
}

func (*importStmt) stmt() {}
func (*declStmt) stmt()   {}
func (*exprStmt) stmt()   {}
func (*blockStmt) stmt()  {}
func (*ifStmt) stmt()     {}
func (*loopStmt) stmt()   {}
func (*returnStmt) stmt() {}
func (*throwStmt) stmt()  {}
func (*jumpStmt) stmt()   {}

type expression interface{ expr() }

type (
	// literal is 1, 2.5, 'text', true or null.
	literal struct {
		Value Value
		pos   int32
	}

	// name is x.
	name struct {
		Name string
		pos  int32
	}

	// unary is -X, +X or !X.
	unary struct {
		Op  byte
		X   expression
		pos int32
	}

	// binary is L op R.
	binary struct {
		Op   operator
		L, R expression
		pos  int32
	}

	// ternary is Cond ? Then : Else.
	ternary struct {
		Cond, Then, Else expression
		pos              int32
	}

	// assign is Name op Right, or Name[Index] op Right.
	assign struct {
		Name  string
		Index expression // may be nil
		Op    assignOp
		Right expression
		pos   int32
	}

	// index is X[I].
	index struct {
		X, I expression
		pos  int32
	}

	// field is X.Name.
	field struct {
		X    expression
		Name string
		pos  int32
	}

	// call is X.Name(Args…).
	call struct {
		X    expression
		Name string
		Args []expression
		pos  int32
	}

	// newObject is new Type(Args…).
	newObject struct {
		Type string
		Args []expression
		pos  int32
	}

	// newArray is new Type[Size], or new Type[]{Elems…} if Size is nil.
	newArray struct {
		Type  string
		Size  expression
		Elems []expression
		pos   int32
	}
)

func (*literal) expr()   {}
func (*name) expr()      {}
func (*unary) expr()     {}
func (*binary) expr()    {}
func (*ternary) expr()   {}
func (*assign) expr()    {}
func (*index) expr()     {}
func (*field) expr()     {}
func (*call) expr()      {}
func (*newObject) expr() {}
func (*newArray) expr()  {}

// operator is a binary operator, in the order of the tokens.
type operator uint8

const (
	opOr operator = iota
	opAnd
	opEq
	opNe
	opLt
	opGt
	opLe
	opGe
	opAdd
	opSub
	opMul
	opDiv
	opMod
)

var operatorText = [...]string{"||", "&&", "==", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%"}

func (o operator) String() string { return operatorText[o] }

// binding is the precedence of an operator; a higher one binds tighter.
var binding = [...]int{opOr: 1, opAnd: 2, opEq: 3, opNe: 3, opLt: 4, opGt: 4, opLe: 4, opGe: 4, opAdd: 5, opSub: 5, opMul: 6, opDiv: 6, opMod: 6}

// assignOp is =, or the operator before the = of a compound assignment.
type assignOp uint8

const (
	assignSet assignOp = iota
	assignAdd
	assignSub
	assignMul
	assignDiv
	assignMod
)

var assignText = [...]string{"=", "+=", "-=", "*=", "/=", "%="}

func (o assignOp) String() string { return assignText[o] }
