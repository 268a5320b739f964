package output_test

import (
	"fmt"
	"strings"
	"testing"

	"maestro/internal/output"
	"maestro/param"
)

// declared are the params of a step, in the types that plain values are to have.
func declared() *param.Params {
	p := &param.Params{}
	set := func(name string, v param.Value) { p.Set(name, param.Param{Def: param.Literal(v), Evaluated: true}) }
	set("text", param.StringValue(""))
	set("n", param.LongValue(0))
	set("f", param.DoubleValue(0))
	set("b", param.BooleanValue(false))
	set("list", param.LongArrayValue(nil))
	set("texts", param.StringMapValue(&param.Texts{}))
	entries := &param.Defs{}
	entries.Set("rate", param.Literal(param.DoubleValue(0)))
	set("map", param.DefsValue(entries))
	return p
}

// now is when values were computed that do not say so.
const now = 5

func reader() *output.Reader { return &output.Reader{Declared: declared(), Time: now, Lines: true} }

func section(text string) output.Section { return output.Section{Text: &text} }

// encoded returns what a reader has read, as JSON; what is wrong with it begins with "error: ".
func encoded(r *output.Reader, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	d, err := r.Data()
	if err != nil {
		return "error: " + err.Error()
	}
	if d == nil {
		return "nothing"
	}
	text, err := d.Encode()
	if err != nil {
		return "error: " + err.Error()
	}
	return string(text)
}

// TestObject says what an object means, wherever a job writes it.
func TestObject(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"nothing", " \n", `nothing`},
		{"an empty object", `{}`, `nothing`},
		{"OutputData without anything", `{"params": {}, "artifacts": {}}`, `nothing`},
		{"null for nothing", `{"params": null, "artifacts": null}`, `nothing`},
		{"a byte order mark", "\uFEFF" + `{"n": 1}`, `{"params":{"n":{"value":1,"type":"LONG","evaluated_result":1,"evaluated_time":5}}}`},

		{"a param as the reference wants it", `{"params": {"n": {"type": "LONG", "value": 42, "evaluated_result": 42, "evaluated_time": 1700}}}`,
			`{"params":{"n":{"value":42,"type":"LONG","evaluated_result":42,"evaluated_time":1700}}}`},
		{"types in any letter case", `{"params": {"n": {"type": "long", "value": 42, "evaluated_result": 42, "evaluated_time": 1700}}}`,
			`{"params":{"n":{"value":42,"type":"LONG","evaluated_result":42,"evaluated_time":1700}}}`},
		{"a result is its value", `{"params": {"n": {"type": "LONG", "value": 42, "evaluated_time": 1700}}}`,
			`{"params":{"n":{"value":42,"type":"LONG","evaluated_result":42,"evaluated_time":1700}}}`},
		{"so is one that is null", `{"params": {"n": {"type": "LONG", "value": 42, "evaluated_result": null}}}`,
			`{"params":{"n":{"value":42,"type":"LONG","evaluated_result":42,"evaluated_time":5}}}`},
		{"the time is when the job ended", `{"params": {"n": {"type": "LONG", "value": 42}}}`,
			`{"params":{"n":{"value":42,"type":"LONG","evaluated_result":42,"evaluated_time":5}}}`},
		{"also instead of no time", `{"params": {"n": {"type": "LONG", "value": 42, "evaluated_time": 0}}}`,
			`{"params":{"n":{"value":42,"type":"LONG","evaluated_result":42,"evaluated_time":5}}}`},
		{"a result alone", `{"params": {"n": {"type": "LONG", "evaluated_result": 42}}}`,
			`{"params":{"n":{"type":"LONG","evaluated_result":42,"evaluated_time":5}}}`},
		{"an expression and its result", `{"params": {"n": {"type": "LONG", "expression": "6*7", "evaluated_result": 42}}}`,
			`{"params":{"n":{"expression":"6*7","type":"LONG","evaluated_result":42,"evaluated_time":5}}}`},
		{"a value, an expression and the result", `{"params": {"n": {"type": "LONG", "value": 1, "expression": "6*7", "evaluated_result": 42}}}`,
			`{"params":{"n":{"value":1,"expression":"6*7","type":"LONG","evaluated_result":42,"evaluated_time":5}}}`},
		{"a MAP without its result", `{"params": {"map": {"type": "MAP", "value": {"rate": {"type": "DOUBLE", "value": 1.5}, "in": {"type": "MAP", "value": {"k": {"type": "LONG", "value": 1}}}}}}}`,
			`{"params":{"map":{"value":{"rate":{"value":1.5,"type":"DOUBLE"},"in":{"value":{"k":{"value":1,"type":"LONG"}},"type":"MAP"}},"type":"MAP","evaluated_result":{"rate":1.5,"in":{"k":1}},"evaluated_time":5}}}`},
		{"a MAP whose entry has a type only", `{"params": {"map": {"type": "MAP", "value": {"rate": {"type": "DOUBLE"}}}}}`,
			`{"params":{"map":{"value":{"rate":{"type":"DOUBLE"}},"type":"MAP","evaluated_result":{},"evaluated_time":5}}}`},
		{"the type of a param stays, whatever is declared", `{"params": {"n": {"type": "STRING", "value": "42", "evaluated_time": 1700}}}`,
			`{"params":{"n":{"value":"42","type":"STRING","evaluated_result":"42","evaluated_time":1700}}}`},
		{"params and plain values", `{"params": {"n": {"type": "LONG", "value": 42}, "b": true}}`,
			`{"params":{"n":{"value":42,"type":"LONG","evaluated_result":42,"evaluated_time":5},"b":{"value":true,"type":"BOOLEAN","evaluated_result":true,"evaluated_time":5}}}`},

		{"plain values only", `{"n": 42, "text": "a"}`,
			`{"params":{"n":{"value":42,"type":"LONG","evaluated_result":42,"evaluated_time":5},"text":{"value":"a","type":"STRING","evaluated_result":"a","evaluated_time":5}}}`},
		{"any name, since a step refuses what it does not declare", `{"a b": 1}`,
			`{"params":{"a b":{"value":1,"type":"LONG","evaluated_result":1,"evaluated_time":5}}}`},
		{"among those, what looks like a param is a map", `{"x": {"type": "LONG", "value": 1}}`,
			`{"params":{"x":{"value":{"type":{"value":"LONG","type":"STRING"},"value":{"value":1,"type":"LONG"}},"type":"MAP","evaluated_result":{"type":"LONG","value":1},"evaluated_time":5}}}`},

		{"artifacts", `{"artifacts": {"report": {"url": "u", "deep": {"k": [1]}}, "maestro_retry": {"type": "RETRY", "retryable": false}}}`,
			`{"artifacts":{"maestro_retry":{"type":"RETRY","retryable":false},"report":{"url":"u","deep":{"k":[1]}}}}`},
		{"one of type DEFAULT has no type", `{"artifacts": {"a": {"type": "default", "k": 1}, "b": {"type": "DEFAULT"}}}`, `{"artifacts":{"a":{"k":1},"b":{}}}`},
		{"a known type is written as everywhere", `{"artifacts": {"maestro_retry": {"retryable": false, "type": "retry"}}}`,
			`{"artifacts":{"maestro_retry":{"retryable":false,"type":"RETRY"}}}`},
		{"any other type is the job's own", `{"artifacts": {"a": {"type": "pdf"}, "b": {"type": 7}, "c": {"type": {"DEFAULT": 1}}}}`,
			`{"artifacts":{"a":{"type":"pdf"},"b":{"type":7},"c":{"type":{"DEFAULT":1}}}}`},

		{"signals as the reference wants them", `{"artifacts": {"maestro_dynamic_output": {"type": "DYNAMIC_OUTPUT", "signal_outputs": [{"type": "MAP", "value": {}, "evaluated_result": {"name": "s", "day": 1}, "evaluated_time": 17}], "info": {"message": "m"}}}}`,
			`{"artifacts":{"maestro_dynamic_output":{"type":"DYNAMIC_OUTPUT","signal_outputs":[{"type":"MAP","value":{},"evaluated_result":{"name":"s","day":1},"evaluated_time":17}],"info":{"message":"m"}}}}`},
		{"signals without results", `{"artifacts": {"maestro_dynamic_output": {"signal_outputs": [{"type": "MAP", "value": {"name": {"type": "STRING", "value": "s"}, "day": {"type": "LONG", "value": 1}}}]}}}`,
			`{"artifacts":{"maestro_dynamic_output":{"signal_outputs":[{"type":"MAP","value":{"name":{"type":"STRING","value":"s"},"day":{"type":"LONG","value":1}},"evaluated_result":{"name":"s","day":1},"evaluated_time":5}]}}}`},
		{"signals in plain", `{"artifacts": {"maestro_dynamic_output": {"signal_outputs": [{"name": "s", "days": [1]}]}}}`,
			`{"artifacts":{"maestro_dynamic_output":{"signal_outputs":[{"type":"MAP","value":{"name":{"type":"STRING","value":"s"},"days":{"type":"LONG_ARRAY","value":[1]}},"evaluated_result":{"name":"s","days":[1]},"evaluated_time":5}]}}}`},
		{"no signals", `{"artifacts": {"maestro_dynamic_output": {"signal_outputs": null}}}`, `{"artifacts":{"maestro_dynamic_output":{"signal_outputs":null}}}`},

		{"what the reference writes beside", `{"external_job_type": "Kubernetes", "external_job_id": "x", "workflow_id": "w", "create_time": 1, "modify_time": 2, "artifacts": {"a": {}}}`,
			`{"artifacts":{"a":{}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := reader()
			if got := encoded(r, r.Section(section(c.in))); got != c.want {
				t.Errorf("printed\n got %s\nwant %s", got, c.want)
			}
			f := reader()
			if got := encoded(f, f.File([]byte(c.in))); got != c.want {
				t.Errorf("in a file\n got %s\nwant %s", got, c.want)
			}
			if r.Ignored() != "" {
				t.Errorf("ignored %q", r.Ignored())
			}
		})
	}
}

// TestOwnNames has a step that declares params called like the fields of OutputData.
func TestOwnNames(t *testing.T) {
	t.Parallel()
	r := &output.Reader{Declared: &param.Params{}, Time: now}
	r.Declared.Set("artifacts", param.Param{Def: param.Literal(param.LongValue(0)), Evaluated: true})
	const want = `{"params":{"artifacts":{"value":3,"type":"LONG","evaluated_result":3,"evaluated_time":5}}}`
	if got := encoded(r, r.Section(section(`{"artifacts": 3}`))); got != want {
		t.Errorf("plain: got %s, want %s", got, want)
	}
	if got := encoded(r, r.Section(section(`{"params": {"artifacts": 3}}`))); got != want {
		t.Errorf("in OutputData: got %s, want %s", got, want)
	}
}

// TestType says which type a plain value has: the declared one, or the one it looks like.
func TestType(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"n": "42"}`:                       `{"value":42,"type":"LONG","evaluated_result":42`,
		`{"text": 7}`:                       `{"value":"7","type":"STRING","evaluated_result":"7"`,
		`{"f": 2}`:                          `{"value":2,"type":"DOUBLE","evaluated_result":2.0`,
		`{"b": "true"}`:                     `{"value":true,"type":"BOOLEAN","evaluated_result":true`,
		`{"list": []}`:                      `{"value":[],"type":"LONG_ARRAY","evaluated_result":[]`,
		`{"texts": {"k": 1}}`:               `{"value":{"k":"1"},"type":"STRING_MAP","evaluated_result":{"k":"1"}`,
		`{"map": {"rate": 1, "more": [1]}}`: `{"value":{"rate":{"value":1,"type":"DOUBLE"},"more":{"value":[1],"type":"LONG_ARRAY"}},"type":"MAP","evaluated_result":{"rate":1,"more":[1]}`,

		`{"x": "a"}`:            `{"value":"a","type":"STRING","evaluated_result":"a"`,
		`{"x": true}`:           `{"value":true,"type":"BOOLEAN","evaluated_result":true`,
		`{"x": 1}`:              `{"value":1,"type":"LONG","evaluated_result":1`,
		`{"x": 1.0}`:            `{"value":1.0,"type":"DOUBLE","evaluated_result":1.0`,
		`{"x": 1e3}`:            `{"value":1E+3,"type":"DOUBLE","evaluated_result":1000.0`,
		`{"x": {"k": "v"}}`:     `{"value":{"k":{"value":"v","type":"STRING"}},"type":"MAP","evaluated_result":{"k":"v"}`,
		`{"x": ["a"]}`:          `{"value":["a"],"type":"STRING_ARRAY","evaluated_result":["a"]`,
		`{"x": [true, false]}`:  `{"value":[true,false],"type":"BOOLEAN_ARRAY","evaluated_result":[true,false]`,
		`{"x": [1, 2]}`:         `{"value":[1,2],"type":"LONG_ARRAY","evaluated_result":[1,2]`,
		`{"x": [1, 2.5]}`:       `{"value":[1,2.5],"type":"DOUBLE_ARRAY","evaluated_result":[1.0,2.5]`,
		`{"x": [2.5, 1]}`:       `{"value":[2.5,1],"type":"DOUBLE_ARRAY","evaluated_result":[2.5,1.0]`,
		`{"x": [1, "a", true]}`: `{"value":["1","a","true"],"type":"STRING_ARRAY","evaluated_result":["1","a","true"]`,
		`{"x": []}`:             `{"value":[],"type":"STRING_ARRAY","evaluated_result":[]`,
	} {
		r := reader()
		got := encoded(r, r.Section(section(in)))
		if !strings.Contains(got, ":"+want) {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

// TestRefused says what cannot be meant, and how that is told. A report in which one thing is wrong counts for nothing.
func TestRefused(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"n": 1`:          "it is not valid JSON",
		`{oops`:            "it is not valid JSON",
		"{\"n\":\"\xff\"}": "not UTF-8",

		`{"n": "many"}`:                  `params[n] "many" is no valid LONG value (line 1, column 7)`,
		`{"n": null}`:                    `params[n] is null, which is no value (line 1, column 7)`,
		`{"n": {"a": 1}}`:                `params[n] a LONG value must be an integer`,
		`{"x": [[1]]}`:                   `params[x].value[0] must be a string, not an array`,
		`{"map": {"deep": {"k": null}}}`: `params[map][deep][k] is null, which is no value`,

		`{"params": [1]}`:         "params must be an object, not array",
		`{"params": 7}`:           "params must be an object, not number",
		`{"params": {"n": null}}`: `params[n] is null, which is no value`,
		`{"params": {"n": {"type": "LONG", "expression": "1+1"}}}`:                               `params[n] has neither value nor evaluated_result`,
		`{"params": {"n": {"type": "LONG", "value": null}}}`:                                     `params[n] has neither value nor evaluated_result`,
		`{"params": {"m": {"type": "MAP", "value": {"k": {"type": "MAP", "expression": "x"}}}}}`: `params[m][k] has neither value nor evaluated_result`,
		`{"params": {"m": {"type": "MAP", "value": {"k": 1}}}}`:                                  `param [k] must be an object with a type`,
		`{"params": {"n": {"type": "LONG", "value": 1, "evaluated_time": "late"}}}`:              `params[n].evaluated_time "late" is no valid LONG value`,
		`{"params": {}, "rows": 1}`:                                                              "rows is an unknown field beside params and artifacts",
		`{"params": {}, "artefacts": {}}`:                                                        "did you mean `artifacts`?",

		`{"artifacts": [{}]}`:        "artifacts must be an object, not array",
		`{"artifacts": {"a": 1}}`:    `artifacts[a] must be an object, not number`,
		`{"artifacts": {"a": null}}`: `artifacts[a] must be an object, not null`,
		`{"artifacts": {"maestro_dynamic_output": {"signal_outputs": {"name": "s"}}}}`:    `artifacts[maestro_dynamic_output] signal_outputs must be an array, not object`,
		`{"artifacts": {"maestro_dynamic_output": {"signal_outputs": ["s"]}}}`:            `signal_outputs must hold objects, not string`,
		`{"artifacts": {"maestro_dynamic_output": {"signal_outputs": [{"name": null}]}}}`: `artifacts[maestro_dynamic_output][name] is null`,

		`{"n": 1, "text": "` + strings.Repeat("x", output.Limit) + `"}`: "characters, more than the 750000 that output data may have",
		`{"n": 1}` + strings.Repeat(" ", output.MaxText):                "it has more than the 3000000 bytes that output data may have",
		strings.Repeat(`{"map":`, 300):                                  "nested more than 200 levels",
	} {
		for _, read := range []func(r *output.Reader) error{
			func(r *output.Reader) error { return r.Section(section(in)) },
			func(r *output.Reader) error { return r.File([]byte(in)) },
		} {
			r := reader()
			got := encoded(r, read(r))
			if !strings.HasPrefix(got, "error: ") || strings.Count(got, want) != 1 {
				t.Errorf("%.60q: got %.200s, want %s once", in, got, want)
			}
		}
	}
}

// TestAllProblems tells all that is wrong at once.
func TestAllProblems(t *testing.T) {
	t.Parallel()
	r := reader()
	err := r.Section(section(`{"params": {"n": "many", "b": null}, "artifacts": {"a": 1}, "other": 1}`))
	for _, want := range []string{"params[n]", "params[b]", "artifacts[a]", "other"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to tell of %s", err, want)
		}
	}
}

// TestLines says what lines mean.
func TestLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"values", "text=a=b c\r\nn=42", `{"params":{"text":{"value":"a=b c","type":"STRING","evaluated_result":"a=b c","evaluated_time":5},"n":{"value":42,"type":"LONG","evaluated_result":42,"evaluated_time":5}}}`},
		{"remarks and empty lines", "\n# why\n  # n=1\n\nn=2\n", `{"params":{"n":{"value":2,"type":"LONG","evaluated_result":2,"evaluated_time":5}}}`},
		{"space at the end of a value stays", "text=a \nn=1", `{"params":{"text":{"value":"a ","type":"STRING","evaluated_result":"a ","evaluated_time":5},"n":{"value":1,"type":"LONG","evaluated_result":1,"evaluated_time":5}}}`},
		{"up to a word", "text<<EOF\none\ntwo=2\nEOF\nn=1", `{"params":{"text":{"value":"one\ntwo=2","type":"STRING","evaluated_result":"one\ntwo=2","evaluated_time":5},"n":{"value":1,"type":"LONG","evaluated_result":1,"evaluated_time":5}}}`},
		{"lists and maps are JSON", `list=[1,2]` + "\n" + `map={"rate":0.5}`, `{"params":{"list":{"value":[1,2],"type":"LONG_ARRAY","evaluated_result":[1,2],"evaluated_time":5},"map":{"value":{"rate":{"value":0.5,"type":"DOUBLE"}},"type":"MAP","evaluated_result":{"rate":0.5},"evaluated_time":5}}}`},
		{"not declared, they are texts", "x=[1]", `{"params":{"x":{"value":"[1]","type":"STRING","evaluated_result":"[1]","evaluated_time":5}}}`},
		{"the last of a name counts", "n=1\ntext=a\nn=2", `{"params":{"n":{"value":2,"type":"LONG","evaluated_result":2,"evaluated_time":5},"text":{"value":"a","type":"STRING","evaluated_result":"a","evaluated_time":5}}}`},
		{"no value is an empty one", "text=", `{"params":{"text":{"value":"","type":"STRING","evaluated_result":"","evaluated_time":5}}}`},

		{"no line", "hello world", `error: line 1 is "hello world", which is neither NAME=value nor JSON`},
		{"no name", "n=1\n=2", `error: line 2 is "=2", which is neither NAME=value nor JSON`},
		{"an object and lines", "{\"n\":1}\ntext=a", `error: it is not valid JSON: unexpected 't' after the end of the document (line 2, column 1)`},
		{"a list", "[1]", `error: line 1 is "[1]", which is neither NAME=value nor JSON`},
		{"no end", "\n\ntext<<EOF\nabc", `error: line 3: there is no line "EOF" to end the value`},
		{"the wrong type", "text=a\nn=many", `error: params[n] "many" is no valid LONG value (line 2, column 1)`},
		{"no JSON", "list=1,2", `error: line 1: param "list" is a LONG_ARRAY, so its value must be JSON: unexpected ',' after the end of the document (line 1, column 2)`},
		{"no text", "text=\xff", `error: it is not UTF-8 text`},
		{"a NUL", "text=\x00", `error: it is not UTF-8 text`},
		{"nothing but NULs", "\x00\x00", `error: it is not UTF-8 text`},
		{"a byte order mark", "\uFEFFn=1", `{"params":{"n":{"value":1,"type":"LONG","evaluated_result":1,"evaluated_time":5}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := reader()
			if got := encoded(r, r.File([]byte(c.in))); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestMany has params without end, and one that is given again and again.
func TestMany(t *testing.T) {
	t.Parallel()
	var lines, object strings.Builder
	for i := range 10_001 {
		fmt.Fprintf(&lines, "a%d=\n", i)
		fmt.Fprintf(&object, `,"a%d":1`, i)
	}
	for in, want := range map[string]string{
		lines.String():                  "error: params are more than the 10000 that output data may have",
		"{" + object.String()[1:] + "}": "error: params are more than the 10000 that output data may have (line 1, column 1)",
		strings.Repeat("n=1\n", 20_000): `{"params":{"n":{"value":1,"type":"LONG","evaluated_result":1,"evaluated_time":5}}}`,
	} {
		r := reader()
		if got := encoded(r, r.File([]byte(in))); got != want {
			t.Errorf("%.20q: got %.100s, want %s", in, got, want)
		}
	}
}

// TestSectionWithoutLines is how pods print: an object, or it is a mistake.
func TestSectionWithoutLines(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"n=1":        "it is not valid JSON",
		"\x00":       "it is not valid JSON",
		" not json ": "it is not valid JSON",
		`[1]`:        "it must be an object, not array",
		`"n"`:        "it must be an object, not string",
		`null`:       "it must be an object, not null",
	} {
		r := &output.Reader{Declared: declared(), Time: now}
		if got := encoded(r, r.Section(section(in))); !strings.HasPrefix(got, "error: "+want) {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	r := reader()
	if got := encoded(r, r.Section(section("n=1"))); !strings.Contains(got, `"evaluated_result":1`) {
		t.Errorf("with lines: got %s", got)
	}
}

// TestIgnored says what is read over, and that this is told.
func TestIgnored(t *testing.T) {
	t.Parallel()
	const n1 = `{"params":{"n":{"value":1,"type":"LONG","evaluated_result":1,"evaluated_time":5}}}`
	for in, want := range map[string]string{
		"{\"n\": 1}\n+ echo done":             `"+ echo done", which follows the object`,
		`{"n": 1} {"text": "a"}`:              `"{\"text\": \"a\"}", which follows the object`,
		`{"n": 1}}`:                           `"}", which follows the object`,
		`{"n": 7, "n": 1}`:                    `n is given more than once, of which the last counts (line 1, column 10)`,
		`{"params": {"n": 7, "n": 1}}`:        `n is given more than once, of which the last counts (line 1, column 21)`,
		`{"n": 1}` + strings.Repeat("x", 100): `"` + strings.Repeat("x", 60) + `…", which follows the object`,
	} {
		r := reader()
		if got := encoded(r, r.Section(section(in))); got != n1 {
			t.Errorf("%s: got %s", in, got)
		}
		if got := r.Ignored(); got != want {
			t.Errorf("%s: ignored %s, want %s", in, got, want)
		}
	}
	r := reader()
	err := r.Section(output.Section{Text: section(`{"n": 1}`).Text, Open: true})
	if got := encoded(r, err); got != n1 || r.Ignored() != "an object after the last MAESTRO_OUTPUT_START_TOKEN, since there is no MAESTRO_OUTPUT_END_TOKEN after it" {
		t.Errorf("got %s, ignored %s", got, r.Ignored())
	}
	r = reader()
	if err := r.Section(section(`{"artifacts":{"a":{"1":1,"1":1,"2":1,"2":1,"3":1,"3":1,"4":1,"4":1,"5":1,"5":1,"6":1,"6":1,"7":1,"7":1}}}`)); err != nil {
		t.Fatal(err)
	}
	if got := r.Ignored(); strings.Count(got, "more than once") != 5 || !strings.HasSuffix(got, "; and 2 more") {
		t.Errorf("of many: %s", got)
	}
}

// TestPlaces reads what one job reports in several places.
func TestPlaces(t *testing.T) {
	t.Parallel()
	r := reader()
	for _, in := range []string{
		`{"params": {"n": 1, "text": "a"}, "artifacts": {"a": {"x": 1, "y": 1}, "maestro_retry": {"type": "RETRY", "retryable": false}}}`,
		`{"params": {"n": 2}, "artifacts": {"a": {"y": 2, "type": "DEFAULT"}, "maestro_retry": {"type": "RETRY"}}}`,
	} {
		if err := r.Section(section(in)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.File([]byte("b=true\nn=many")); err == nil {
		t.Error("a file that is wrong is taken")
	}
	if err := r.Section(output.Section{TooLong: true}); err == nil || !strings.Contains(err.Error(), "3000000 bytes") {
		t.Errorf("too long: %v", err)
	}
	const want = `{"params":{"n":{"value":2,"type":"LONG","evaluated_result":2,"evaluated_time":5},"text":{"value":"a","type":"STRING","evaluated_result":"a","evaluated_time":5}},` +
		`"artifacts":{"a":{"x":1,"y":2},"maestro_retry":{"type":"RETRY"}}}`
	if got := encoded(r, nil); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}
