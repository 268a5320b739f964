package param_test

import (
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
