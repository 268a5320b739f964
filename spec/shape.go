package spec

import (
	"strings"

	"maestro/internal/doc"
)

// list returns the words as a JSON array.
func (e *enum) list() string { return string(doc.AppendTexts(nil, e.words)) }

// shape returns the JSON schema of the enum: its words, so that editors can offer them, or any letter case of them.
func (e *enum) shape() string {
	if e.exact {
		return `{"enum":` + e.list() + `}`
	}
	return `{"anyOf":[{"enum":` + e.list() + `},{"type":"string","pattern":` + string(doc.AppendString(nil, anyCase(e.words))) + `},{"type":"null"}]}`
}

// anyCase returns a regular expression for the words in any letter case. JSON schema has no flag for that.
func anyCase(words []string) string {
	var b strings.Builder
	b.WriteString("^(")
	for i, w := range words {
		if i > 0 {
			b.WriteByte('|')
		}
		for _, c := range w {
			lower, upper := strings.ToLower(string(c)), strings.ToUpper(string(c))
			switch {
			case lower != upper:
				b.WriteString("[" + upper + lower + "]")
			case strings.ContainsRune(`.+*?()[]{}|^$\`, c):
				b.WriteString(`\` + string(c))
			default:
				b.WriteString(string(c))
			}
		}
	}
	b.WriteString(")$")
	return b.String()
}
