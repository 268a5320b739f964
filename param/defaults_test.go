package param_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/param"
)

func TestDefaults(t *testing.T) {
	d, err := param.LoadDefaults(param.DefaultOverrides{})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Workflow.Len(); got != 24 {
		t.Errorf("%d workflow defaults, want 24", got)
	}
	cleaned, err := param.Cleanup(d.Workflow)
	if err != nil {
		t.Fatal(err)
	}
	if cleaned.Has("job_template_version") {
		t.Error("job_template_version without value survives cleanup")
	}
	for _, name := range []string{"owner", "workflow_id"} {
		if got := cleaned.Get(name); got.Mode != param.Constant || got.InternalMode != param.NoInternalMode {
			t.Errorf("%s: %s", name, got.AppendJSON(nil))
		}
	}
	if got := d.OfStep("Foreach").Len(); got != 6 {
		t.Errorf("%d defaults of foreach, want 4 and 2", got)
	}
	if d.OfStep("noop") != d.Step || d.OfStep("NoOp") != d.Step {
		t.Error("a type without defaults of its own does not share those of every step")
	}
	if _, err := param.Cleanup(d.OfStep("kubernetes")); err == nil || !strings.Contains(err.Error(), "[image] is a required parameter (type=[STRING])") {
		t.Errorf("kubernetes without image: %v", err)
	}
}

func TestDefaultOverrides(t *testing.T) {
	d, err := param.LoadDefaults(param.DefaultOverrides{
		Workflow: decodeNode(t, `{"owner":{"value":"ops","type":"STRING"},"region":{"value":"eu","type":"STRING","mode":"CONSTANT"}}`),
		ByType:   map[string]*doc.Node{"SHELL": decodeNode(t, `{"shell":{"value":"sh","type":"STRING"}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(d.Workflow.Get("owner").AppendJSON(nil)); got != `{"value":"ops","type":"STRING","tags":[],"mode":"MUTABLE","source":"SYSTEM_DEFAULT"}` {
		t.Errorf("owner is %s", got)
	}
	if d.Workflow.Index("owner") != 22 || d.Workflow.Index("region") != 24 {
		t.Error("an override moved, or an addition did not come last")
	}
	if d.OfStep("shell").Len() != 5 {
		t.Error("a type without bundled defaults got none")
	}
	_, err = param.LoadDefaults(param.DefaultOverrides{Step: decodeNode(t, `{"x":{"value":"x","type":"LONG"}}`)})
	if err == nil || !strings.Contains(err.Error(), "maestro.default-params.step[x].value") {
		t.Errorf("a broken override gives %v", err)
	}
}

// TestStoredDefaults: what is read again is what was stored, in all that merging and showing see of it.
func TestStoredDefaults(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	node := func(defs *param.Defs) *doc.Node { return decodeNode(t, string(defs.AppendJSON(nil))) }
	same := func(what string, got, want *param.Defs) {
		t.Helper()
		if string(got.AppendStored(nil)) != string(want.AppendStored(nil)) || got.Sum() != want.Sum() {
			t.Errorf("%s\ngot  %s\nwant %s", what, got.AppendStored(nil), want.AppendStored(nil))
		}
	}
	for range 300 {
		d, err := param.LoadDefaults(param.DefaultOverrides{
			Workflow: node(randomDefs(r, 2)), Step: node(randomDefs(r, 2)),
			ByType: map[string]*doc.Node{"noop": node(randomDefs(r, 1)), "own": node(randomDefs(r, 1))},
		})
		if err != nil {
			continue // a type that cannot be merged
		}
		again, err := param.DecodeDefaults(d.AppendStored(nil))
		if err != nil {
			t.Fatal(err)
		}
		if string(again.AppendStored(nil)) != string(d.AppendStored(nil)) {
			t.Fatalf("got  %s\nwant %s", again.AppendStored(nil), d.AppendStored(nil))
		}
		for _, pair := range [][2]*param.Defs{{again.Workflow, d.Workflow}, {again.Step, d.Step}, {again.OfStep("NoOp"), d.OfStep("NoOp")}, {again.OfStep("Own"), d.OfStep("Own")}, {again.OfStep("None"), d.OfStep("None")}} {
			written := randomDefs(r, 1)
			var out [2]*param.Defs
			var errs [2]error
			for i, base := range pair {
				if out[i], errs[i] = param.Merge(base, written, param.Context{Source: param.SourceDefinition}); errs[i] == nil {
					out[i], errs[i] = param.Cleanup(out[i])
				}
			}
			if fmt.Sprint(errs[0]) != fmt.Sprint(errs[1]) {
				t.Errorf("got %v, want %v", errs[0], errs[1])
			} else if errs[0] == nil {
				same("merged", out[0], out[1])
			}
		}
	}
	d, err := param.LoadDefaults(param.DefaultOverrides{})
	if err != nil {
		t.Fatal(err)
	}
	stored := d.AppendStored(nil)
	for n := range stored {
		if got, err := param.DecodeDefaults(stored[:n]); err == nil && string(got.AppendStored(nil)) == string(stored) {
			t.Fatalf("%d of %d bytes are as good as all", n, len(stored))
		}
	}
	if _, err := param.DecodeDefaults(append([]byte{stored[0] + 1}, stored[1:]...)); err == nil {
		t.Error("another version is read as if it were known")
	}
}

// TestSum tells apart what stored results must not be taken for.
func TestSum(t *testing.T) {
	t.Parallel()
	decode := func(text string) *param.Defs {
		d := new(param.Defs)
		if err := d.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	const base = `{"a":{"type":"LONG","value":1},"b":{"type":"STRING","expression":"1"},"c":{"type":"STRING","value":"x${a}"}}`
	sum := decode(base).Sum()
	for _, other := range []string{
		`{}`,
		`{"b":{"type":"STRING","expression":"1"},"a":{"type":"LONG","value":1},"c":{"type":"STRING","value":"x${a}"}}`,
		`{"a":{"type":"LONG","value":1},"b":{"type":"STRING","expression":"1"}}`,
		`{"a":{"type":"LONG","value":2},"b":{"type":"STRING","expression":"1"},"c":{"type":"STRING","value":"x${a}"}}`,
		`{"a":{"type":"LONG","value":1},"b":{"type":"LONG","expression":"1"},"c":{"type":"STRING","value":"x${a}"}}`,
		`{"a":{"type":"LONG","value":1},"d":{"type":"STRING","expression":"1"},"c":{"type":"STRING","value":"x${a}"}}`,
		`{"a":{"type":"LONG","value":1},"b":{"type":"STRING","expression":"1"},"c":{"type":"STRING","value":"x"}}`,
	} {
		if decode(other).Sum() == sum {
			t.Errorf("%s has the sum of %s", other, base)
		}
	}
	same := `{"a":{"type":"LONG","value":1,"mode":"CONSTANT"},"b":{"type":"STRING","expression":"2"},"c":{"type":"STRING","value":"${a}"}}`
	if decode(same).Sum() != sum {
		t.Error("the sum is of more than what is not stored")
	}
}
