package engine

import (
	"context"
	"errors"
	"strings"

	"maestro/api"
	"maestro/internal/instance"
)

// JobOutput is output data that a job sends about itself.
type JobOutput struct {
	Token      string // of the attempt, which it proves; empty: none was sent
	Sender     string // who sends it, where no token says that
	Type       string // external_job_type: a step type; may be empty with a token
	Job        string // external_job_id; likewise
	WorkflowID string // empty: not said
	Data       []byte // {"params":{…},"artifacts":{…}}
}

// PostOutput gives output data to the step that has the job, durably. Where no step has it yet it is kept for a day, and
// given to the first that does before that finishes; delivered is then false. Doing it again changes nothing. What cannot
// be merged into the step is refused.
func (e *Engine) PostOutput(ctx context.Context, q JobOutput) (delivered bool, err error) {
	if strings.Contains(q.Type, "/") { // which ends the kind in a key
		return false, api.Errorf(api.BadRequest, "external_job_type %q is not the type of a step", q.Type)
	}
	j, err := e.outputs.identify(&q)
	if err != nil {
		return false, err
	}
	if w := e.outputs.worker(j); w != nil {
		return true, e.outputs.post(ctx, w, q)
	}
	if err := e.busy(); err != nil {
		return false, err
	}
	if err := e.outputs.keep(ctx, j, q); err != nil {
		return false, err
	}
	if w := e.outputs.worker(j); w != nil { // since we looked, when there was nothing to claim yet
		err := e.outputs.post(ctx, w, q)
		if err == nil || errors.Is(err, api.BadRequest) {
			e.outputs.drop(j)
		}
		return err == nil, err
	}
	return false, nil
}

func (o *outputs) post(ctx context.Context, w *worker, q JobOutput) error {
	if q.WorkflowID != "" && q.WorkflowID != w.workflow {
		return api.Errorf(api.BadRequest, "job [%s] of type [%s] belongs to workflow [%s], not [%s]", q.Job, q.Type, w.workflow, q.WorkflowID)
	}
	w.order.Lock()   // what is on its way is there first
	w.order.Unlock() //nolint:staticcheck // nothing is to be done meanwhile
	_, err := o.e.ask(ctx, w.run, instance.Posted{At: o.e.clock.of(w.run), Step: w.step, Attempt: w.attempt, Output: q.Data})
	switch {
	case errors.Is(err, instance.ErrStale):
		return api.Errorf(api.Conflict, "the step that had job [%s] of type [%s] has ended; its output data was not taken", q.Job, q.Type)
	case errors.Is(err, instance.ErrTooLarge):
		return api.Errorf(api.BadRequest, "the output data of job [%s] is too large: %w", q.Job, err)
	case errors.Is(err, instance.ErrUnfit):
		return api.Errorf(api.BadRequest, "the output data of job [%s] was not taken: %w", q.Job, err)
	}
	return err
}
