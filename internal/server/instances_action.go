package server

import (
	"fmt"
	"net/http"

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
	n, err := a.cfg.Runs.Unblock(r.Context(), id, line)
	if err != nil && !isNotFound(err) {
		return err
	}
	line.Message = fmt.Sprintf("Unblocked [%d] failed workflow instances.", n)
	return respond(w, http.StatusOK, func(dst []byte) []byte { return view.AppendLine(dst, &line) })
}

// onRun stops or kills the latest run of an instance (spec/api 5.5).
func (a *Runs) onRun(act instance.Action) HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		user, p, err := callerAndRun(r)
		if err != nil {
			return err
		}
		acted, err := a.cfg.Runs.ActOnRun(r.Context(), engine.RunAction{
			WorkflowID: p.workflow, Instance: p.instance, Run: p.run, Action: act, User: user,
		})
		if err != nil {
			return err
		}
		return respond(w, http.StatusOK, func(dst []byte) []byte { return appendRunActed(dst, &acted) })
	}
}

// unblockRun unblocks a failed instance.
func (a *Runs) unblockRun(w http.ResponseWriter, r *http.Request) error {
	user, p, err := callerAndRun(r)
	if err != nil {
		return err
	}
	line := instance.Line{
		At: a.cfg.Now(), Type: "ACTION", Action: "UNBLOCK", Author: user, Message: "Unblocked the workflow instance.",
		Reason: "[API] call to UNBLOCK a failed workflow instance run.",
	}
	run, blocked, err := a.cfg.Runs.UnblockRun(r.Context(), p.workflow, p.instance, p.run, line)
	if err != nil {
		return err
	}
	acted := engine.RunActed{
		WorkflowID: p.workflow, Instance: p.instance, Run: run, Status: instance.RunFailed, Completed: true, Info: "The action is done.", Line: line,
	}
	if !blocked {
		acted.Info = "The action is done without any operation."
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte { return appendRunActed(dst, &acted) })
}

// callerAndRun reads who asks, and for which run: run 0 is the latest.
func callerAndRun(r *http.Request) (user string, p runPath, err error) {
	if user, err = caller(r); err != nil {
		return "", p, err
	}
	p, err = pathRun(r)
	if err == nil && p.instance < 1 {
		err = noRun(p.workflow, p.instance, p.run)
	}
	return user, p, err
}
