package output_test

import (
	"encoding/json"
	"testing"
	"time"

	"maestro/internal/doc"
	"maestro/internal/output"
)

// FuzzReader gives the reader anything as a section and as a file. It never panics and never works for long, and what it
// returns is within the limit, whole, and means the same when it is read again.
func FuzzReader(f *testing.F) {
	for _, text := range []string{
		``, `{}`, `{"n": 42, "map": {"rate": 1, "x": {"y": [1, 2.5, "a", null]}}}`,
		`{"params": {"n": {"type": "LONG", "value": 42, "evaluated_result": null, "evaluated_time": 0}, "b": true}, "artifacts": {"a": {"type": "default"}}}`,
		`{"params": {"m": {"type": "MAP", "value": {"k": {"type": "MAP", "expression": "x"}, "l": {"type": "LONG", "evaluated_result": 1}}}}}`,
		`{"artifacts": {"maestro_dynamic_output": {"signal_outputs": [{"name": "s"}, {"evaluated_result": {}}, {"type": "MAP", "value": null}, {"type": "MAP", "expression": "x"}]}}}`,
		"n=1\ntext<<EOF\n=\nEOF\nlist=[1]", `{"n": 1} + trailing`, "\uFEFF{}", `{"params":`, "text=\xff",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 100_000 {
			t.Skip()
		}
		begun := time.Now()
		file, printed := reader(), reader()
		check(t, file, file.File(text))
		printed.Lines = false
		check(t, printed, printed.Section(section(string(text))))
		var p doc.Problems
		if n, err := doc.ParseJSON(text, doc.Limits{}); err == nil && n.Kind == doc.Object {
			if kept := output.Posted(n, now, &p); kept != nil && !json.Valid(kept) {
				t.Errorf("kept is %s", kept)
			}
		}
		if d := time.Since(begun); d > 10*time.Second {
			t.Errorf("it took %s", d)
		}
	})
}

func check(t *testing.T, r *output.Reader, err error) {
	t.Helper()
	if err != nil {
		if err.Error() == "" {
			t.Error("an error without words")
		}
		return
	}
	d, err := r.Data()
	if err != nil && err.Error() == "" {
		t.Error("an error without words")
	}
	if d == nil {
		return
	}
	encoded, err := d.Encode()
	if err != nil || output.Size(encoded) > output.Limit {
		t.Fatalf("%d characters, %v", output.Size(encoded), err)
	}
	if d.Params == nil {
		return
	}
	n, err := doc.ParseJSON(d.Params, doc.Limits{})
	if err != nil {
		t.Fatalf("params %s: %v", d.Params, err)
	}
	var p doc.Problems
	params := output.Params(n, nil, now+1, &p)
	if err := p.Err(); err != nil {
		t.Fatalf("params %s: %v", d.Params, err)
	}
	for name, one := range params.All() {
		if !one.Evaluated || one.Time == 0 {
			t.Errorf("param %q has no result or no time: %s", name, d.Params)
		}
	}
	if again := params.AppendJSON(nil); string(again) != string(d.Params) {
		t.Errorf("read again\n got %s\nwant %s", again, d.Params)
	}
}

// FuzzMarks cuts a stream in two: what is found does not depend on it.
func FuzzMarks(f *testing.F) {
	const s, e = output.StartToken, output.EndToken
	f.Add(s+"a"+e, 5)
	f.Add("MAESTRO_OUTPUT_START="+s+"MAESTRO_OUTPUT_END='"+e, 40)
	f.Add(s+"a"+e+s+"0123456789012345678901234567890123456789", 70)
	f.Fuzz(func(t *testing.T, text string, at int) {
		if len(text) > 100_000 || at < 0 || at > len(text) {
			t.Skip()
		}
		whole, cut := output.Marks{Max: 20}, output.Marks{Max: 20}
		whole.Write([]byte(text))
		cut.Write([]byte(text[:at]))
		cut.Write([]byte(text[at:]))
		if got, want := describe(cut.Section()), describe(whole.Section()); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
