package scope

import (
	"strings"

	"maestro/param"
)

// Resolve says what a name means to the param referrer (params 10.2). It is called by the evaluation.
func (s *session) Resolve(e *param.Evaluation, referrer, name string) (param.Value, error) {
	if s.level == workflowLevel {
		return s.resolveInWorkflow(e, referrer, name)
	}
	return s.resolveInStep(e, name)
}

// resolveInWorkflow: a param of the run, else a signal reference.
func (s *session) resolveInWorkflow(e *param.Evaluation, referrer, name string) (param.Value, error) {
	v, ok, err := e.Own(name)
	if ok || err != nil {
		return v, err
	}
	if strings.Contains(name, s.x.separator) {
		return s.reference(e, name)
	}
	return param.Value{}, param.Errorf(param.Validation, "Param [%s] referenced a non-existing param [%s] in %s", referrer, name, e.Where)
}

// resolveInStep: a reference to another step, a step param that has its value, a workflow param, a step param that
// has none yet. So a step param may be defined over the workflow param of its own name.
func (s *session) resolveInStep(e *param.Evaluation, name string) (param.Value, error) {
	if strings.Contains(name, s.x.separator) {
		return s.reference(e, name)
	}
	if v, ok := e.Evaluated(name); ok {
		return v, nil
	}
	if p := s.workflow.Lookup(name); p != nil && p.Evaluated {
		return p.Result, nil
	}
	v, ok, err := e.Own(name)
	if ok || err != nil {
		return v, err
	}
	return param.Value{}, param.Errorf(param.Internal, "Cannot find the referenced param [%s] in step [%s] or upstream steps or the workflow", name, s.stepID())
}

// reference resolves step__param and signal__param (params 10.3, 10.4).
func (s *session) reference(e *param.Evaluation, name string) (param.Value, error) {
	id, p, err := s.splitReference(name)
	if err != nil {
		return param.Value{}, err
	}
	if s.ownVisible && id == s.stepID() {
		v, ok, err := e.Own(p)
		if err == nil && !ok {
			err = notInStep(p, id)
		}
		return v, err
	}
	if step, ok := s.finished(id); ok {
		if q := step.Params.Lookup(p); q != nil && q.Evaluated {
			return q.Result, nil
		}
		return param.Value{}, notInStep(p, id)
	}
	v, err := param.Value{}, error(nil)
	if id == "" {
		err = notInStep(p, id)
	} else {
		v, err = s.signal(id, p)
	}
	if err != nil {
		return param.Value{}, param.Wrap(param.InvalidExpression, err,
			"Failed to evaluate the param with a definition: [%s]. Please check if there is a typo in the expression.", name)
	}
	return v, nil
}

func notInStep(p, id string) error {
	return param.Errorf(param.Internal, "Cannot find the referenced param name [%s] in step [%s]", p, id)
}

// splitReference cuts name at the separator. Where that is possible at two places, as in a___b, the step that has
// finished decides.
func (s *session) splitReference(name string) (id, p string, err error) {
	sep := s.x.separator
	at := strings.Index(name, sep)
	id, p = name[:at], name[at+len(sep):]
	if !strings.Contains(name[at+1:], sep) {
		return id, p, nil
	}
	longer := name[:at+1]
	first, second := s.known(id), s.known(longer)
	switch {
	case first && second:
		return "", "", param.Errorf(param.IllegalArgument, "reference [%s] is ambiguous: steps [%s] and [%s] both exist", name, id, longer)
	case first:
		return id, p, nil
	case second:
		return longer, name[at+1+len(sep):], nil
	}
	return "", "", param.Errorf(param.IllegalArgument, "reference [%s] is ambiguous: neither step [%s] nor step [%s] has finished", name, id, longer)
}

// known reports whether id is a finished step, or the current one.
func (s *session) known(id string) bool {
	if s.ownVisible && id == s.stepID() {
		return true
	}
	_, ok := s.finished(id)
	return ok
}

// finished returns a finished step where finished steps are visible (params 10.6). The current step is never one.
func (s *session) finished(id string) (FinishedStep, bool) {
	if s.world == nil || !s.seesSteps || id == s.stepID() {
		return FinishedStep{}, false
	}
	return s.world.FinishedStep(id)
}

func (s *session) signal(name, p string) (param.Value, error) {
	if s.world == nil {
		return param.Value{}, param.Errorf(param.Internal, "signals are not available here")
	}
	return s.world.Signal(name, p)
}

func (s *session) stepID() string {
	if s.step == nil {
		return ""
	}
	return s.step.ID
}
