//go:build !linux && !darwin

package shell

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"maestro/internal/step"
)

// Runtime runs no steps on this system, and says so.
type Runtime struct{}

var _ step.Runtime = (*Runtime)(nil)

// New returns a runtime that refuses every attempt.
func New(cfg Config) (*Runtime, error) {
	if _, err := cfg.orDefaults(); err != nil {
		return nil, err
	}
	return &Runtime{}, nil
}

// Close has nothing to do.
func (rt *Runtime) Close() {}

// Start reports that the attempt cannot be run here.
func (rt *Runtime) Start(_ context.Context, _ *step.Attempt, r step.Reporter) {
	r.Report(step.Report{State: step.FatalError, Timeline: []step.Line{{Level: step.Err, Message: "Step failed: " + unsupported(), Errors: []string{unsupported()}, Code: step.FatalError.String()}}})
}

// Stop reports that nothing runs.
func (rt *Runtime) Stop(_ context.Context, _ *step.Attempt, r step.Reporter) {
	r.Report(step.Report{State: step.Stopped})
}

// Supervise says that there is nothing to supervise.
func Supervise([]string) int {
	fmt.Fprintln(os.Stderr, unsupported())
	return 1
}

func unsupported() string { return "shell steps are not supported on " + runtime.GOOS }
