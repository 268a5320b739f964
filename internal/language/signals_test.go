package language

import (
	"strings"
	"testing"

	"maestro/internal/signal"
	"maestro/param"
)

// TestDynamicOutputs holds what becomes a param and what payload (spec/signals-triggers 4.2).
func TestDynamicOutputs(t *testing.T) {
	t.Parallel()
	list, err := dynamicOutputs([]byte(`{"type":"DYNAMIC_OUTPUT","signal_outputs":[
		{"type":"MAP","value":{},"evaluated_result":{"name":"d","day":20240131,"who":"x","n":"7","flag":true,"list":[1,2],"half":1.5,"big":9223372036854775808}},
		{"type":"MAP","value":{},"evaluated_result":{"name":"e"}}],"info":{"type":"LOG"}}`))
	if err != nil {
		t.Fatal(err)
	}
	got := string(signal.AppendOutputs(nil, list))
	want := `[{"name":"d","params":{"day":20240131,"who":"x","n":"7"},"payload":{"flag":true,"list":[1,2],"half":1.5,"big":9223372036854775808}},{"name":"e"}]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, text := range []string{
		`{"signal_outputs":[{"evaluated_result":{"day":1}}]}`, `{"signal_outputs":[{"evaluated_result":{"name":7}}]}`, `{"signal_outputs":[{}]}`, `{"signal_outputs":{"name":"s"}}`, `[`,
	} {
		if _, err := dynamicOutputs([]byte(text)); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
	for _, text := range []string{`{}`, `{"signal_outputs":null}`, `{"signal_outputs":[]}`} {
		if list, err := dynamicOutputs([]byte(text)); err != nil || len(list) > 0 {
			t.Errorf("%s: got %v, %v", text, list, err)
		}
	}
}

// TestSignalSize counts the params of all signals of a step together.
func TestSignalSize(t *testing.T) {
	t.Parallel()
	params := &param.Params{}
	params.Set("x", param.Param{Result: param.StringValue(strings.Repeat("x", 100_000))})
	var size signalSize
	for i := range 8 {
		if err := size.add(params); (err != nil) != (i == 7) {
			t.Errorf("signal %d: %v", i, err)
		}
	}
}
