package sel

// tok is the kind of a token.
type tok uint8

const (
	tokEOF tok = iota
	tokBad     // a lexical error, reported when the parser gets there
	tokIdent
	tokInt
	tokFloat
	tokString

	tokLParen
	tokRParen
	tokLBrace
	tokRBrace
	tokLBracket
	tokRBracket
	tokSemi
	tokComma
	tokDot
	tokQuestion
	tokColon
	tokNot

	// Binary operators, in the order of operator.
	tokOr
	tokAnd
	tokEq
	tokNe
	tokLt
	tokGt
	tokLe
	tokGe
	tokAdd
	tokSub
	tokMul
	tokDiv
	tokMod

	// Assignment operators, in the order of assignOps.
	tokAssign
	tokAddAssign
	tokSubAssign
	tokMulAssign
	tokDivAssign
	tokModAssign

	tokUnused // an operator that is in no production, such as ++ or <<

	// Keywords of the grammar; the rest of Java's are tokReserved.
	tokBoolean
	tokInt64
	tokLong
	tokFloat64
	tokDouble
	tokTrue
	tokFalse
	tokNull
	tokIf
	tokElse
	tokWhile
	tokFor
	tokBreak
	tokContinue
	tokReturn
	tokThrow
	tokNew
	tokImport
	tokStatic
	tokReserved
)

// token is a piece of the text; its words are not copied.
type token struct {
	kind     tok
	pos, end int32
}

// keyword tells what an identifier-shaped word is.
func keyword(word string) tok {
	switch word {
	case "boolean":
		return tokBoolean
	case "int":
		return tokInt64
	case "long":
		return tokLong
	case "float":
		return tokFloat64
	case "double":
		return tokDouble
	case "true":
		return tokTrue
	case "false":
		return tokFalse
	case "null":
		return tokNull
	case "if":
		return tokIf
	case "else":
		return tokElse
	case "while":
		return tokWhile
	case "for":
		return tokFor
	case "break":
		return tokBreak
	case "continue":
		return tokContinue
	case "return":
		return tokReturn
	case "throw":
		return tokThrow
	case "new":
		return tokNew
	case "import":
		return tokImport
	case "static":
		return tokStatic
	case "abstract", "byte", "case", "catch", "char", "class", "const", "default", "do", "extends", "final", "finally",
		"goto", "implements", "instanceof", "interface", "native", "package", "private", "protected", "public", "short",
		"super", "switch", "synchronized", "this", "throws", "transient", "try", "void", "volatile":
		return tokReserved
	}
	return tokIdent
}
