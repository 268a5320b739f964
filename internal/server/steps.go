package server

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"

	"maestro/api"
	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/internal/view"
	"maestro/spec"
)

// showStep answers with the most recent attempt of a step over all runs of an instance (spec/api 5.7).
func (a *Runs) showStep(w http.ResponseWriter, r *http.Request) error {
	p, err := pathRun(r)
	if err != nil {
		return err
	}
	enriched, err := queryBool(r.URL.Query(), "enriched", true)
	if err != nil {
		return err
	}
	id := r.PathValue("s")
	none := api.Errorf(api.NotFound, "step instance view for [%s][%d][%s] not found (either not created or deleted)", p.workflow, p.instance, id)
	var found *view.Step
	err = a.newestFirst(r.Context(), p, func(run *instance.Run) bool {
		if run.Plan.Workflow.Step(spec.StepID(id)) == nil {
			return false
		}
		if i, ok := run.Plan.Ordinal(id); ok && run.Steps[i].Number > 0 {
			found = &view.Step{Run: run, Ordinal: i, Enriched: enriched}
		}
		return found == nil
	})
	if err != nil {
		return err
	}
	if found == nil {
		return none
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte { return view.AppendStep(dst, *found) })
}

// showAttempt answers with exactly one attempt.
func (a *Runs) showAttempt(w http.ResponseWriter, r *http.Request) error {
	v, err := a.attempt(r)
	if err != nil {
		return err
	}
	if v.Enriched, err = queryBool(r.URL.Query(), "enriched", true); err != nil {
		return err
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte { return view.AppendStep(dst, v) })
}

// attempt loads the attempt that a path names. Its run must be given as a number.
func (a *Runs) attempt(r *http.Request) (view.Step, error) {
	p, err := pathRun(r)
	if err != nil {
		return view.Step{}, err
	}
	if isLatest(p.token) {
		return view.Step{}, api.Errorf(api.BadRequest, "the run id must be a number, not %q", p.token)
	}
	id, token := r.PathValue("s"), r.PathValue("a")
	v := view.Step{}
	if !isLatest(token) {
		if v.Attempt, err = pathInt(r, "a", "the attempt id"); err != nil {
			return v, err
		}
	}
	none := api.Errorf(api.NotFound, "workflow instance [%s][%d][%d]'s step instance [%s][%s] not found (either not created or deleted)",
		p.workflow, p.instance, p.run, id, token)
	if v.Run, err = a.load(r.Context(), p.workflow, p.instance, p.run); isNotFound(err) {
		return v, none
	} else if err != nil {
		return v, err
	}
	i, ok := v.Run.Plan.Ordinal(id)
	v.Ordinal = i
	if !ok || v.Attempt < 0 || v.Attempt == 0 && !isLatest(token) || v.Find() == nil {
		return v, none
	}
	return v, nil
}

// listRunSteps answers with the latest attempt of each step of one run.
func (a *Runs) listRunSteps(w http.ResponseWriter, r *http.Request) error {
	p, err := pathRun(r)
	if err != nil {
		return err
	}
	run, err := a.load(r.Context(), p.workflow, p.instance, p.run)
	if err != nil && !isNotFound(err) {
		return err
	}
	var steps []view.Step
	if err == nil {
		steps = created(nil, run, nil)
	}
	if len(steps) == 0 {
		return api.Errorf(api.NotFound, "Step instances of workflow instance [%s][%d][%d] not found (either empty, not created, or deleted)",
			p.workflow, p.instance, p.run)
	}
	return respondSteps(w, steps)
}

// listSteps answers with the latest attempt of each step over all runs of an instance, also of steps that a later run
// did not run again.
func (a *Runs) listSteps(w http.ResponseWriter, r *http.Request) error {
	p, err := pathRun(r)
	if err != nil {
		return err
	}
	var steps []view.Step
	seen := make(map[string]bool)
	err = a.newestFirst(r.Context(), p, func(run *instance.Run) bool {
		steps = created(steps, run, seen)
		return len(seen) < len(run.Plan.Workflow.Steps)
	})
	if err != nil {
		return err
	}
	return respondSteps(w, steps)
}

// created appends the created steps of a run whose ids were not seen yet.
func created(steps []view.Step, run *instance.Run, seen map[string]bool) []view.Step {
	for i := range run.Steps {
		id := run.Plan.Nodes[i].ID
		if run.Steps[i].Number == 0 || seen[id] {
			continue
		}
		if seen != nil {
			seen[id] = true
		}
		steps = append(steps, view.Step{Run: run, Ordinal: i})
	}
	return steps
}

// respondSteps answers with steps in order of creation.
func respondSteps(w http.ResponseWriter, steps []view.Step) error {
	slices.SortStableFunc(steps, func(a, b view.Step) int {
		x, y := &a.Run.Steps[a.Ordinal], &b.Run.Steps[b.Ordinal]
		return cmp.Or(cmp.Compare(x.Sequence, y.Sequence),
			cmp.Compare(a.Run.Plan.Nodes[a.Ordinal].ID, b.Run.Plan.Nodes[b.Ordinal].ID))
	})
	out := []byte{'['}
	for i := range steps {
		if i > 0 {
			out = append(out, ',')
		}
		if out = view.AppendStep(out, steps[i]); len(out) > stepsBytes {
			return api.Errorf(api.UnprocessableEntity, "the steps of this run have more than %d bytes together: ask for one at a time, with its id after /steps/", stepsBytes)
		}
	}
	return reply(w, http.StatusOK, append(out, ']'))
}

// stepsBytes is how large the list of all steps of a run may be. It has no pages.
const stepsBytes = 64 << 20

// newestFirst visits the runs of an instance from the newest on until visit returns false. An instance that does not
// exist has none.
func (a *Runs) newestFirst(ctx context.Context, p runPath, visit func(*instance.Run) bool) error {
	run, err := a.load(ctx, p.workflow, p.instance, 0)
	if isNotFound(err) {
		return nil
	}
	for err == nil && visit(run) && run.Number > 1 {
		var rows []store.Run
		rows, err = a.cfg.Reader.List(ctx, p.workflow, store.RunQuery{Instance: p.instance, From: 1, To: run.Number - 1, Desc: true, Limit: 1})
		if err != nil || len(rows) == 0 {
			break
		}
		run, err = a.loadID(ctx, rows[0].ID)
	}
	return err
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
