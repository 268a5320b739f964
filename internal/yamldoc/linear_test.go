package yamldoc

import (
	"strings"
	"testing"

	"maestro/internal/doc"
)

// mostVisits is how often the parser may look at a byte, on average.
const mostVisits = 16

// units are what comes before, is repeated, and comes after.
var units = map[string][3]string{
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
}

// readAll parses all documents of a text and returns how many bytes were looked at.
func readAll(text []byte) int {
	p := newParser(text, doc.Limits{}.OrDefaults())
	for {
		if n, err := p.document(); n == nil || err != nil {
			return p.visits
		}
	}
}

// TestLinear counts how often bytes are looked at: for each byte of the text no more than a few times, whatever the text
// is and however long it is.
func TestLinear(t *testing.T) {
	t.Parallel()
	for name, unit := range units {
		text := []byte(unit[0] + strings.Repeat(unit[1], 100_000/len(unit[1])) + unit[2])
		if visits := readAll(text); visits > mostVisits*len(text) {
			t.Errorf("%s: %d bytes were looked at %d times", name, len(text), visits)
		}
	}
}

// FuzzYAML parses anything: nothing panics, work is linear, and what is accepted is what its JSON gives.
func FuzzYAML(f *testing.F) {
	for _, unit := range units {
		f.Add([]byte(unit[0] + unit[1] + unit[1] + unit[2]))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		limits := doc.Limits{Bytes: 1 << 16, Nodes: 10_000}
		n, err := Parse(text, limits)
		if visits := readAll(text); checkText(text) == nil && visits > mostVisits*(len(text)+8) {
			t.Errorf("%d bytes were looked at %d times", len(text), visits)
		}
		if err != nil {
			_ = doc.Render(text, "f", []doc.Problem{doc.AsProblem(err)})
			return
		}
		first := doc.AppendNode(nil, n)
		again, err := Parse(first, doc.Limits{Depth: 1000, Bytes: 64 << 20, Nodes: 100_000})
		if err != nil || string(doc.AppendNode(nil, again)) != string(first) {
			t.Errorf("%v: %s", err, first)
		}
	})
}
