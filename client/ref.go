package client

import (
	"fmt"
	"strconv"
	"strings"
)

// RunRef names one run of a workflow instance. Run 0 is the newest run of the instance; actions and most reads mean it.
type RunRef struct {
	Workflow string
	Instance int64
	Run      int64
}

// StepRef names a step of a run. Attempt 0 is its newest attempt.
type StepRef struct {
	RunRef
	Step    string
	Attempt int64
}

// String returns the name people use: workflow/instance, with a run number only where one was given.
func (r RunRef) String() string {
	if r.Run == 0 {
		return r.Workflow + "/" + itoa(r.Instance)
	}
	return fmt.Sprintf("%s/%d (run %d)", r.Workflow, r.Instance, r.Run)
}

// String returns the name people use: workflow/instance/step.
func (s StepRef) String() string {
	name := s.Workflow + "/" + itoa(s.Instance) + "/" + s.Step
	switch {
	case s.Run != 0 && s.Attempt != 0:
		return fmt.Sprintf("%s (run %d, attempt %d)", name, s.Run, s.Attempt)
	case s.Run != 0:
		return fmt.Sprintf("%s (run %d)", name, s.Run)
	case s.Attempt != 0:
		return fmt.Sprintf("%s (attempt %d)", name, s.Attempt)
	}
	return name
}

// ParseRef reads "workflow", "workflow/instance" or "workflow/instance/step". What is not there is zero.
func ParseRef(s string) (StepRef, error) {
	var ref StepRef
	parts := strings.SplitN(s, "/", 3)
	ref.Workflow = parts[0]
	if ref.Workflow == "" {
		return StepRef{}, fmt.Errorf("%q names no workflow; write WORKFLOW, WORKFLOW/INSTANCE or WORKFLOW/INSTANCE/STEP", s)
	}
	if len(parts) > 1 {
		n, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil || n < 1 {
			return StepRef{}, fmt.Errorf("%q in %q is no instance number; write WORKFLOW/INSTANCE, such as %s/1",
				parts[1], s, ref.Workflow)
		}
		ref.Instance = n
	}
	if len(parts) > 2 {
		ref.Step = parts[2]
		if ref.Step == "" || strings.Contains(ref.Step, "/") {
			return StepRef{}, fmt.Errorf("%q names no step; write WORKFLOW/INSTANCE/STEP", s)
		}
	}
	return ref, nil
}

// instance returns the path of the instance, whatever the run.
func (r RunRef) instance(rest ...string) string {
	return path(append([]string{"workflows", r.Workflow, "instances", itoa(r.Instance)}, rest...)...)
}

// run returns the path of the run where one is named, else of the instance.
func (r RunRef) run(rest ...string) string {
	if r.Run == 0 {
		return r.instance(rest...)
	}
	return r.instance(append([]string{"runs", itoa(r.Run)}, rest...)...)
}
