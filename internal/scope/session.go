package scope

import (
	"errors"

	"maestro/internal/meter"
	"maestro/param"
	"maestro/sel"
)

// Config is what all evaluations of a server have in common. The zero Config is usable.
type Config struct {
	Separator   string // between step and param in references; "" means "__"
	Environment string // what params.getExecutionEnvironment returns
	Limits      sel.Limits
	CacheSize   int // parsed scripts kept; 0 means 4,096
	CacheBytes  int // memory that parsed scripts may take, roughly; 0 means 64 MB
}

// Exprs evaluates params and conditions. It keeps parsed scripts and is safe for concurrent use.
type Exprs struct {
	separator   string
	environment string
	limits      sel.Limits
	cache       *sel.Cache
	gate        *meter.Gate
}

// largeEvaluations is how many evaluations may take more than a little memory at a time. They do nothing but compute, so more
// of them would hardly be done sooner.
const largeEvaluations = 2

// New returns an Exprs for cfg.
func New(cfg Config) *Exprs {
	x := &Exprs{separator: cfg.Separator, environment: cfg.Environment, limits: cfg.Limits, gate: meter.NewGate(largeEvaluations)}
	if x.separator == "" {
		x.separator = param.DefaultSeparator
	}
	size, bytes := cfg.CacheSize, cfg.CacheBytes
	if size == 0 {
		size = 4096
	}
	if bytes == 0 {
		bytes = 64 << 20
	}
	x.cache = sel.NewCache(size, bytes)
	return x
}

type level uint8

const (
	workflowLevel level = iota
	stepLevel
)

// session is one evaluation: of a set of params, or of one condition. It is both what the evaluation asks for the
// meaning of names and what runs its scripts. It belongs to one goroutine.
type session struct {
	x          *Exprs
	level      level
	ownVisible bool // the current step's params can be named with its id
	seesSteps  bool // finished steps are visible
	functions  bool // params.* functions are available

	run      *Run
	step     *Step
	world    World
	workflow *param.Params // evaluated params of the run, at step level
	meter    *meter.Meter  // of the evaluation, which may consist of several sessions
	own      meter.Meter   // for a session whose caller has none
	entered  bool          // the gate of large evaluations, as the outermost session of the meter

	eval  param.Evaluation
	env   sel.Env
	frame param.Frame // of the script that runs now
}

// start prepares the evaluation of params at the time now. The caller must end it.
func (s *session) start(params *param.Params, where string, now int64) *param.Evaluation {
	if s.meter == nil {
		s.own.Reset(s.x.budget())
		s.meter = &s.own
	}
	s.eval = param.Evaluation{Params: params, Exprs: s, Names: s, Where: where, Now: now, Meter: s.meter}
	s.env = sel.Env{Lookup: s.lookup, Params: s.lookupParams, Call: s.call, Now: s.now, Limits: s.x.limits, Meter: s.meter}
	if s.world != nil {
		s.env.Random = s.world.Random
		s.meter.Until(s.world.Cancelled)
	}
	s.entered = s.meter.Enter(s.x.gate)
	return &s.eval
}

func (s *session) end() {
	if s.entered {
		s.meter.Leave()
	}
}

// Meter returns a meter for one evaluation, with nothing spent. Whoever evaluates several things for one purpose, such as
// all signals that a step sends, hands the same meter to all of them. Where none is given, each has one of its own.
func (x *Exprs) Meter() *meter.Meter {
	return meter.New(x.budget())
}

func (x *Exprs) budget() meter.Limits {
	return meter.Limits{Work: x.limits.Visits, Memory: x.limits.Memory}
}

func (s *session) now() int64 { return s.eval.Now }

// compileWork is what compiling a byte of an expression takes.
const compileWork = 10

// Compile implements param.Evaluator.
func (s *session) Compile(expr string) (param.Script, error) {
	if !s.meter.Spend(compileWork*int64(len(expr)), 0) { // also for one that is remembered: results depend on no cache
		return nil, s.meter.Err()
	}
	script, err := s.x.cache.CompileEngine(expr)
	if err != nil {
		return nil, param.Wrap(param.InvalidExpression, err, "BAD_REQUEST - Expression validator throws an exception for expr=[%s]", expr)
	}
	return script, nil
}

// Run implements param.Evaluator.
func (s *session) Run(script param.Script, expr string, f param.Frame) (param.Value, error) {
	s.frame = f
	v, err := script.(*sel.Script).Run(&s.env)
	s.frame = param.Frame{}
	if err != nil {
		return param.Value{}, exprError(err, expr)
	}
	return fromSel(v)
}

// overBudget reports whether a script ended because the evaluation as a whole took too much. Package param tells that.
func overBudget(e *sel.Error) bool {
	x, ok := errors.AsType[*meter.Exceeded](e.Cause)
	return ok && x.What != meter.Stopped
}

// exprError tells how an expression failed in the words of the reference (sel 13.3); the cause stays attached.
func exprError(err error, expr string) error {
	e, ok := errors.AsType[*sel.Error](err)
	if !ok {
		return param.AsError(err)
	}
	if overBudget(e) {
		return err
	}
	switch e.Kind {
	case sel.FailThrown, sel.FailReturnType:
		return param.Wrap(param.InvalidExpression, err, "%s for expr=[%s]", e.Message, expr)
	case sel.FailTimeout:
		return param.Wrap(param.Internal, err, "INTERNAL_ERROR - Expression evaluation takes too long for expr=[%s]", expr)
	}
	return param.Wrap(param.InvalidExpression, err, "BAD_REQUEST - Expression evaluation throws an exception for expr=[%s]", expr)
}

// lookup gives a script the value of a bare name: one of its free names, or nothing.
func (s *session) lookup(name string) (sel.Value, bool, error) {
	v, ok := s.frame.Lookup(name)
	if !ok {
		return sel.Value{}, false, nil
	}
	out, err := s.toSel(v)
	return out, err == nil, err
}

// lookupParams gives a script what params['name'] reads: what it also names bare and, in a step, any workflow param,
// but never another step param (params 10.2).
func (s *session) lookupParams(name string) (sel.Value, bool, error) {
	v, ok := s.frame.Lookup(name)
	if !ok && s.level == stepLevel {
		if p := s.workflow.Lookup(name); p != nil && p.Evaluated {
			v, ok = p.Result, true
		}
	}
	if !ok {
		return sel.Value{}, false, nil
	}
	out, err := s.toSel(v)
	return out, err == nil, err
}
