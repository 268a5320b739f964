package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"maestro/internal/instance"
	"maestro/internal/store"
)

// A run keeps the default params it was started with until it ends, and its stored results mean nothing without them. So
// the store has every set of default params that runs were started with, under its fingerprint, once for all of them. A
// set is durable before the first run that has it, and stays.

// defaultsKind is the kind of the records that hold sets of default params.
const defaultsKind = "default-params"

// keepDefaults writes the set that runs are going to be started with, unless the store has it.
func (e *Engine) keepDefaults(ctx context.Context) error {
	name, set := e.language.Fingerprint(), e.language.Stored()
	have, err := e.store.Record(ctx, defaultsKind, name)
	if errors.Is(err, store.ErrNotFound) || err == nil && !bytes.Equal(have, set) {
		err = e.store.PutRecords(ctx, store.Record{Kind: defaultsKind, Key: name, Value: set})
	}
	if err != nil {
		return fmt.Errorf("keep the default params: %w", err)
	}
	return nil
}

// learnDefaults makes the set of a run known to the language. A run whose set is lost or damaged may be sound all the
// same: the set may be put back.
func (e *Engine) learnDefaults(ctx context.Context, fingerprint string) error {
	if fingerprint == "" || e.language.Knows(fingerprint) {
		return nil
	}
	set, err := e.store.Record(ctx, defaultsKind, fingerprint)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("%w: its default params [%s] are not in the store; put their record back from a backup", instance.ErrNewer, fingerprint)
	case err != nil:
		return fmt.Errorf("read default params [%s]: %w", fingerprint, err)
	}
	if err := e.language.Learn(fingerprint, set); err != nil {
		return fmt.Errorf("%w: default params [%s]: %w", instance.ErrNewer, fingerprint, err)
	}
	return nil
}

// checkResults refuses a run whose stored params this program would restore as other ones than they were.
func (e *Engine) checkResults(r *instance.Run) error {
	for i := range r.Steps {
		s := &r.Steps[i]
		for k := range s.Earlier {
			if err := e.checkAttempt(r, i, &s.Earlier[k]); err != nil {
				return err
			}
		}
		if err := e.checkAttempt(r, i, &s.Attempt); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) checkAttempt(r *instance.Run, step int, a *instance.Attempt) error {
	results := a.Results()
	if results == nil {
		return nil
	}
	err := e.language.CheckStepParams(r, step, a, results)
	if errors.Is(err, instance.ErrNewer) {
		return fmt.Errorf("params of attempt %d of step [%s] of run %s: %w", a.Number, r.Plan.Nodes[step].ID, r.Identity(), err)
	}
	return nil // what is damaged shows where it is used
}
