package server

import (
	"context"
	"log/slog"
	"net/http"

	"maestro/internal/engine"
	"maestro/internal/event"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/store"
)

// Starter makes runs. *engine.Engine is one, as it is all the interfaces below that name no other.
type Starter interface {
	Start(ctx context.Context, q engine.StartRequest) (engine.Started, error)
	Restart(ctx context.Context, q engine.RestartRequest) (engine.Started, error)
}

// RunActor acts on whole runs.
type RunActor interface {
	ActOnRun(ctx context.Context, q engine.RunAction) (engine.RunActed, error)
	// ActOnWorkflow acts on every live run of a workflow. An unknown workflow has none.
	ActOnWorkflow(ctx context.Context, workflowID string, a instance.Action, user, reason string) (queued, running int, err error)
	// Unblock marks FAILED runs as seen to and tells how many that changed. inst 0: of the whole workflow.
	Unblock(ctx context.Context, workflowID string, line instance.Line) (int, error)
	UnblockRun(ctx context.Context, workflowID string, inst, run int64, line instance.Line) (number int64, blocked bool, err error)
}

// StepActor acts on single steps.
type StepActor interface {
	ActOnStep(ctx context.Context, q engine.StepAction) (engine.StepActed, error)
	RestartStep(ctx context.Context, q engine.RestartRequest) (engine.StepActed, error)
}

// RunReader reads runs as they are in the store now. What it returns belongs to the caller, attempts before the latest
// included.
type RunReader interface {
	// Load returns a run by its numbers; run 0 is the latest of the instance. api.NotFound.
	Load(ctx context.Context, workflowID string, inst, run int64) (*instance.Run, error)
	// LoadID returns a run by its key.
	LoadID(ctx context.Context, id store.RunID) (*instance.Run, error)
	// LoadDamaged returns what can be read of a run that LoadID cannot make sense of: it is damaged (engine.IsDamaged), or
	// was written by a newer program (instance.ErrNewer).
	LoadDamaged(ctx context.Context, id store.RunID) (*instance.Run, error)
	// List returns rows of runs of a workflow. api.NotFound when there is no such workflow.
	List(ctx context.Context, workflowID string, q store.RunQuery) ([]store.Run, error)
}

// Watcher says when journals grow.
type Watcher interface {
	// Watch returns a channel that gets a value soon after the run's journal has grown; run 0 means any run. The channel
	// carries no data and drops what nobody takes. stop must be called.
	Watch(run store.RunID) (grown <-chan struct{}, stop func())
}

// Journal reads journal entries in order. store.Feed is one.
type Journal interface {
	After(ctx context.Context, pos int64, run store.RunID, n int) ([]store.Entry, error)
}

// LogSource finds who keeps the log of an attempt.
type LogSource interface {
	// Logs returns the keeper, and the attempt as it knows it. api.NotFound when nobody keeps logs of such steps.
	Logs(ctx context.Context, r *instance.Run, ordinal int, attempt int64) (step.Logs, *step.Attempt, error)
}

// RunsConfig is what the run endpoints work with. Logs may be nil; the rest is required, except where a default is given.
type RunsConfig struct {
	Starter Starter
	Runs    RunActor
	Steps   StepActor
	Reader  RunReader
	Watcher Watcher
	Journal Journal
	Logs    LogSource

	Events   *event.Source   // published events; nil: those of Journal and Reader, for ever
	Cluster  string          // name of this cluster in them; default "test"; not used with Events
	Stopping <-chan struct{} // closed when streams are to end, so that the server can; nil: never
	Log      *slog.Logger    // nil: nothing is logged
	Now      func() int64    // epoch milliseconds; required
}

// Runs are the endpoints about runs (spec/api 5): starting them, acting on them, reading them, and following what
// happens. It decides nothing: the engine does, and says why not in its errors. It is safe for concurrent use.
type Runs struct {
	cfg RunsConfig
}

// NewRuns returns the endpoints. They are added to a Server with Config.Register.
func NewRuns(cfg RunsConfig) *Runs {
	if cfg.Cluster == "" {
		cfg.Cluster = "test"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Events == nil {
		cfg.Events = event.NewSource(event.Config{Journal: cfg.Journal, Runs: byLoading{cfg.Reader}, Cluster: cfg.Cluster})
	}
	return &Runs{cfg: cfg}
}

// byLoading knows what runs are called from all that there is to know of them.
type byLoading struct{ RunReader }

// IdentifyID implements event.Runs.
func (b byLoading) IdentifyID(ctx context.Context, id store.RunID) (*instance.Run, error) {
	return b.LoadID(ctx, id)
}

// Register adds all routes.
func (a *Runs) Register(handle func(pattern string, h HandlerFunc)) {
	const (
		flow     = "/api/v3/workflows/{id}"
		instance = flow + "/instances/{n}"
		run      = instance + "/runs/{r}"
		attempt  = run + "/steps/{s}/attempts/{a}"
	)
	handle("POST "+flow+"/versions/{version}/actions/start", a.start)
	handle("POST "+instance+"/actions/restart", a.restart)

	handle("PUT "+flow+"/actions/stop", a.onWorkflow(stopAction))
	handle("PUT "+flow+"/actions/kill", a.onWorkflow(killAction))
	handle("PUT "+flow+"/actions/unblock", a.unblockWorkflow)
	for _, at := range [...]string{instance, run} {
		handle("PUT "+at+"/actions/stop", a.onRun(stopAction))
		handle("PUT "+at+"/actions/kill", a.onRun(killAction))
		handle("PUT "+at+"/actions/unblock", a.unblockRun)
		handle("GET "+at+"/events", a.follow)
	}
	handle("GET "+flow+"/instances", a.listInstances)
	handle("GET "+instance, a.showInstance)
	handle("GET "+instance+"/runs", a.listRuns)
	handle("GET "+run, a.showRun)
	handle("GET "+instance+"/inline-path", a.inlinePath)

	handle("GET "+instance+"/steps", a.listSteps)
	handle("GET "+instance+"/steps/{s}", a.showStep)
	handle("GET "+run+"/steps", a.listRunSteps)
	handle("GET "+attempt, a.showAttempt)
	handle("GET "+attempt+"/logs", a.logs)
	for _, act := range plainStepActions {
		handle("PUT "+instance+"/steps/{s}/actions/"+act.path, a.onStep(act.action))
	}
	handle("POST "+instance+"/steps/{s}/actions/restart", a.restartStep)

	handle("GET /api/v3/events", a.events)
}

// runPath is which run a path names.
type runPath struct {
	workflow string
	instance int64
	run      int64  // 0: the latest
	token    string // as it was given
}

// pathRun reads the workflow, the instance and, where the path has one, the run: "latest" in any letter case, or a
// number of which 0 is the latest (spec/api 1).
func pathRun(r *http.Request) (p runPath, err error) {
	p.workflow = r.PathValue("id")
	if p.instance, err = pathInt(r, "n", "the instance id"); err != nil {
		return p, err
	}
	if p.token = r.PathValue("r"); p.token != "" && !isLatest(p.token) {
		p.run, err = pathInt(r, "r", "the run id")
	}
	return p, err
}
