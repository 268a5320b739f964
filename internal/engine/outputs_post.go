package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"maestro/internal/instance"
	"maestro/internal/store"
)

// JobOutput is output data that a job sends about itself.
type JobOutput struct {
	Type       string // external_job_type: a step type
	Job        string // external_job_id
	WorkflowID string // empty: not said
	Data       []byte // {"params":{…},"artifacts":{…}}
}

// PostOutput gives output data to the step that has the job, durably. Where no step has it yet it is kept for a day, and
// given to the first that does before that finishes; delivered is then false. Doing it again changes nothing.
func (e *Engine) PostOutput(ctx context.Context, q JobOutput) (delivered bool, err error) {
	if strings.Contains(q.Type, "/") { // which ends the kind in a key
		return false, fmt.Errorf("%w: external_job_type %q is not the type of a step", ErrBadRequest, q.Type)
	}
	j := job{jobKind(q.Type), q.Job}
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
		if err := e.outputs.post(ctx, w, q); err != nil {
			return false, err
		}
		e.outputs.drop(j)
		return true, nil
	}
	return false, nil
}

func (o *outputs) post(ctx context.Context, w *worker, q JobOutput) error {
	if q.WorkflowID != "" && q.WorkflowID != w.workflow {
		return fmt.Errorf("%w: job [%s] of type [%s] belongs to workflow [%s], not [%s]", ErrBadRequest, q.Job, q.Type, w.workflow, q.WorkflowID)
	}
	_, err := o.e.ask(ctx, w.run, instance.Posted{At: o.e.clock.of(w.run), Step: w.step, Attempt: w.attempt, Output: q.Data})
	switch {
	case errors.Is(err, instance.ErrStale):
		return fmt.Errorf("%w: the step that had job [%s] of type [%s] has ended; its output data was not taken", ErrConflict, q.Job, q.Type)
	case errors.Is(err, instance.ErrTooLarge):
		return fmt.Errorf("%w: the output data of job [%s] is too large: %w", ErrBadRequest, q.Job, err)
	}
	return err
}

// keep stores the data of a job that nobody has yet, together with what it sent before.
func (o *outputs) keep(ctx context.Context, j job, q JobOutput) error {
	if err := o.room(ctx, j); err != nil {
		return err
	}
	k := keptOutput{At: o.e.clock.now(), Workflow: q.WorkflowID, Output: q.Data}
	old, err := o.e.store.Record(ctx, outputKind, j.key())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read output data of job [%s]: %w", q.Job, err)
	}
	var before keptOutput
	if err == nil && json.Unmarshal(old, &before) == nil {
		if k.Output, err = instance.MergeOutput(before.Output, q.Data); err != nil {
			return fmt.Errorf("%w: the output data of job [%s] is too large: %w", ErrBadRequest, q.Job, err)
		}
	}
	value, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("%w: output data is not JSON: %w", ErrBadRequest, err)
	}
	if err := o.e.store.PutRecords(ctx, store.Record{Kind: outputKind, Key: j.key(), Value: value}); err != nil {
		return fmt.Errorf("keep output data of job [%s]: %w", q.Job, err)
	}
	return nil
}

// room notes that data of a job is kept, and makes room for it by dropping what is too old.
func (o *outputs) room(ctx context.Context, j job) error {
	o.mu.Lock()
	var old []store.Record
	if _, ok := o.kept[j]; !ok && len(o.kept) >= maxKept {
		before := o.e.clock.settled(keepOutput) - keepOutput.Milliseconds()
		for k, at := range o.kept {
			if at < before {
				old = append(old, store.Record{Kind: outputKind, Key: k.key()})
				delete(o.kept, k)
			}
		}
		if len(old) == 0 {
			o.mu.Unlock()
			return fmt.Errorf("%w: output data of %d jobs is kept that no step has claimed, which is the limit", ErrBusy, maxKept)
		}
	}
	o.kept[j] = o.e.clock.now()
	o.mu.Unlock()
	if err := o.e.store.PutRecords(ctx, old...); err != nil {
		return fmt.Errorf("drop old output data: %w", err)
	}
	return nil
}

// claim returns the events that give kept data to the attempt that now has the jobs. The records stay until the attempt
// has ended: whatever happens before, the data is given to it again.
func (o *outputs) claim(w *worker, claims []job) []item {
	var items []item
	for _, j := range claims {
		value, err := o.e.store.Record(o.e.ctx, outputKind, j.key())
		var k keptOutput
		switch {
		case errors.Is(err, store.ErrNotFound): // being kept in this moment, by one who will look again
			continue
		case err == nil:
			err = json.Unmarshal(value, &k)
		}
		if err != nil {
			o.e.log.Warn("output data of a job cannot be read", "job", j.key(), "error", err)
			continue
		}
		if k.Workflow != "" && k.Workflow != w.workflow || o.e.clock.settled(keepOutput)-k.At > keepOutput.Milliseconds() {
			o.e.log.Warn("output data of a job is dropped: it is too old or of another workflow", "job", j.key(), "workflow", k.Workflow)
			o.drop(j)
			continue
		}
		items = append(items, item{event: instance.Posted{At: o.e.clock.of(w.run), Step: w.step, Attempt: w.attempt, Output: k.Output}})
	}
	return items
}

// drop deletes what is kept of a job, in the background. When that fails, it is dropped one day for its age.
func (o *outputs) drop(j job) {
	o.mu.Lock()
	delete(o.kept, j)
	o.mu.Unlock()
	o.e.later(func() {
		if err := o.e.store.PutRecords(context.WithoutCancel(o.e.ctx), store.Record{Kind: outputKind, Key: j.key()}); err != nil {
			o.e.log.Warn("output data that was delivered could not be deleted", "job", j.key(), "error", err)
		}
	})
}
