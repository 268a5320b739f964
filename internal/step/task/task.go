// Package task runs steps of type Task: an effect that does nothing. Such a step costs what any step with outside
// effects costs the engine, its own durable commit before its runtime is called, and nothing else, so it is what
// benchmarks and drills measure with.
package task

import (
	"context"

	"maestro/internal/step"
	"maestro/spec"
)

// Type is the step type.
const Type spec.StepType = "Task"

// About describes the type to the definition format.
func About() spec.Type {
	return spec.Type{Name: Type, About: "Does nothing, by way of a runtime: for benchmarks and drills.", Runnable: true}
}

// Runtime reports each attempt done as soon as it is told to begin it.
type Runtime struct{}

// Start implements step.Runtime.
func (Runtime) Start(_ context.Context, _ *step.Attempt, r step.Reporter) {
	r.Report(step.Report{State: step.Done})
}

// Stop implements step.Runtime.
func (Runtime) Stop(_ context.Context, _ *step.Attempt, r step.Reporter) {
	r.Report(step.Report{State: step.Stopped})
}
