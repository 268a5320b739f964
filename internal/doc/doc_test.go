package doc_test

import (
	"fmt"
	"strings"
	"testing"

	"maestro/internal/doc"
)

func TestParseJSON(t *testing.T) {
	t.Parallel()
	wide := `{`
	for i := range 40 {
		wide += fmt.Sprintf(`"k%d":%d,`, i, i)
	}
	for text, want := range map[string]string{
		` {"a" : [1, -0.5e+3, true, null, "x\u00e9\n"] } `: `{"a":[1,-0.5e+3,true,null,"xé\n"]}`,
		`{"a":1,"b":2,"a":3}`:                              `{"a":3,"b":2}`,
		wide + `"k7":"x","k39":"y"}`:                       strings.Replace(strings.Replace(wide[:len(wide)-1]+"}", `"k7":7`, `"k7":"x"`, 1), `"k39":39`, `"k39":"y"`, 1),
		"\ufeff[]":                                         `[]`,
		`"\ud83d\ude00 \ud800"`:                            "\"😀 \uFFFD\"",
	} {
		n, err := doc.ParseJSON([]byte(text), doc.Limits{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := string(doc.AppendNode(nil, n)); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestParseJSONRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:               "unexpected end of input",
		`{`:              "expected a field name",
		`{"a"}`:          "expected ':'",
		`{"a":1,}`:       "expected a field name",
		`[1,]`:           "expected a value",
		`[1 2]`:          "expected ',' or ']'",
		`01`:             "malformed number",
		`1.`:             "expected a digit after the point",
		`1e`:             "expected a digit in the exponent",
		`"\x"`:           "unknown escape",
		"\"\xff\"":       "not UTF-8",
		`[] []`:          "after the end",
		`nul`:            "expected a value",
		"\"a\nb\"":       "control character",
		`{"a":{"b":[}}}`: "line 1, column 12",
	} {
		_, err := doc.ParseJSON([]byte(text), doc.Limits{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	for name, l := range map[string]doc.Limits{"bytes": {Bytes: 5}, "depth": {Depth: 2}, "nodes": {Nodes: 3}} {
		if _, err := doc.ParseJSON([]byte(`[[[1,2,3]]]`), l); err == nil {
			t.Errorf("accepted a document above the limit of %s", name)
		}
	}
}

// TestParseLeadingJSON parses what text begins with; the rest is somebody else's.
func TestParseLeadingJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		` {"a":1} `:          `{"a":1}|`,
		`{"a":1}} `:          `{"a":1}|} `,
		"[1]\n + echo [2]\n": "[1]|+ echo [2]\n",
		`1 2`:                `1|2`,
	} {
		n, rest, err := doc.ParseLeadingJSON([]byte(text), doc.Limits{})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := string(doc.AppendNode(nil, n)) + "|" + string(rest); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{``, `x {}`, `{"a":1`} {
		if _, _, err := doc.ParseLeadingJSON([]byte(text), doc.Limits{}); err == nil {
			t.Errorf("%q is taken for JSON", text)
		}
	}
}

func TestRepeated(t *testing.T) {
	t.Parallel()
	n, err := doc.ParseJSON([]byte(`{"a":1,"b":2,"a":3}`), doc.Limits{})
	if err != nil || !n.Members[0].Repeated() || n.Members[1].Repeated() {
		t.Errorf("got %+v, %v", n.Members, err)
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	if got, want := doc.Render([]byte("{\n\t\"ä\": 1}\n"), "", []doc.Problem{{Pos: doc.Pos{Line: 2, Col: 8}, Message: "m"}}), "2:8: error: m\n   \"ä\": 1}\n        ^\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	known := []string{"successors", "predecessors", "type", "id"}
	for word, want := range map[string]string{
		"sucessors": "successors", "tpye": "type", "Type": "type", "colour": "", "x": "", "": "", strings.Repeat("successors", 10): "",
	} {
		if want != "" {
			want = ", did you mean `" + want + "`?"
		}
		if got := doc.Suggest(word, known); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,true,null,"x\u00e9"]}`, `[[[`, `"\ud83d`, `{"a":1,"a":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := doc.ParseJSON(text, doc.Limits{})
		if err != nil {
			_ = doc.Render(text, "f", []doc.Problem{doc.AsProblem(err)})
			return
		}
		first := doc.AppendNode(nil, n)
		again, err := doc.ParseJSON(first, doc.Limits{})
		if err != nil || string(doc.AppendNode(nil, again)) != string(first) {
			t.Errorf("%v: %s", err, first)
		}
	})
}
