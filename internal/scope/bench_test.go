package scope_test

import (
	"testing"

	"maestro/internal/scope"
	"maestro/param"
)

func benchDefaults(b *testing.B) *param.Defaults {
	d, err := param.LoadDefaults(param.DefaultOverrides{})
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// A start of a workflow with a few params: merge, clean and evaluate everything, store the results.
func BenchmarkStart(b *testing.B) {
	defaults := benchDefaults(b)
	definition := defsOf(b, `{"x":{"value":"text","type":"STRING"},"y":{"value":[1,2],"type":"LONG_ARRAY"},"z":{"value":"$x on $TARGET_RUN_DATE","type":"STRING"}}`)
	x := scope.New(scope.Config{})
	base, err := scope.WorkflowBase(defaults, definition, false)
	if err != nil {
		b.Fatal(err)
	}
	run := &scope.Run{WorkflowID: "w", Initiator: "MANUAL", Owner: "o", Policy: "START_FRESH_NEW_RUN"}
	runParams := defsOf(b, `{"x":{"value":"other","type":"STRING"}}`)
	var data []byte
	b.ReportAllocs()
	for b.Loop() {
		defs, err := scope.MergeWorkflow(base, &scope.Start{RunParams: runParams})
		if err != nil {
			b.Fatal(err)
		}
		p, err := x.EvaluateWorkflow(nil, defs, run, nil, now)
		if err != nil {
			b.Fatal(err)
		}
		data = p.AppendResults(data[:0], scope.WorkflowDerive(run))
	}
	b.ReportMetric(float64(len(data)), "bytes")
}

// The params of a NOOP step.
func BenchmarkStep(b *testing.B) {
	defaults := benchDefaults(b)
	x := scope.New(scope.Config{})
	base, err := scope.StepBase(defaults.OfStep("NOOP"), nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	c := &scope.StepScope{Run: &scope.Run{WorkflowID: "w", InstanceID: 1}, Step: &scope.Step{ID: "a", UUID: "2b1c0c0e-9ad5-4b1b-8a34-5a4fb1f6ad4c", AttemptID: 1}, Now: now}
	next := []scope.Condition{{Successor: "b", Expr: "true"}}
	var data []byte
	b.ReportAllocs()
	for b.Loop() {
		defs, err := scope.MergeStep(base, nil, &scope.StepStart{})
		if err != nil {
			b.Fatal(err)
		}
		p, err := x.EvaluateStep(defs, c)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := x.Transitions(next, p, c); err != nil {
			b.Fatal(err)
		}
		data = p.AppendResults(data[:0], scope.StepDerive(c.Run, c.Step))
	}
	b.ReportMetric(float64(len(data)), "bytes")
}

// The params of one foreach iteration: pass down, merge, evaluate.
func BenchmarkIteration(b *testing.B) {
	defaults := benchDefaults(b)
	x := scope.New(scope.Config{})
	base, err := scope.WorkflowBase(defaults, nil, true)
	if err != nil {
		b.Fatal(err)
	}
	run := &scope.Run{WorkflowID: "w", Initiator: "FOREACH"}
	cleaned, err := scope.MergeWorkflow(base, &scope.Start{})
	if err != nil {
		b.Fatal(err)
	}
	workflow, err := x.EvaluateWorkflow(nil, cleaned, run, nil, now)
	if err != nil {
		b.Fatal(err)
	}
	definition := defsOf(b, `{"loop_params":{"value":{"i":{"value":[1,2,3],"type":"LONG_ARRAY"}},"type":"MAP"}}`)
	step, err := x.EvaluateStep(definition, &scope.StepScope{Run: run, Step: &scope.Step{ID: "s"}, Now: now})
	if err != nil {
		b.Fatal(err)
	}
	loop, err := scope.NewForeach(workflow, step, definition, "[w][1][1]", "[s][1][u]", 25000)
	if err != nil {
		b.Fatal(err)
	}
	iterations, err := loop.Iterations(base)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		defs, err := iterations.Merge(i % 3)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := x.EvaluateWorkflow(nil, defs, run, nil, now); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
