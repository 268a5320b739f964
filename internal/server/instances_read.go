package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/internal/view"
	"maestro/spec"
)

// showInstance answers with the latest run of an instance, laid over the runs before it (spec/api 5.6).
func (a *Runs) showInstance(w http.ResponseWriter, r *http.Request) error {
	enriched, err := queryBool(r.URL.Query(), "enriched", true)
	if err != nil {
		return err
	}
	return a.show(w, r, view.Instance{Enriched: enriched, Aggregate: view.AllRuns})
}

// showRun answers with one run by itself.
func (a *Runs) showRun(w http.ResponseWriter, r *http.Request) error {
	enriched, err := queryBool(r.URL.Query(), "enriched", true)
	if err != nil {
		return err
	}
	v := view.Instance{Enriched: enriched}
	if aggregated, err := queryBool(r.URL.Query(), "aggregated", false); err != nil {
		return err
	} else if aggregated {
		v.Aggregate = view.AllRuns
	}
	return a.show(w, r, v)
}

func (a *Runs) show(w http.ResponseWriter, r *http.Request, v view.Instance) error {
	p, err := pathRun(r)
	if err != nil {
		return err
	}
	if v.Run, err = a.load(r.Context(), p.workflow, p.instance, p.run); err != nil {
		return err
	}
	v.Earlier = a.earlier(r.Context(), v.Run)
	return respond(w, http.StatusOK, func(dst []byte) []byte { return view.AppendInstance(dst, v) })
}

// load loads a run. Numbers below 1 that do not mean the latest run are of no run.
func (a *Runs) load(ctx context.Context, workflow string, inst, run int64) (*instance.Run, error) {
	if run < 0 || inst < 1 {
		return nil, noRun(workflow, inst, run)
	}
	r, err := a.cfg.Reader.Load(ctx, workflow, inst, run)
	switch {
	case isNotFound(err):
		return nil, noRun(workflow, inst, run)
	case unreadable(err):
		q := store.RunQuery{Instance: inst, From: max(run, 1), To: run, Desc: true, Limit: 1}
		rows, lerr := a.cfg.Reader.List(ctx, workflow, q)
		if lerr != nil || len(rows) == 0 {
			return nil, err
		}
		return a.cfg.Reader.LoadDamaged(ctx, rows[0].ID)
	}
	return r, err
}

// loadID loads a run by its key. One whose data makes no sense to this program is shown as far as it does: it is no reason
// to refuse a whole list.
func (a *Runs) loadID(ctx context.Context, id store.RunID) (*instance.Run, error) {
	r, err := a.cfg.Reader.LoadID(ctx, id)
	if unreadable(err) {
		return a.cfg.Reader.LoadDamaged(ctx, id)
	}
	return r, err
}

func unreadable(err error) bool { return engine.IsDamaged(err) || errors.Is(err, instance.ErrNewer) }

func noRun(workflow string, inst, run int64) error {
	return api.Errorf(api.NotFound, "workflow instance [%s][%d][%d] not found (either not created or deleted)", workflow, inst, run)
}

// isNotFound recognizes that something is not there, whoever says so.
func isNotFound(err error) bool {
	return errors.Is(err, api.NotFound) || errors.Is(err, store.ErrNotFound)
}

// earlier finds the loops that a restarted run did not run again, in the runs that did. What cannot be read counts as
// one leaf: a roll-up is no reason to refuse an answer.
func (a *Runs) earlier(ctx context.Context, r *instance.Run) view.Earlier {
	runs := make(map[int64]*instance.Run)
	return func(run int64, step string) map[string][]byte {
		was, seen := runs[run]
		if !seen {
			var err error
			if was, err = a.load(ctx, r.WorkflowID, r.Instance, run); err != nil {
				a.cfg.Log.Warn("an earlier run of an instance cannot be read", "run", r.Identity(), "earlier", run, "error", err)
				was = nil
			}
			runs[run] = was
		}
		if was == nil {
			return nil
		}
		i, ok := was.Plan.Ordinal(step)
		if !ok {
			return nil
		}
		return was.Steps[i].Artifacts
	}
}

// inlinePath answers with the ancestors of a loop iteration, from the workflow that has a definition down to the
// iteration itself (spec/api 5.9).
func (a *Runs) inlinePath(w http.ResponseWriter, r *http.Request) error {
	p, err := pathRun(r)
	if err != nil {
		return err
	}
	run, err := a.load(r.Context(), p.workflow, p.instance, 0)
	if err != nil {
		return err
	}
	initiator, err := doc.ParseJSON(run.Header.Initiator, doc.Limits{})
	if err != nil {
		return err
	}
	if t := initiator.Field("type"); t.IsNull() || t.Text != instance.InitiatorForeach {
		return api.Errorf(api.BadRequest, "workflow instance %s is not an iteration of a foreach: only those have an inline path", run.Identity())
	}
	var path []*doc.Node
	if list := initiator.Field("ancestors"); list != nil {
		for _, item := range list.Items {
			if id := item.Field("workflow_id"); !id.IsNull() && !spec.IsInline(id.Text) {
				path = path[:0]
			}
			path = append(path, item)
		}
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		dst = append(dst, '[')
		for _, item := range path {
			dst = append(doc.AppendNode(dst, item), ',')
		}
		o := doc.Open(dst)
		o.Text("workflow_id", run.WorkflowID)
		o.Int("instance_id", run.Instance)
		o.Int("run_id", 0)
		o.Int("step_attempt_id", 0)
		return append(o.Close(), ']')
	})
}

func isLatest(token string) bool { return strings.EqualFold(token, "latest") }
