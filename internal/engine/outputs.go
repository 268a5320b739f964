package engine

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/spec"
)

// outputs delivers output data that jobs send by themselves to the attempts that have these jobs (spec/runtimes 6). A
// job is known by its type and id: the attempt's uuid from the launch on, and what its runtime calls it, from the report
// that says so on. Data of a job that nobody has yet is kept as a record and delivered when somebody has it.
type outputs struct {
	e      *Engine
	secret []byte // of the tokens

	keeping sync.Mutex // one at a time keeps data

	mu    sync.Mutex
	jobs  map[job]*worker
	byRun map[store.RunID]map[holder]*worker
	kept  *unclaimed
}

// job names a piece of work outside. An empty kind is an attempt's uuid.
type job struct{ kind, id string }

// worker is an attempt at work.
type worker struct {
	holder
	kind     string
	workflow string
	jobs     []job
	claimed  []job // whose kept data it was given

	// order is held while something of the attempt is on its way to the run's inbox: data that was kept of a job must be
	// there before a report, or data that was posted later, can say that the work is done. It is taken before outputs.mu.
	order sync.Mutex
}

const (
	jobIDKey  = `"job_id"`       // what a runtime's artifact calls the job
	taskIDKey = `"titus_task_id` // and what one of the reference's does
)

// key is the record's.
func (j job) key() string { return j.kind + "/" + j.id }

// jobKind returns what jobs of a step type are called. A notebook is a job of Kubernetes.
func jobKind(stepType string) string {
	switch kind := strings.ToLower(stepType); kind {
	case strings.ToLower(string(spec.TypeNotebook)):
		return strings.ToLower(string(spec.TypeKubernetes))
	default:
		return kind
	}
}

func newOutputs(e *Engine) *outputs {
	return &outputs{e: e, jobs: make(map[job]*worker), byRun: make(map[store.RunID]map[holder]*worker), kept: newUnclaimed(e.cfg.OutputUnclaimed)}
}

// launched notes an attempt that is about to begin, or begins again, with the artifacts it has, and delivers what was kept
// for it.
func (o *outputs) launched(h holder, stepType spec.StepType, workflow, uuid string, artifacts map[string][]byte) {
	w := o.noted(h, stepType, workflow)
	w.order.Lock()
	defer w.order.Unlock()
	o.mu.Lock()
	claims := o.name(w, job{"", uuid}, nil)
	claims = o.called(w, artifacts, claims)
	o.mu.Unlock()
	if kept := o.claim(w, claims); len(kept) > 0 {
		o.e.deliver(h.run, kept...)
	}
}

func (o *outputs) noted(h holder, stepType spec.StepType, workflow string) *worker {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.byRun[h.run][h]
	if w == nil {
		w = &worker{holder: h, kind: jobKind(string(stepType)), workflow: workflow}
		if o.byRun[h.run] == nil {
			o.byRun[h.run] = make(map[holder]*worker)
		}
		o.byRun[h.run][h] = w
	}
	return w
}

// reported notes what the artifacts of a report call the job, and delivers what was kept for it and then the report.
func (o *outputs) reported(h holder, ev instance.Reported) {
	o.mu.Lock()
	w := o.byRun[h.run][h]
	o.mu.Unlock()
	if w == nil {
		o.e.deliver(h.run, item{event: ev})
		return
	}
	w.order.Lock()
	defer w.order.Unlock()
	var kept []item
	if len(ev.Artifacts) > 0 {
		o.mu.Lock()
		claims := o.called(w, ev.Artifacts, nil)
		o.mu.Unlock()
		kept = o.claim(w, claims)
	}
	o.e.deliver(h.run, append(kept, item{event: ev})...)
}

// called reads the job's id from artifacts.
func (o *outputs) called(w *worker, artifacts map[string][]byte, claims []job) []job {
	for key, data := range artifacts {
		text := string(data)
		if !strings.HasPrefix(key, "maestro_") || !strings.Contains(text, jobIDKey) && !strings.Contains(text, taskIDKey) {
			continue
		}
		var a struct {
			Job  string `json:"job_id"`
			Task string `json:"titus_task_id"`
		}
		if json.Unmarshal(data, &a) != nil {
			continue
		}
		if id := a.Job + a.Task; id != "" {
			claims = o.name(w, job{w.kind, id}, claims)
		}
	}
	return claims
}

// name makes the worker known by a job, and adds what may have been kept for that.
func (o *outputs) name(w *worker, j job, claims []job) []job {
	if o.jobs[j] != w {
		o.jobs[j] = w
		w.jobs = append(w.jobs, j)
	}
	for _, called := range [...]job{j, {w.kind, j.id}} { // an attempt's uuid may have been sent with or without a type
		if o.kept.remove(called) {
			w.claimed = append(w.claimed, called)
			claims = append(claims, called)
		}
	}
	return claims
}

// ended forgets an attempt.
func (o *outputs) ended(h holder) {
	o.mu.Lock()
	w := o.byRun[h.run][h]
	o.forget(w)
	o.mu.Unlock()
	if w != nil {
		for _, j := range w.claimed {
			o.drop(j)
		}
	}
}

// over forgets all attempts of a run.
func (o *outputs) over(id store.RunID) {
	o.mu.Lock()
	left := slices.Collect(maps.Keys(o.byRun[id]))
	o.mu.Unlock()
	for _, h := range left {
		o.ended(h)
	}
}

func (o *outputs) forget(w *worker) {
	if w == nil {
		return
	}
	for _, j := range w.jobs {
		if o.jobs[j] == w {
			delete(o.jobs, j)
		}
	}
	delete(o.byRun[w.run], w.holder)
	if len(o.byRun[w.run]) == 0 {
		delete(o.byRun, w.run)
	}
}

// loaded forgets attempts of a run that are not at work any more, as the store has it.
func (o *outputs) loaded(id store.RunID, r *instance.Run) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for h, w := range o.byRun[id] {
		if s := &r.Steps[h.step]; s.Number != h.attempt || s.Status.Terminal() {
			o.forget(w)
		}
	}
}

// worker returns who has a job: by the attempt's uuid, or by what its runtime calls it.
func (o *outputs) worker(j job) *worker {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.find(j)
}

func (o *outputs) find(j job) *worker {
	if w := o.jobs[job{"", j.id}]; w != nil {
		return w
	}
	return o.jobs[j]
}
