package yamldoc_test

import (
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
		"a: [":                          "malformed YAML",
		"a: 1\n---\nb: 1":               "more than one document",
		"a: *x":                         "unknown anchor",
		"[1]: 2":                        "a key must be a scalar",
		"a: {<<: 1}":                    "a merge key",
		"\xff":                          "not UTF-8",
		laughs:                          "those repeated by aliases included",
		"a: &a [*a]":                    "",
		strings.Repeat("[", 300):        "",
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
	} {
		if c.got != c.want {
			t.Errorf("%d: got %v, want %v", i, c.got, c.want)
		}
	}
}
