package server

import (
	"net/http"

	"maestro/internal/engine"
	"maestro/internal/instance"
)

// plainStepActions are the actions on a step that need nothing but to be asked for (spec/api 5.8).
var plainStepActions = [...]struct {
	path   string
	action instance.Action
}{
	{"stop", instance.Stop},
	{"kill", instance.Kill},
	{"skip", instance.Skip},
	{"bypass", instance.Bypass},
}

// onStep does an action to a step of the latest run. Unless the query says blocking=false, it answers when that is done.
func (a *Runs) onStep(act instance.Action) HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		user, err := caller(r)
		if err != nil {
			return err
		}
		p, err := pathRun(r)
		if err != nil {
			return err
		}
		blocking, err := queryBool(r.URL.Query(), "blocking", true)
		if err != nil {
			return err
		}
		if p.instance < 1 {
			return noRun(p.workflow, p.instance, 0)
		}
		acted, err := a.cfg.Steps.ActOnStep(r.Context(), engine.StepAction{
			WorkflowID: p.workflow, Instance: p.instance, Step: r.PathValue("s"), Action: act, User: user, Blocking: blocking,
		})
		if err != nil {
			return err
		}
		// A bypass, and a skip that became a restart, have not ended anything.
		ended := acted.Action != instance.Bypass && acted.Action != instance.Restart && blocking
		return respond(w, http.StatusOK, func(dst []byte) []byte { return appendStepActed(dst, &acted, ended) })
	}
}

// restartStep restarts a step: in a live run as a new attempt, else as a new run.
func (a *Runs) restartStep(w http.ResponseWriter, r *http.Request) error {
	user, err := caller(r)
	if err != nil {
		return err
	}
	p, err := pathRun(r)
	if err != nil {
		return err
	}
	if _, err := queryBool(r.URL.Query(), "blocking", true); err != nil { // a restart is done when it is durable
		return err
	}
	b, err := parseBody(w, r)
	if err != nil {
		return err
	}
	q := engine.RestartRequest{WorkflowID: p.workflow, Instance: p.instance, Step: r.PathValue("s"), User: user}
	q.Policy = b.oneOf("restart_policy", true, restartPolicies...)
	q.StepParams = b.params("step_run_params")
	q.Inline = b.oneOf("upstream_restart_mode", false, instance.RestartFromInlineRoot, instance.RestartFromStep) == instance.RestartFromInlineRoot
	q.RequestID = b.requestID()
	q.Requested = b.integer("request_time")
	if err := b.err(); err != nil {
		return err
	}
	if p.instance < 1 {
		return noRun(p.workflow, p.instance, 0)
	}
	acted, err := a.cfg.Steps.RestartStep(r.Context(), q)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte { return appendStepRestarted(dst, &acted) })
}
