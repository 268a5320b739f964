package view_test

import (
	"fmt"
	"strings"
	"testing"

	"maestro/internal/instance"
	"maestro/internal/instance/instancetest"
	"maestro/internal/view"
	"maestro/param"
	"maestro/spec"
)

// tenSteps is a finished run of ten steps with as many params as the defaults make.
func tenSteps(b *testing.B) *instance.Run {
	b.Helper()
	var steps []string
	for i := range 10 {
		next := ""
		if i < 9 {
			next = fmt.Sprintf(`,"transition":{"successors":{"s%d":"true"}}`, i+1)
		}
		steps = append(steps, fmt.Sprintf(`{"step":{"id":"s%d","type":"NoOp"%s}}`, i, next))
	}
	p := problems(b)
	w := spec.DecodeWorkflow(nodeOf(b, `{"id":"wf","steps":[`+strings.Join(steps, ",")+`]}`), spec.Rules{}, p)
	graph, err := spec.BuildDAG(w.Steps, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	h := &instance.Header{Initiator: instance.ManualInitiator("u"), Properties: []byte(`{"owner":"u"}`)}
	r := instance.New(h, instance.NewPlan(w, graph), &fakeLanguage{params: map[string]*param.Params{}})
	r.WorkflowID, r.Instance, r.Number, r.Created = "wf", 1, 1, 1000
	r.UUID = "6d2c1a3e-8f4b-4c1d-9e2f-0a1b2c3d4e5f"
	defs := &param.Defs{}
	for i := range 40 {
		defs.Set(fmt.Sprintf("DERIVED_%d", i), param.Expression(param.String, "DateTime utcNow = new DateTime(RUN_TS); utcNow.toString(\"yyyyMMdd\");"))
	}
	r.Params = param.NewParams(defs)
	for i := range 40 {
		ref := r.Params.Ref(i)
		ref.Result, ref.Time, ref.Evaluated = param.StringValue("20240101"), 1000, true
	}
	if _, err := instancetest.Apply(r, instance.Start{At: 1001}); err != nil {
		b.Fatal(err)
	}
	return r
}

func BenchmarkAppendInstance(b *testing.B) {
	r := tenSteps(b)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = view.AppendInstance(buf[:0], view.Instance{Run: r, Enriched: true, Aggregate: view.AllRuns})
	}
	b.SetBytes(int64(len(buf)))
}

// BenchmarkPage is a page of a hundred instances.
func BenchmarkPage(b *testing.B) {
	r := tenSteps(b)
	var buf []byte
	for b.Loop() {
		buf = buf[:0]
		for range 100 {
			buf = view.AppendInstance(buf, view.Instance{Run: r, Aggregate: view.AllRuns})
		}
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkAppendStep(b *testing.B) {
	r := tenSteps(b)
	var buf []byte
	for b.Loop() {
		buf = view.AppendStep(buf[:0], view.Step{Run: r, Enriched: true})
	}
	b.SetBytes(int64(len(buf)))
}
