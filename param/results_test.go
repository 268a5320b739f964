package param_test

import (
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/param"
)

func decodeNode(t testing.TB, text string) *doc.Node {
	t.Helper()
	n, err := doc.ParseJSON([]byte(text), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Literals store nothing, repeated dates two or three bytes, derivable results nothing.
func TestResultsAreSmall(t *testing.T) {
	literals := mustDefs(t, `{"a":{"value":"text","type":"STRING"},"b":{"value":[1,2],"type":"LONG_ARRAY"},"m":{"value":{"k":{"value":{"x":"y"},"type":"STRING_MAP"}},"type":"MAP"}}`)
	known := func(name string, d *param.Def) (param.Value, bool) {
		return param.StringValue("known"), d.Expression == "'known'"
	}
	for _, c := range []struct {
		name  string
		defs  *param.Defs
		limit int
	}{
		{"nothing", &param.Defs{}, 0},
		{"literals", literals, 2},
		{"derivable", mustDefs(t, `{"a":{"expression":"'known'","type":"STRING"}}`), 2},
		{"one expression", mustDefs(t, `{"a":{"expression":"1 + 1","type":"LONG"}}`), 6},
		{"converted", mustDefs(t, `{"a":{"expression":"1 + 1","type":"STRING"}}`), 8},
		{"equal texts", mustDefs(t, `{"a":{"expression":"'20240102'","type":"STRING"},"b":{"expression":"'20240102'","type":"STRING"},"c":{"expression":"'20240102'","type":"STRING"}}`), 2 + 12 + 3 + 3},
	} {
		p, err := evaluate(c.defs)
		if err != nil {
			t.Fatal(err)
		}
		data := p.AppendResults(nil, known)
		if len(data) > c.limit {
			t.Errorf("%s: %d bytes, want at most %d", c.name, len(data), c.limit)
		}
		back, err := param.RestoreResults(c.defs, data, known)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got, want := string(back.AppendJSON(nil)), string(p.AppendJSON(nil)); got != want {
			t.Errorf("%s: got %s, want %s", c.name, got, want)
		}
	}
}

// Output replaces definitions, which then are stored whole.
func TestResultsAfterOutput(t *testing.T) {
	defs, err := param.Merge(nil, mustDefs(t, `{"a":{"value":"$b","type":"STRING"},"b":{"value":"x","type":"STRING"},"m":{"value":{"k":{"value":1,"type":"LONG"}},"type":"MAP"}}`), param.Context{Source: param.SourceDefinition})
	if err != nil {
		t.Fatal(err)
	}
	p, err := evaluate(defs)
	if err != nil {
		t.Fatal(err)
	}
	reported, err := decodeParams(`{"b":{"value":"$HOME","type":"STRING","evaluated_result":"$HOME","evaluated_time":1625871404000},"m":{"value":{"n":{"value":"$$","type":"STRING"}},"type":"MAP","evaluated_result":{"n":"$$"},"evaluated_time":1625871404000}}`)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = param.MergeOutput(p, reported); err != nil {
		t.Fatal(err)
	}
	back, err := param.RestoreResults(defs, p.AppendResults(nil, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(back.AppendJSON(nil)), string(p.AppendJSON(nil)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for name, q := range back.All() {
		if !q.Def.Evaluated && name != "a" {
			t.Errorf("%s forgot that it was evaluated", name)
		}
	}
}

// Params that were never evaluated come back so.
func TestResultsOfUnevaluated(t *testing.T) {
	defs := mustDefs(t, `{"a":{"value":"x","type":"STRING"},"b":{"expression":"1","type":"LONG"}}`)
	p := param.NewParams(defs)
	back, err := param.RestoreResults(defs, p.AppendResults(nil, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range back.All() {
		if q.Evaluated {
			t.Errorf("%s came back evaluated", name)
		}
	}
}

func TestSizeLimit(t *testing.T) {
	big := make([]byte, 400_000)
	for i := range big {
		big[i] = 'x'
	}
	defs := &param.Defs{}
	defs.Set("a", param.Literal(param.StringValue(string(big[:300_000]))))
	p, err := evaluate(defs)
	if err != nil {
		t.Fatal(err)
	}
	if err := param.CheckSize(p); err != nil {
		t.Errorf("600,000 characters: %v", err)
	}
	defs.Set("a", param.Literal(param.StringValue(string(big))))
	if p, err = evaluate(defs); err != nil {
		t.Fatal(err)
	}
	if err := param.CheckSize(p); err == nil || err.Error() != "Parameters' total size [800075] is larger than system limit [750000]" {
		t.Errorf("got %v", err)
	}
}

func TestRunParamLimits(t *testing.T) {
	var p doc.Problems
	param.CheckRunParams(mustDefs(t, `{"params":{"value":1,"type":"LONG"},"x":{"value":1,"type":"LONG","source":"SYSTEM"},"y":{"value":1,"type":"LONG","source":"nonsense"}}`), "runParams", &p)
	want := `runParams [param definition] cannot use any of reserved param names - rejected value is [params]; ` +
		`runParams [param definition] users cannot set param source for a param: x; ` +
		`runParams [param definition] users cannot set param source for a param: y`
	if err := p.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	many := &param.Defs{}
	for i := range 129 {
		many.Set(string(rune('a'+i%26))+string(rune('a'+i/26)), param.Literal(param.LongValue(1)))
	}
	p = doc.Problems{}
	param.CheckRunParams(many, "runParams", &p)
	if err := p.Err(); err == nil || err.Error() != "runParams [param definition] contain the number of params [129] more than param size limit 128" {
		t.Errorf("got %v", err)
	}
}

// A long reported text is stored once, and its value is shown as a placeholder (params 14).
func TestLongOutput(t *testing.T) {
	defs, err := param.Merge(nil, mustDefs(t, `{"a":{"value":"","type":"STRING"}}`), param.Context{Source: param.SourceDefinition})
	if err != nil {
		t.Fatal(err)
	}
	p, err := evaluate(defs)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		length int
		value  string
	}{{1000, strings.Repeat("x", 1000)}, {1001, "PARAM_VALUE_IDENTICAL_TO_EVALUATED_RESULT"}} {
		v := param.StringValue(strings.Repeat("x", c.length))
		reported := &param.Params{}
		reported.Set("a", param.Param{Def: param.EvaluatedLiteral(v), Result: v, Time: 9, Evaluated: true})
		out, err := param.MergeOutput(p, reported)
		if err != nil {
			t.Fatal(err)
		}
		if got := out.Lookup("a"); got.Def.Value.Str() != c.value || got.Result.Str() != v.Str() {
			t.Errorf("%d characters have value %s", c.length, got.Def.Value)
		}
		data := out.AppendResults(nil, nil)
		back, err := param.RestoreResults(defs, data, nil)
		if err != nil || string(back.AppendJSON(nil)) != string(out.AppendJSON(nil)) {
			t.Errorf("%d characters do not come back: %v", c.length, err)
		}
		d, err := out.Lookup("a").ToDef("a")
		if err != nil || d.Value.Str() != v.Str() {
			t.Errorf("%d characters are passed on as %s", c.length, d.Value)
		}
	}
}
