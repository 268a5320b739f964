package scope

import (
	"errors"
	"strconv"

	"maestro/param"
	"maestro/sel"
)

// call runs params.fn(args…) (params 10.5). All arguments are strings; the language has checked that.
func (s *session) call(fn string, args []sel.Value) (sel.Value, error) {
	if !s.functions {
		return sel.Value{}, &sel.Error{Kind: sel.FailUnsupported, Message: "params." + fn + " is not available here"}
	}
	var a [3]string
	for i := range min(len(args), len(a)) {
		a[i] = args[i].Str()
	}
	switch {
	case fn == "nextUniqueId" && len(args) == 0:
		if s.world == nil {
			return sel.Value{}, failed("nextUniqueId", nil)
		}
		n, err := s.world.NextUniqueID()
		return sel.Long(n), err
	case fn == "getExecutionEnvironment" && len(args) == 0:
		return sel.String(s.x.environment), nil
	case fn == "getFromInstance" && len(args) == 1:
		return s.fromInstance(a[0])
	case fn == "getFromStep" && len(args) == 1:
		return s.fromStep(a[0])
	case fn == "getFromStep" && len(args) == 2:
		return s.fromOtherStep(a[0], a[1])
	case fn == "getFromSignal" && len(args) == 1:
		v, err := s.signal("", a[0])
		return s.answer(v, err, "getFromSignal", "paramName", a[0])
	case fn == "getFromSignal" && len(args) == 2:
		v, err := s.signal(a[0], a[1])
		return s.answer(v, err, "getFromSignal", "signalName", a[0], "paramName", a[1])
	case fn == "getFromSignalOrDefault" && len(args) == 3:
		v, err := s.signal(a[0], a[1])
		if err != nil {
			return sel.String(a[2]), nil
		}
		return s.toSel(v)
	case fn == "getFromSignalDependency" && len(args) == 2:
		return s.fromDependency(a[0], a[1])
	case fn == "getFromForeach" && len(args) == 3:
		return s.fromForeach(a[0], a[1], a[2])
	case fn == "getFromSubworkflow" && len(args) == 3:
		if s.world == nil {
			return sel.Value{}, failed("getFromSubworkflow", nil)
		}
		v, err := s.world.Subworkflow(a[0], a[1], a[2])
		return s.answer(v, err, "getFromSubworkflow", "subworkflowStepId", a[0], "stepId", a[1], "paramName", a[2])
	}
	return sel.Value{}, &sel.Error{Kind: sel.FailUnsupported, Message: "params has no function " + fn + " with " + strconv.Itoa(len(args)) + " arguments"}
}

// answer converts what the world said; a failure is told as the reference tells it.
func (s *session) answer(v param.Value, err error, fn string, facts ...string) (sel.Value, error) {
	if err != nil {
		return sel.Value{}, failed(fn, err, facts...)
	}
	return s.toSel(v)
}

// failed makes the error of a function from what it was asked: names and values in turn.
func failed(fn string, err error, facts ...string) error {
	text := "INTERNAL_ERROR - " + fn + " throws an exception"
	for i := 0; i+1 < len(facts); i += 2 {
		sep := ", "
		if i == 0 {
			sep = " for "
		}
		text += sep + facts[i] + "=[" + facts[i+1] + "]"
	}
	return param.Wrap(param.Internal, err, "%s", text)
}

var errUnknownField = errors.New("unknown field")

// fromInstance answers params.getFromInstance. While workflow params are evaluated the instance has no number yet.
func (s *session) fromInstance(field string) (sel.Value, error) {
	r := s.run
	if r == nil {
		return sel.Value{}, failed("getFromInstance", nil, "fieldName", field)
	}
	inWorkflow := s.level == workflowLevel
	switch field {
	case "workflow_id":
		return sel.String(r.WorkflowID), nil
	case "workflow_instance_id":
		return numberUnless(inWorkflow, r.InstanceID), nil
	case "workflow_run_id":
		return numberUnless(inWorkflow, r.RunID), nil
	case "INITIATOR_TYPE":
		return sel.String(r.Initiator), nil
	case "INITIATOR_TIMEZONE":
		return sel.String(r.InitiatorZone), nil
	case "RUN_POLICY":
		return sel.String(r.Policy), nil
	case "INITIATOR_RUNNER_NAME":
		if r.Initiator == "MANUAL" {
			return sel.String(r.Runner), nil
		}
	case "owner":
		if inWorkflow {
			return sel.String(r.Owner), nil
		}
	case "FIRST_TIME_TRIGGER_TIMEZONE":
		if inWorkflow {
			return sel.String(r.FirstTriggerZone), nil
		}
	}
	return sel.Value{}, failed("getFromInstance", errUnknownField, "fieldName", field)
}

func numberUnless(unset bool, n int64) sel.Value {
	if unset {
		return sel.String("")
	}
	return sel.Long(n)
}

// fromStep answers params.getFromStep(field) about the current step.
func (s *session) fromStep(field string) (sel.Value, error) {
	if st := s.step; st != nil {
		switch field {
		case "step_id":
			return sel.String(st.ID), nil
		case "step_instance_id":
			return sel.Long(st.InstanceID), nil
		case "step_instance_uuid":
			return sel.String(st.UUID), nil
		case "step_attempt_id":
			return sel.Long(st.AttemptID), nil
		case "step_type_info":
			if st.SubType != "" {
				return sel.String(st.SubType), nil
			}
			return sel.String(st.Type), nil
		case "MAESTRO_STEP_ERROR_RETRIES":
			return sel.Long(st.ErrorRetries), nil
		}
	}
	return sel.Value{}, failed("getFromStep", errUnknownField, "fieldName", field)
}

// fromOtherStep answers params.getFromStep(step, param) about a finished step, never the current one.
func (s *session) fromOtherStep(id, p string) (sel.Value, error) {
	step, ok := s.finished(id)
	if !ok {
		return sel.Value{}, failed("getFromStep", errors.New("step has not finished"), "stepId", id, "paramName", p)
	}
	switch p {
	case "MAESTRO_STEP_STATUS":
		return sel.String(step.Status), nil
	case "MAESTRO_STEP_END_TIME":
		if step.End != 0 {
			return sel.Long(step.End), nil
		}
	default:
		if q := step.Params.Lookup(p); q != nil && q.Evaluated {
			return s.toSel(q.Result)
		}
	}
	return sel.Value{}, failed("getFromStep", notInStep(p, id), "stepId", id, "paramName", p)
}

func (s *session) fromDependency(index, p string) (sel.Value, error) {
	n, err := strconv.Atoi(index)
	if err != nil || n < 0 || s.world == nil {
		return sel.Value{}, failed("getFromSignalDependency", err, "dependencyIndex", index, "paramName", p)
	}
	v, err := s.world.SignalDependency(n, p)
	return s.answer(v, err, "getFromSignalDependency", "dependencyIndex", index, "paramName", p)
}

// fromForeach makes an array of what the iterations have. Iterations without a value give null, 0 or false; it fails
// only when no iteration has one, since the type is unknown then (params 10.5).
func (s *session) fromForeach(step, inner, p string) (sel.Value, error) {
	fail := func(err error) (sel.Value, error) {
		return sel.Value{}, failed("getFromForeach", err, "foreachStepId", step, "stepId", inner, "paramName", p)
	}
	if s.world == nil {
		return fail(nil)
	}
	values, err := s.world.Foreach(step, inner, p)
	if err != nil {
		return fail(err)
	}
	if !s.meter.Spend(int64(2*len(values)), int64(100*len(values))) {
		return sel.Value{}, s.meter.Err()
	}
	t := param.None
	for _, v := range values {
		if !v.IsNone() {
			t = v.Type()
			break
		}
	}
	if !t.IsScalar() {
		return fail(errors.New("no iteration has a scalar value"))
	}
	out, err := gather(values, t)
	if err != nil {
		return fail(err)
	}
	return out, nil
}
