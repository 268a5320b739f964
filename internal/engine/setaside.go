package engine

import (
	"errors"
	"strconv"

	"maestro/api"
	"maestro/internal/inflight"
	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/param"
	"maestro/spec"
)

// What killed the process while it was evaluated is not evaluated a third time (package inflight): a start is refused, and
// a run is failed like one whose data is damaged.

// setAside says why a run is not touched any more.
type setAside struct{ cause error }

func (s setAside) Error() string { return "the run is set aside: " + s.cause.Error() }
func (s setAside) Unwrap() error { return s.cause }

// Is makes a run that is set aside one whose data is damaged, to all who deal with these.
func (s setAside) Is(target error) bool { return target == errDamaged }

// condemned returns an error if a run must not be evaluated.
func (e *Engine) condemned(id store.RunID) error {
	if err := e.cfg.Guard.Condemned(inflight.Run(id, 0)); err != nil {
		return setAside{err}
	}
	return nil
}

// mark names what the actor evaluates: its run or, as long as that is not in the store, what starts it.
func (a *actor) mark() inflight.Mark {
	if a.created {
		return inflight.Run(a.id, a.seq)
	}
	return a.origin
}

// markOf names a start by all that is evaluated for it.
func markOf(d *Definition, what string, params ...[]byte) inflight.Mark {
	parts := []string{what, strconv.FormatInt(d.Internal, 10), strconv.FormatInt(d.Version, 10)}
	for _, p := range params {
		parts = append(parts, string(p))
	}
	return inflight.Text(parts...)
}

// admissible refuses what killed the process twice.
func (e *Engine) admissible(d *Definition, m inflight.Mark) error {
	if err := e.cfg.Guard.Condemned(m); err != nil {
		return api.Errorf(api.BadRequest, "workflow [%s] version [%d] is not started with these params: %w", d.WorkflowID, d.Version, err)
	}
	return nil
}

func defsJSON(d *param.Defs) []byte {
	if d.Len() == 0 {
		return nil
	}
	return d.AppendJSON(nil)
}

// mute is the language of a run that is set aside: it evaluates nothing.
type mute struct{ instance.Language }

var errMute = errors.New("not evaluated: the run is set aside")

func (mute) RestoreStepParams(*instance.Run, int, *instance.Attempt, []byte) (*param.Params, error) {
	return nil, errMute
}
func (mute) Timeout(*instance.Run, int) (int64, error) { return 0, errMute }
func (mute) Retry(*instance.Run, int) spec.Retry       { return spec.Retry{} }
