package sel

import "strings"

// Prepare completes the text of a parameter's expression the way the engine does: white space is trimmed, and a missing
// semicolon is added unless the text is empty or ends in a brace that does not belong to a JSON object.
func Prepare(text string) string {
	text = strings.TrimFunc(text, func(r rune) bool { return r <= ' ' })
	if text == "" || strings.HasSuffix(text, ";") || strings.HasSuffix(text, "}") && !strings.HasPrefix(text, `{"`) {
		return text
	}
	return text + ";"
}

// engineResult lets through what a parameter can hold.
func (m *machine) engineResult() (Value, *Error) {
	v := m.result
	switch {
	case v.kind == KindError:
		return Value{}, fail(FailThrown, "Expression throws an error [ERROR: ", clip(v.str(), 10_000), "]")
	case v.kind == KindNull || v.kind > KindMap:
		return Value{}, fail(FailReturnType, "Invalid return type [", v.kind.String(), "]")
	}
	if v.kind >= KindStringArray {
		return v, m.check(v, true, 0)
	}
	return v, nil
}
