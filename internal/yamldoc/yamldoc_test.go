package yamldoc_test

import (
	"errors"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"":                          `null`,
		"~":                         `null`,
		"a: 1":                      `{"a":1}`,
		"[1, +2, -3, 1_000]":        `[1,2,-3,1000]`,
		"[010, 0x1F, 0b11, 08, 00]": `[8,31,3,"08",0]`,
		"[1.5, 1., .5, 1e3, 1.5E-3, 1_0.5, -0.0]":     `[1.5,1.0,0.5,1e3,1.5E-3,10.5,-0.0]`,
		"[.inf, .nan, ., -, 1:30, 1.2.3, 2024-01-01]": `[".inf",".nan",".","-","1:30","1.2.3","2024-01-01"]`,
		"[true, Yes, on, NO, off, False, y, n, tRUE]": `[true,true,true,false,false,false,"y","n","tRUE"]`,
		"[null, Null, NULL, ~, nil]":                  `[null,null,null,null,"nil"]`,
		"['1', \"true\", 'null', '']":                 `["1","true","null",""]`,
		"a: |\n  x\n  y\nb: >\n  x\n  y":              `{"a":"x\ny\n","b":"x y"}`,
		"[!!str 1, !!str true]":                       `["1","true"]`,
		"a: 1\na: 2":                                  `{"a":2}`,
		"1: x\ntrue: y":                               `{"1":"x","true":"y"}`,
		"a: &x [1]\nb: *x":                            `{"a":[1],"b":[1]}`,
		"a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}":       `{"a":{"p":1,"q":2},"b":{"q":3,"p":1}}`,
		"---\na: 1\n...\n---\n":                       `{"a":1}`,
		"99999999999999999999":                        `99999999999999999999`,

		`"http:\/\/x \ud83c\udf89 \ud83c \x41\U0001F389\e"`:     "\"http://x 🎉 \uFFFD A🎉\\u001b\"",
		"\"a \n\n  b\\\n   c\\ \n d\"":                          `"a\nbc  d"`,
		"'a ''b''\n\n  c '":                                     `"a 'b'\nc "`,
		"a\n  b\n\n  c # d":                                     `"a b\nc"`,
		"k:\n- 1\n- 2\nl: x":                                    `{"k":[1,2],"l":"x"}`,
		"- - 1\n  - 2\n-\n  - 3\n- a: 1\n  b: 2":                `[[1,2],[3],{"a":1,"b":2}]`,
		"a: |2-\n    x\n   y\n\nb: >+\n  x\n\n\nc: |\nd: |-":    `{"a":"  x\n y","b":"x\n\n\n","c":"","d":""}`,
		">\n a\n b\n\n c\n   d\n e":                             `"a b\nc\n  d\ne"`,
		"? a\n: 1\n? b\n? |\n  c\n: - x":                        `{"a":1,"b":null,"c\n":["x"]}`,
		"&m\n&k a: *k":                                          `{"a":"a"}`,
		"- &a !!str\n  1\n- !!int '2'\n- !x 3\n- ! 4\n- *a":     `["1",2,3,"4","1"]`,
		"[a: 1, ? b : 2, 'c':3, : 4, d, e:, {f, g: }, ]":        `[{"a":1},{"b":2},{"c":3},{"":4},"d",{"e":null},{"f":null,"g":null}]`,
		"{a: 1,# x\n  # y\n b: [\n],\n}":                        `{"a":1,"b":[]}`,
		"%YAML 1.2\n%TAG !t! tag:yaml.org,2002:\n---\n!t!str 1": `"1"`,
		"\uFEFFa: 1\r\nb: 2\rc: 3":                              `{"a":1,"b":2,"c":3}`,
		"\t{\"a\"\n:\n\t[1]}":                                   `{"a":[1]}`,
		"url: http://x/#y\ntime: 12:30:45":                      `{"url":"http://x/#y","time":"12:30:45"}`,
		"a: {<<: [{x: 1}, {x: 2, y: 3}], z: 4}":                 `{"a":{"z":4,"x":1,"y":3}}`,
		`{"<<": 1}`:                                             `{"<<":1}`,
	} {
		n, err := yamldoc.Parse([]byte(yaml), doc.Limits{})
		if err != nil {
			t.Errorf("%q: %v", yaml, err)
			continue
		}
		if got := string(doc.AppendNode(nil, n)); got != want {
			t.Errorf("%q: got %s, want %s", yaml, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	laughs := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		p := string(c - 1)
		laughs += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+p+",", 10), ",") + "]\n"
	}
	for yaml, want := range map[string]string{
		"a: [":                   "malformed YAML",
		"a: 1\n---\nb: 1":        "more than one document",
		"a: *x":                  "unknown anchor",
		"[1]: 2":                 "a key must be a scalar",
		"a: {<<: 1}":             "a merge key",
		"\xff":                   "not UTF-8",
		laughs:                   "those repeated by aliases included",
		"a: &a [*a]":             "anchor 'a' contains itself",
		strings.Repeat("[", 300): "nested more than 200 levels deep",
		"a: b: c":                "put a text with \": \" in quotes (line 1, column 5)",
		"a: b\n  c: d":           "a key must stand on one line",
		"a: 1\n  b: 2\n":         "a key must stand on one line",
		"a: '1'\n  b: 2\n":       "indented further than the mapping it belongs to (line 2, column 3)",
		"a:\n\t- b":              "a tab cannot indent",
		"a: 1\n\tb: 2":           "a tab cannot indent",
		"- a\nb: 1":              "expected \"- \"",
		"a: 1\n- b":              "expected a key, not an element of a list",
		"a: 1\nb\n":              "expected a key with \": \" after it (line 2, column 1)",
		"a: \"b":                 "this text has no closing quote (line 1, column 4)",
		"a: 'b\n---\n'":          "a document ends inside of quotes",
		"[a\n--- b]":             "the document ends inside of a list or mapping",
		`"\q"`:                   "unknown escape \\q",
		`"\u12"`:                 "needs 4 hexadecimal digits",
		`"\UFFFFFFFF"`:           "needs 8 hexadecimal digits of a character",
		"a: @b":                  "a text cannot begin with '@'; put it in quotes (line 1, column 4)",
		"a: %b":                  "put it in quotes",
		"a: |x":                  "unexpected 'x' after | or >",
		"a: 'x' y":               "unexpected 'y' after a value",
		"{a: 1]":                 "expected ',' or '}', not ']'",
		"[a,,b]":                 "expected a value before ','",
		"a: &x &y b":             "a value can have one anchor only",
		"a: &x b\nc: &y *x":      "an alias cannot have an anchor",
		"a: !e!x b":              "is not defined by a %TAG directive",
		"%YAML 2.0\n---":         "another version of YAML",
		"%YAML 1.1\na: b":        "expected --- after the directives",
		"a: \x01":                "control character '\\x01'",
		"a: |\n    \n  x":        "an empty line before this one has more spaces",
		"a: &x [[[]]]\nb: " + strings.Repeat("[", 198) + "*x" + strings.Repeat("]", 198): "nested more than 200 levels deep",
		strings.Repeat("x", 5<<20):      "more than the limit",
		strings.Repeat("- ", 300) + "x": "nested more than 200 levels deep",
	} {
		_, err := yamldoc.Parse([]byte(yaml), doc.Limits{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", yaml, err, want)
		}
	}
}

func TestPositions(t *testing.T) {
	t.Parallel()
	n, err := yamldoc.Parse([]byte("a: x\nüb:\n  - {c: 'ä', d: 5}\n"), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct{ got, want doc.Pos }{
		{n.Field("a").Pos, doc.Pos{Line: 1, Col: 4}},
		{n.Members[1].Pos, doc.Pos{Line: 2, Col: 1}},
		{n.Members[1].Value.Items[0].Field("d").Pos, doc.Pos{Line: 3, Col: 18}},
		{n.Members[1].Value.Pos, doc.Pos{Line: 3, Col: 3}},
		{n.Members[1].Value.Items[0].Members[1].Pos, doc.Pos{Line: 3, Col: 15}},
	} {
		if c.got != c.want {
			t.Errorf("%d: got %v, want %v", i, c.got, c.want)
		}
	}
}

// TestWritten keeps what stands in the text beside what it means.
func TestWritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"007", "1_000", "+33612345678", "0x1F", "0b11", "0e12345", "1.", ".5", "00", "yes", "No", "TRUE", "off", "1e3", "true", "-0", "a", "'010'"} {
		n, err := yamldoc.Parse([]byte("- "+text), doc.Limits{})
		if err != nil {
			t.Fatal(text, err)
		}
		if got := n.Items[0].Written(); got != strings.Trim(text, "'") {
			t.Errorf("%s: got %s", text, got)
		}
		if len(n.Items[0].Items) != 0 {
			t.Errorf("%s: has items", text)
		}
	}
}

// TestRepeated names both places of a key that comes twice.
func TestRepeated(t *testing.T) {
	t.Parallel()
	n, err := yamldoc.Parse([]byte("a:\n  - {b: 1, c: 2, b: 3}\na: &x\n  d: 1\n  d: 2\n  d: 3\ne: *x\nf: {<<: *x}\n"), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var p doc.Problems
	doc.WarnRepeated(n, &p)
	doc.WarnRepeated(n, &p)
	var got []string
	for _, w := range p.List {
		got = append(got, w.Severity.String()+": "+w.Error())
	}
	want := []string{
		"warning: a is given more than once, before at line 1, column 1; the last value counts (line 3, column 1)",
		"warning: a.d is given more than once, before at line 4, column 3; the last value counts (line 6, column 3)",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestStop ends the work for a client that has gone, in the middle of a document.
func TestStop(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	for name, parse := range map[string]func([]byte, doc.Limits) (*doc.Node, error){"json": doc.ParseJSON, "yaml": yamldoc.Parse} {
		asked := 0
		_, err := parse([]byte("[0"+strings.Repeat(",0", 100_000)+"]"), doc.Limits{Stop: func() error {
			if asked++; asked > 5 {
				return gone
			}
			return nil
		}})
		if !errors.Is(err, gone) || asked != 6 {
			t.Errorf("%s: got %v after being asked %d times", name, err, asked)
		}
	}
}
