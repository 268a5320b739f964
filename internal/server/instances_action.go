package server

import (
	"fmt"
	"net/http"

	"maestro/api"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/view"
)

const (
	stopAction = instance.Stop
	killAction = instance.Kill
)

// onWorkflow stops or kills every live run of a workflow (spec/api 5.3).
func (a *Runs) onWorkflow(act instance.Action) HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		user, err := caller(r)
		if err != nil {
			return err
		}
		target := instance.RunStopped
		if act == killAction {
			target = instance.RunFailed
		}
		id := r.PathValue("id")
		reason := fmt.Sprintf("All workflow instances of workflow id [%s] are terminated to status [%s] by the caller [%s]", id, target, user)
		queued, running, err := a.cfg.Runs.ActOnWorkflow(r.Context(), id, act, user, reason)
		if err != nil {
			return err
		}
		line := instance.Line{
			At: a.cfg.Now(), Type: "ACTION", Action: act.String(), Author: user, Reason: reason,
			Message: fmt.Sprintf("Terminated [%d] queued instances and terminating [%d] running instances", queued, running),
		}
		return respond(w, http.StatusAccepted, func(dst []byte) []byte { return view.AppendLine(dst, &line) })
	}
}

// unblockWorkflow unblocks every failed instance of a workflow.
func (a *Runs) unblockWorkflow(w http.ResponseWriter, r *http.Request) error {
	user, err := caller(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	line := instance.Line{
		At: a.cfg.Now(), Type: "ACTION", Action: "UNBLOCK", Author: user, Message: "Unblocked the workflow.",
		Reason: fmt.Sprintf("Unblock workflow [%s]", id),
	}
	n, err := a.cfg.Runs.Unblock(r.Context(), id, 0, 0, line)
	if err != nil && !isNotFound(err) {
		return err
	}
	line.Message = fmt.Sprintf("Unblocked [%d] failed workflow instances.", n)
	return respond(w, http.StatusOK, func(dst []byte) []byte { return view.AppendLine(dst, &line) })
}

// onRun stops or kills the latest run of an instance (spec/api 5.5).
func (a *Runs) onRun(act instance.Action) HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		user, run, err := a.latest(r, act.String())
		if err != nil {
			return err
		}
		acted, err := a.cfg.Runs.ActOnRun(r.Context(), engine.RunAction{
			WorkflowID: run.WorkflowID, Instance: run.Instance, Run: run.Number, Action: act, User: user,
		})
		if err != nil {
			return err
		}
		return respond(w, http.StatusOK, func(dst []byte) []byte { return appendRunActed(dst, &acted) })
	}
}

// unblockRun unblocks a failed instance.
func (a *Runs) unblockRun(w http.ResponseWriter, r *http.Request) error {
	user, run, err := a.latest(r, "UNBLOCK")
	if err != nil {
		return err
	}
	if !run.Status.Failed() {
		return api.Errorf(api.BadRequest, "Cannot unblock a workflow instance %s from status [%s] as it is not FAILED status", run.Identity(), run.Status)
	}
	line := instance.Line{
		At: a.cfg.Now(), Type: "ACTION", Action: "UNBLOCK", Author: user, Message: "Unblocked the workflow instance.",
		Reason: "[API] call to UNBLOCK a failed workflow instance run.",
	}
	n, err := a.cfg.Runs.Unblock(r.Context(), run.WorkflowID, run.Instance, run.Number, line)
	if err != nil {
		return err
	}
	acted := engine.RunActed{
		WorkflowID: run.WorkflowID, Instance: run.Instance, Run: run.Number, Status: instance.RunFailed,
		Completed: true, Info: "The action is done.", Line: line,
	}
	if n == 0 {
		acted.Info = "The action is done without any operation."
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte { return appendRunActed(dst, &acted) })
}

// latest reads who asks for what, and loads the latest run of the instance. A run that the path names must be it.
func (a *Runs) latest(r *http.Request, action string) (user string, run *instance.Run, err error) {
	if user, err = caller(r); err != nil {
		return "", nil, err
	}
	p, err := pathRun(r)
	if err != nil {
		return "", nil, err
	}
	if run, err = a.load(r.Context(), p.workflow, p.instance, 0); err != nil {
		return "", nil, err
	}
	if p.run != 0 && p.run != run.Number {
		return "", nil, api.Errorf(api.BadRequest, "Cannot %s the workflow instance run [%d] as it is not the latest run [%d]", action, p.run, run.Number)
	}
	return user, run, nil
}
