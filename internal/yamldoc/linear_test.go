package yamldoc

import (
	"strings"
	"testing"

	"maestro/internal/doc"
)

// TestLinear counts how often bytes are looked at: for each byte of the text no more than a few times, whatever the text
// is and however long it is.
func TestLinear(t *testing.T) {
	t.Parallel()
	const most = 16
	for name, unit := range map[string][3]string{ // what comes before, is repeated, comes after
		"zeros on one line":     {"[0", ",0", "]"},
		"mapping on one line":   {"{a: 0", ", key: value", "}"},
		"quoted on one line":    {"['x'", ", 'it''s'", "]"},
		"escapes":               {"\"", `\ud83c\udf89\/`, "\""},
		"lines":                 {"", "- a: b\n", ""},
		"wide mapping":          {"", "a: 1\n", ""},
		"long plain":            {"a: x", " word", ""},
		"plain lines":           {"a: x", "\n  word", ""},
		"plain, blanks":         {"a: x", "     ", "y"},
		"plain, colons":         {"a: x", ":", "y"},
		"plain, hashes":         {"a: x", "#", ""},
		"quoted lines":          {"a: \"x", " \n word", "\""},
		"empty lines":           {"a: x", "\n", "b: y"},
		"empty lines in quotes": {"a: 'x", "\n", "'"},
		"blanks":                {"a:", " ", "b"},
		"tabs":                  {"a:", "\t", "b"},
		"comments":              {"a:", " # comment\n", "  b"},
		"block text":            {"a: |\n", "  line\n", ""},
		"folded text":           {"a: >\n", "  line\n\n   more\n", ""},
		"empty block lines":     {"a: |\n", "\n", "  x"},
		"wide empty lines":      {"a: |\n  x\n", "    \n", ""},
		"many block texts":      {"", "- |\n x\n", ""},
		"carriage returns":      {"[0", ",\r0", "]"},
		"anchors":               {"", "- &a x\n", ""},
		"aliases":               {"- &a x\n", "- *a\n", ""},
		"tags":                  {"", "- !!str 1\n", ""},
		"merges":                {"a: &a {x: 1}\nb:\n", "  <<: *a\n", ""},
		"pairs":                 {"[a: 1", ", a: 1", "]"},
		"questions":             {"", "? a\n: b\n", ""},
		"indentation":           {"", "- - - x\n", ""},
		"documents":             {"a\n", "---\n", ""},
		"document ends":         {"a\n", "...\n", ""},
		"directives":            {"", "%X y\n", "---\na"},
		"unclosed list":         {"", "[", ""},
		"unclosed quote":        {"\"", "x\\\n", ""},
	} {
		text := []byte(unit[0] + strings.Repeat(unit[1], 100_000/len(unit[1])) + unit[2])
		p := newParser(text, doc.Limits{}.OrDefaults())
		for {
			n, err := p.document()
			if n == nil || err != nil {
				break
			}
		}
		if p.visits > most*len(text) {
			t.Errorf("%s: %d bytes were looked at %d times", name, len(text), p.visits)
		}
	}
}
