package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/internal/engine"
)

// Debugger sets breakpoints and lets go of what they hold.
type Debugger interface {
	SetBreakpoint(ctx context.Context, workflowID, stepID, user string) (engine.Breakpoint, error)
	Breakpoints(ctx context.Context, workflowID, stepID string) ([]engine.Breakpoint, error)
	RemoveBreakpoint(ctx context.Context, workflowID, stepID, user string, resume bool) (resumed int, err error)
	PausedAttempts(ctx context.Context, workflowID, stepID string) ([]engine.PausedAttempt, error)
	ResumeAttempt(ctx context.Context, workflowID string, inst, run int64, stepID string, attempt int64, user string) (engine.StepActed, error)
}

// Breakpoints are the endpoints about breakpoints (spec/api 6).
type Breakpoints struct{ Debugger Debugger }

// Register adds the routes.
func (b Breakpoints) Register(handle func(pattern string, h HandlerFunc)) {
	const base = "/api/v3/workflows/steps/breakpoints"
	handle("POST "+base, b.set)
	handle("GET "+base, b.list)
	handle("DELETE "+base, b.remove)
	handle("GET "+base+"/paused-step-attempts", b.paused)
	handle("PUT "+base+"/{id}/instances/{n}/runs/{r}/steps/{s}/attempts/{a}/actions/resume", b.resume)
}

func (b Breakpoints) set(w http.ResponseWriter, r *http.Request) error {
	user, err := caller(r)
	if err != nil {
		return err
	}
	in, err := parseBody(w, r)
	if err != nil {
		return err
	}
	text := func(name string) string {
		n := in.field(name)
		if n == nil {
			in.invalid.Errorf(nil, "", "%s may not be null", name)
			return ""
		}
		return n.Text
	}
	workflow, step := text("workflow_id"), text("step_id")
	for _, name := range []string{"workflow_version", "workflow_instance_id", "workflow_run", "step_attempt_id"} {
		if in.field(name) != nil {
			in.invalid.Errorf(nil, "", "%s is not supported: a breakpoint holds every attempt of its step", name)
		}
	}
	if err := in.err(); err != nil {
		return err
	}
	bp, err := b.Debugger.SetBreakpoint(r.Context(), workflow, step, user)
	if err != nil {
		return err
	}
	return replyJSON(w, bp)
}

// replyJSON answers with a small value.
func replyJSON(w http.ResponseWriter, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, data)
}

// at reads which step the query names.
func (b Breakpoints) at(r *http.Request) (workflow, step string, err error) {
	if workflow, err = queryText(r.URL.Query(), "workflowId"); err != nil {
		return "", "", err
	}
	step, err = queryText(r.URL.Query(), "stepId")
	return workflow, step, err
}

func (b Breakpoints) list(w http.ResponseWriter, r *http.Request) error {
	workflow, step, err := b.at(r)
	if err != nil {
		return err
	}
	list, err := b.Debugger.Breakpoints(r.Context(), workflow, step)
	if err != nil {
		return err
	}
	return replyJSON(w, append([]engine.Breakpoint{}, list...))
}

func (b Breakpoints) remove(w http.ResponseWriter, r *http.Request) error {
	user, err := caller(r)
	if err != nil {
		return err
	}
	workflow, step, err := b.at(r)
	if err != nil {
		return err
	}
	resume, err := queryBool(r.URL.Query(), "resume", true)
	if err != nil {
		return err
	}
	n, err := b.Debugger.RemoveBreakpoint(r.Context(), workflow, step, user, resume)
	if err != nil {
		return err
	}
	message := fmt.Sprintf("StepBreakpoint has been removed by the user [%s]. Total of [%d] steps have been resumed", user, n)
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		o := doc.Open(dst)
		o.Text("workflow_id", workflow)
		o.Text("step_id", step)
		o.Key("timeline_event")
		o.Out = appendLog(o.Out, time.Now().UnixMilli(), message)
		return o.Close()
	})
}

func (b Breakpoints) paused(w http.ResponseWriter, r *http.Request) error {
	workflow, step, err := b.at(r)
	if err != nil {
		return err
	}
	list, err := b.Debugger.PausedAttempts(r.Context(), workflow, step)
	if err != nil {
		return err
	}
	return replyJSON(w, append([]engine.PausedAttempt{}, list...))
}

func (b Breakpoints) resume(w http.ResponseWriter, r *http.Request) error {
	user, err := caller(r)
	if err != nil {
		return err
	}
	instance, err := pathInt(r, "n", "the workflow instance id")
	if err != nil {
		return err
	}
	run := int64(0)
	if text := r.PathValue("r"); text != "latest" {
		if run, err = strconv.ParseInt(text, 10, 64); err != nil {
			return api.Errorf(api.BadRequest, "the run must be a number or latest, not %q", text)
		}
	}
	attempt, err := pathInt(r, "a", "the step attempt id")
	if err != nil {
		return err
	}
	acted, err := b.Debugger.ResumeAttempt(r.Context(), r.PathValue("id"), instance, run, r.PathValue("s"), attempt, user)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte { return appendStepActed(dst, &acted, false) })
}
