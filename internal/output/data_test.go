package output_test

import (
	"strings"
	"testing"

	"maestro/internal/output"
)

// TestMerge says what several reports of one job come to.
func TestMerge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, have, more, want string }{
		{"nothing yet", ``, `{"params":{"a":1}}`, `{"params":{"a":1}}`},
		{"others stay", `{"params":{"a":1}}`, `{"params":{"b":2},"artifacts":{"r":{}}}`, `{"params":{"a":1,"b":2},"artifacts":{"r":{}}}`},
		{"the later param counts", `{"params":{"a":{"k":1}}}`, `{"params":{"a":{"l":2}}}`, `{"params":{"a":{"l":2}}}`},
		{"artifacts of free form are put together", `{"artifacts":{"r":{"a":1,"b":1}}}`, `{"artifacts":{"r":{"b":2}}}`, `{"artifacts":{"r":{"a":1,"b":2}}}`},
		{"those with a type are replaced", `{"artifacts":{"r":{"type":"RETRY","a":1}}}`, `{"artifacts":{"r":{"type":"RETRY"}}}`, `{"artifacts":{"r":{"type":"RETRY"}}}`},
		{"also by one without, and the other way round", `{"artifacts":{"r":{"type":"X"},"s":{"a":1}}}`, `{"artifacts":{"r":{"a":1},"s":{"type":"X"}}}`, `{"artifacts":{"r":{"a":1},"s":{"type":"X"}}}`},
		{"null is nothing", `{"params":null,"artifacts":{"r":null}}`, `{"artifacts":{"r":{"a":1}}}`, `{"artifacts":{"r":{"a":1}}}`},
		{"no JSON", `{"params":{"a":1}}`, `oops`, `oops`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var have []byte
			if c.have != "" {
				have = []byte(c.have)
			}
			if got := string(output.Merge(have, []byte(c.more))); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestSize counts what the limit counts: characters, and once what is value and result.
func TestSize(t *testing.T) {
	t.Parallel()
	const most = output.Limit
	for name, c := range map[string]struct {
		in     string
		within bool
	}{
		"little":                 {`{"params":{"a":1}}`, true},
		"long characters":        {`{"params":{"a":"` + strings.Repeat("語", most-100) + `"}}`, true},
		"too many of them":       {`{"params":{"a":"` + strings.Repeat("語", most) + `"}}`, false},
		"a value and its result": {`{"params":{"a":{"value":"` + strings.Repeat("x", most-100) + `","evaluated_result":"` + strings.Repeat("x", most-100) + `"}}}`, true},
		"a value and another":    {`{"params":{"a":{"value":"` + strings.Repeat("x", most-100) + `","evaluated_result":"` + strings.Repeat("y", most-100) + `"}}}`, false},
		"a large artifact":       {`{"artifacts":{"a":{"k":"` + strings.Repeat("x", most) + `"}}}`, false},
		"no JSON":                {strings.Repeat("x", most+1), false},
	} {
		if got := output.Size([]byte(c.in)); got <= most != c.within {
			t.Errorf("%s: %d characters", name, got)
		}
	}
}

// TestEncode brings data into its JSON form and back.
func TestEncode(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `{"params":{"a":1}}`, `{"params":{},"artifacts":{"a":{"k":[1]},"b":{}}}`} {
		d, err := output.Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := d.Encode(); string(got) != text || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, text)
		}
	}
	if d, err := output.Decode([]byte(`{"params":null}`)); err != nil || d.Params != nil {
		t.Errorf("null: got %s, %v", d.Params, err)
	}
	if _, err := output.Decode([]byte(`oops`)); err == nil {
		t.Error("what is not JSON is decoded")
	}
	if _, err := (&output.Data{Params: []byte(`oops`)}).Encode(); err == nil {
		t.Error("what is not JSON is encoded")
	}
}
