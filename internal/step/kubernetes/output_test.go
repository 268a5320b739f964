package kubernetes

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"maestro/param"
)

func TestReadOutput(t *testing.T) {
	t.Parallel()
	declared := &param.Params{}
	set(declared, "rows", param.LongValue(0))
	set(declared, "name", param.StringValue(""))
	for _, c := range []struct{ name, text, params, artifacts, err string }{
		{name: "Nothing", text: "  \n"},
		{name: "Empty", text: "{}"},
		{name: "Whole", text: `{"params":{"rows":{"value":42,"type":"LONG","evaluated_result":42,"evaluated_time":1}}}`,
			params: `{"rows":{"value":42,"type":"LONG","evaluated_result":42,"evaluated_time":1}}`},
		{name: "NoResult", text: `{"params":{"x":{"value":"a","type":"STRING","evaluated_time":7}}}`,
			params: `{"x":{"value":"a","type":"STRING","evaluated_result":"a","evaluated_time":7}}`},
		{name: "Map", text: `{"params":{"m":{"type":"MAP","value":{"k":{"type":"LONG","value":1}},"evaluated_time":7}}}`,
			params: `{"m":{"value":{"k":{"value":1,"type":"LONG"}},"type":"MAP","evaluated_result":{"k":1},"evaluated_time":7}}`},
		{name: "Plain", text: `{"rows":7,"name":"x"}`,
			params: `{"rows":{"value":7,"type":"LONG","evaluated_result":7,"evaluated_time":NOW},"name":{"value":"x","type":"STRING","evaluated_result":"x","evaluated_time":NOW}}`},
		{name: "PlainTyped", text: `{"name":7}`, params: `{"name":{"value":"7","type":"STRING","evaluated_result":"7","evaluated_time":NOW}}`},
		{name: "PlainInWhole", text: `{"params":{"l":[1,2.5]}}`, params: `{"l":{"value":[1,2.5],"type":"DOUBLE_ARRAY","evaluated_result":[1.0,2.5],"evaluated_time":NOW}}`},
		{name: "Artifacts", text: `{"artifacts":{"a":{"type":"default","n":1},"maestro_retry":{"type":"RETRY","retryable":false}}}`,
			artifacts: `map[a:{"n":1} maestro_retry:{"type":"RETRY","retryable":false}]`},
		{name: "NoJSON", text: " not json ", err: "not valid JSON"},
		{name: "Cut", text: `{"params":`, err: "not valid JSON"},
		{name: "List", text: `[1]`, err: "must be an object, not array"},
		{name: "Null", text: `{"params":{"rows":null}}`, err: `param "rows" of output data is null`},
		{name: "WrongType", text: `{"rows":"many"}`, err: "rows"},
		{name: "NoObject", text: `{"artifacts":{"a":1}}`, err: `artifact "a" of output data must be an object`},
		{name: "NoText", text: "{\"a\":\"\xff\"}", err: "not UTF-8"},
		{name: "TooLong", text: strings.Repeat(" ", 10) + `"` + strings.Repeat("x", maxOutput) + `"`, err: "750000 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := readOutput([]byte(c.text), false, declared)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.params == "" && c.artifacts == "" {
				if out != nil {
					t.Errorf("got %+v, want nothing", out)
				}
				return
			}
			got := string(out.Params)
			if i := strings.Index(c.params, "NOW"); i >= 0 && len(got) > i+13 {
				got = strings.ReplaceAll(got, got[i:i+13], "NOW")
			}
			if got != c.params {
				t.Errorf("params\n got %s\nwant %s", got, c.params)
			}
			if got := printed(out.Artifacts); got != c.artifacts {
				t.Errorf("artifacts\n got %s\nwant %s", got, c.artifacts)
			}
		})
	}
}

func printed(m map[string][]byte) string {
	if m == nil {
		return ""
	}
	texts := map[string]string{}
	for k, v := range m {
		texts[k] = string(v)
	}
	return fmt.Sprint(texts)
}

// TestMarks cuts logs into pieces in many ways, none of which matters.
func TestMarks(t *testing.T) {
	t.Parallel()
	s, e := outputStart, outputEnd
	long := strings.Repeat("y", 100)
	for _, c := range []struct{ log, want string }{
		{"", "nothing"}, {"no tokens", "nothing"}, {s, "nothing"}, {e, "nothing"}, {e + "x" + s, "nothing"},
		{s + "a" + e, "a"}, {s + e, ""}, {"x" + s + "a" + e + "z", "a"},
		{s + "a" + e + s + "b" + e, "b"}, // the last counts
		{s + "a" + e + s + "b", "a"},     // that is whole
		{s + "a" + s + "b" + e, "b"},     // and the nearest start
		{s + "a" + e + e, "a"},           // an end of nothing is nothing
		{"MAESTRO_OUTPUT_START_" + s + "a" + e, "a"},
		{s + long + e, "too long"}, {s + long + e + s + "a" + e, "a"}, {s + "a" + e + s + long + e, "too long"},
	} {
		for range 50 {
			m := marks{max: 20}
			for rest := c.log; rest != ""; {
				n := 1 + rand.IntN(min(len(rest), 30))
				m.write([]byte(rest[:n]))
				rest = rest[n:]
			}
			got := string(m.last)
			switch {
			case m.tooLong:
				got = "too long"
			case m.last == nil:
				got = "nothing"
			}
			if got != c.want {
				t.Fatalf("%q: got %q, want %q", c.log, got, c.want)
			}
			if cap(m.buf) > 1000 {
				t.Fatalf("%q: holds %d bytes", c.log, cap(m.buf))
			}
		}
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		log        string
		max, lines int
		want       string
	}{
		{"", 10, 2, ""}, {"a\n", 10, 2, "a\n"}, {"a\nb\nc\n", 10, 2, "b\nc\n"}, {"a\nb\nc", 10, 2, "b\nc"},
		{"\n\n\n", 10, 2, "\n\n"}, {"abcdef", 3, 2, "def"}, {"ab\ncdef", 3, 9, "def"}, {"xä", 1, 1, ""}, {"a\x00\xffb", 9, 1, "a\uFFFD\uFFFDb"},
	} {
		for range 20 {
			got := tail{max: c.max, lines: c.lines}
			for rest := c.log; rest != ""; {
				n := 1 + rand.IntN(len(rest))
				got.write([]byte(rest[:n]))
				rest = rest[n:]
			}
			if got.String() != c.want {
				t.Fatalf("%q: got %q, want %q", c.log, got.String(), c.want)
			}
		}
	}
}
