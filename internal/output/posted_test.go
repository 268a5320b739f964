package output_test

import (
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/output"
)

func posted(t *testing.T, text string) (string, *doc.Problems) {
	t.Helper()
	n, err := doc.ParseJSON([]byte(text), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var p doc.Problems
	return string(output.Posted(n, now, &p)), &p
}

// TestPosted says what is kept of output data that a job sends: nobody knows yet which types its plain values are to have.
func TestPosted(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"params": {"n": {"type": "LONG", "value": 4}}}`:                                  `{"params":{"n":{"value":4,"type":"LONG","evaluated_result":4,"evaluated_time":5}}}`,
		`{"params": {"n": {"type": "LONG", "evaluated_result": 4, "evaluated_time": 16}}}`: `{"params":{"n":{"type":"LONG","evaluated_result":4,"evaluated_time":16}}}`,
		`{"params": {"n": 42, "list": [], "m": {"k": [1, 2.50]}}}`:                         `{"params":{"n":42,"list":[],"m":{"k":[1,2.50]}}}`,
		`{"artifacts": {"b": {"type": "default", "y": 1}, "a": {}}}`:                       `{"artifacts":{"a":{},"b":{"y":1}}}`,
		`{"params": {"a": "x"}, "artifacts": {"a": {"type": "retry"}}}`:                    `{"params":{"a":"x"},"artifacts":{"a":{"type":"RETRY"}}}`,
		`{"params": {}, "artifacts": {}}`:                                                  ``,
		`{}`:                                                                               ``,
	} {
		got, p := posted(t, in)
		if got != want || len(p.List) > 0 {
			t.Errorf("%s\n got %s, %v\nwant %s", in, got, p.List, want)
		}
	}
	for in, want := range map[string]string{
		`{"params": {"a": null}}`:    "params[a] is null",
		`{"params": {"a": [[1]]}}`:   "must be a string, not an array",
		`{"params": [1]}`:            "params must be an object",
		`{"artifacts": {"a": null}}`: "artifacts[a] must be an object",
	} {
		got, p := posted(t, in)
		if err := p.Err(); got != "" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %s, %v, want %s", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		`{"params": {"a": 1}, "parms": {"b": 1}}`: "parms is ignored: only params and artifacts are output data, did you mean `params`? (line 1, column 22)",
		`{"params": {"a": 2, "a": 1}}`:            "a is given more than once, of which the last counts (line 1, column 21)",
	} {
		got, p := posted(t, in)
		if got != `{"params":{"a":1}}` || len(p.List) != 1 || p.List[0].Error() != want {
			t.Errorf("%s: got %s, %v, want %s", in, got, p.List, want)
		}
	}
}

// TestPostedMeans reads what was posted as a step reads it that has declared params: it means what it would mean printed.
func TestPostedMeans(t *testing.T) {
	t.Parallel()
	for _, params := range []string{
		`{"n": "42", "text": 7, "f": 1, "b": "true", "list": [], "texts": {"k": "v"}, "map": {"rate": 2, "x": {"y": [1, 2.5]}}, "other": [1, "a"]}`,
		`{"n": {"type": "STRING", "value": "42"}, "map": {"type": "MAP", "value": {"rate": {"type": "LONG", "value": 1}}, "evaluated_time": 7}}`,
	} {
		text := `{"params": ` + params + `}`
		kept, p := posted(t, text)
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		n, err := doc.ParseJSON([]byte(kept), doc.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := `{"params":` + string(output.Params(n.Field("params"), declared(), now, p).AppendJSON(nil)) + `}`
		r := reader()
		if want := encoded(r, r.Section(section(text))); got != want || p.Failed() {
			t.Errorf("\nposted  %s %v\nprinted %s", got, p.List, want)
		}
	}
}
