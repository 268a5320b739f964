package engine

import (
	"context"
	"errors"
	"fmt"

	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/internal/uuid"
	"maestro/param"
	"maestro/spec"
)

// Definition is one version of a workflow, parsed, with what the engine must know of the workflow id.
type Definition struct {
	WorkflowID    string
	Internal      int64
	Version       int64
	Active        bool // it is the active version
	FirstInstance int64
	Workflow      *spec.Workflow
	Plan          *instance.Plan // of a fresh run
	Properties    *spec.Properties
	Snapshot      []byte   // JSON of the run_properties that a run started now keeps
	Triggers      []string // trigger uuids of the version
}

// Strategy returns the run strategy that holds now.
func (d *Definition) Strategy() (rule spec.Rule, limit int) {
	s := d.Properties.Strategy()
	return s.Rule, int(s.Concurrency)
}

// Catalog finds definitions. Package catalog implements it; what it returns is immutable and shared.
type Catalog interface {
	// Resolve returns the version that a token (active, latest, default, number) names now.
	Resolve(ctx context.Context, workflowID, version string) (*Definition, error)
	// Version returns an exact version of a workflow.
	Version(ctx context.Context, internal, version int64) (*Definition, error)
	// Internal returns the internal id of a workflow, or api.NotFound.
	Internal(ctx context.Context, workflowID string) (int64, error)
	// Template returns what the job template of a step gives it in a version, empty where it has none. A *param.Error says
	// that the template cannot be used; any other error that it cannot be read now.
	Template(ctx context.Context, s *spec.Step, version string) (*instance.Template, error)
	// Current returns any version of a workflow, for what all versions share.
	Current(ctx context.Context, internal int64) (*Definition, error)
}

// loadRun reads a run and folds its journal. It is the one way to a run's state: for its actor, after a crash, and for
// everybody who reads.
func (e *Engine) loadRun(ctx context.Context, id store.RunID, history bool) (_ *instance.Run, _ *store.Run, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: run %d: %v", errDamaged, id, p)
		}
	}()
	if err := e.condemned(id); err != nil {
		return nil, nil, err
	}
	load := e.store.LoadPresent
	if history {
		load = e.store.Load
	}
	row, entries, err := load(ctx, id)
	if err != nil {
		return nil, nil, fmt.Errorf("load run %d: %w", id, err)
	}
	r, err := e.fold(ctx, row, entries, history)
	if errors.Is(err, errSnapshot) { // the entries say it, too
		e.log.Warn("snapshot cannot be read, all of the journal is", "run", int64(id), "error", err)
		if row, entries, err = e.store.Load(ctx, id); err != nil {
			return nil, nil, fmt.Errorf("load run %d: %w", id, err)
		}
		r, err = e.fold(ctx, row, entries, history)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := e.checkResults(r); err != nil {
		return nil, nil, err
	}
	if row.Entries = 0; len(entries) > 0 {
		row.Entries = entries[len(entries)-1].Seq
	}
	return r, row, nil
}

// errSnapshot says that a snapshot makes no sense to this program.
var errSnapshot = errors.New("engine: snapshot cannot be read")

// fold makes a run of its row and its entries: all of them, or those from a snapshot on.
func (e *Engine) fold(ctx context.Context, row *store.Run, entries []store.Entry, history bool) (*instance.Run, error) {
	r, err := e.build(ctx, row, history)
	if err != nil {
		return nil, err
	}
	if len(entries) > 0 && entries[0].Seq > 1 {
		if err := begin(r, entries[0].Data); err != nil {
			return nil, fmt.Errorf("%w: journal entry %d of run %s: %w", errSnapshot, entries[0].Seq, r.Identity(), err)
		}
		entries = entries[1:]
	}
	for i := range entries {
		if err := r.Fold(entries[i].Data); errors.Is(err, instance.ErrNewer) {
			return nil, fmt.Errorf("journal entry %d of run %s: %w", entries[i].Seq, r.Identity(), err)
		} else if err != nil {
			return nil, fmt.Errorf("%w: journal entry %d of run %s: %w", errDamaged, entries[i].Seq, r.Identity(), err)
		}
	}
	return r, nil
}

// begin is r.Begin for data that may be anything.
func begin(r *instance.Run, entry []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return r.Begin(entry)
}

// build makes a run from its row, before its first record.
func (e *Engine) build(ctx context.Context, row *store.Run, history bool) (*instance.Run, error) {
	d, err := e.catalog.Version(ctx, row.Workflow, row.Version)
	if err != nil {
		return nil, fmt.Errorf("definition of run %d: %w", row.ID, err)
	}
	h, err := instance.DecodeHeader(row.Header)
	if errors.Is(err, instance.ErrNewer) {
		return nil, fmt.Errorf("header of run %d: %w", row.ID, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: header of run %d: %w", errDamaged, row.ID, err)
	}
	if err := e.learnDefaults(ctx, h.Defaults); err != nil {
		return nil, fmt.Errorf("params of run [%s][%d][%d]: %w", d.WorkflowID, row.Instance, row.Run, err)
	}
	return e.newRun(d, h, row, history)
}

func (e *Engine) newRun(d *Definition, h *instance.Header, row *store.Run, history bool) (*instance.Run, error) {
	r, err := e.named(d, h, row)
	if err != nil {
		return nil, err
	}
	r.History = history
	if h.HasParams {
		if r.Params, err = e.paramsOf(r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// paramsOf restores the params of a run.
func (e *Engine) paramsOf(r *instance.Run) (*param.Params, error) {
	p, err := e.language.RunParams(r)
	if errors.Is(err, instance.ErrNewer) {
		return nil, fmt.Errorf("params of run %s: %w", r.Identity(), err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: params of run %s: %w", errDamaged, r.Identity(), err)
	}
	return p, nil
}

// named makes a run that knows what it is called and what it consists of, and no more.
func (e *Engine) named(d *Definition, h *instance.Header, row *store.Run) (*instance.Run, error) {
	plan := d.Plan
	if h.Start != nil {
		var err error
		if plan, err = planFrom(d.Workflow, h.Start); err != nil {
			return nil, fmt.Errorf("%w: graph of run %d: %w", errDamaged, row.ID, err)
		}
	}
	if h.Plan != 0 && h.Plan != plan.Sum {
		return nil, fmt.Errorf("%w: run [%s][%d][%d] was started with its steps in another order than this program gives them; "+
			"run it with the version of the program that started it", instance.ErrNewer, d.WorkflowID, row.Instance, row.Run)
	}
	r := instance.New(h, plan, e.language)
	r.Snapshots = e.cfg.Snapshots
	r.ID, r.WorkflowID, r.Internal = int64(row.ID), d.WorkflowID, d.Internal
	if row.ID > e.origin.Since {
		r.Origin = e.origin.ID
	}
	r.Instance, r.Number, r.Version, r.Created = row.Instance, row.Run, row.Version, row.Created
	r.UUID, r.Modified = uuid.Format(row.UUID), row.Created
	return r, nil
}

// planFrom returns the plan of a restart: the given steps, by their index in definition order, and all that follows from
// them, with every edge between any two of these.
func planFrom(w *spec.Workflow, start []int) (*instance.Plan, error) {
	byID := make(map[spec.StepID]*spec.Step, len(w.Steps))
	for _, s := range w.Steps {
		byID[s.ID] = s
	}
	var steps []*spec.Step
	seen := make(map[spec.StepID]bool)
	add := func(s *spec.Step) {
		if s != nil && !seen[s.ID] {
			seen[s.ID] = true
			steps = append(steps, s)
		}
	}
	for _, i := range start {
		if i >= len(w.Steps) {
			return nil, fmt.Errorf("no step %d", i)
		}
		add(w.Steps[i])
	}
	for i := 0; i < len(steps); i++ {
		for _, next := range steps[i].Transition.Successors {
			add(byID[next.Step])
		}
	}
	dag, err := spec.BuildDAG(steps, nil, nil)
	if err != nil {
		return nil, err
	}
	return instance.NewPlanOf(w, steps, dag), nil
}
