package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"maestro/api"
	"maestro/internal/instance"
	"maestro/internal/signal"
	"maestro/internal/store"
)

// A run announces a signal, the signal triggers a run, and so on: a chain, which may come back to where it began and then
// never ends. Its length is counted in the runs, and limited.

// source is who announced a signal, as its payload tells (signalSource).
type source struct {
	Workflow string `json:"workflow_id"`
	Instance int64  `json:"workflow_instance_id"`
	Run      int64  `json:"workflow_run_id"`
}

func (s source) String() string { return fmt.Sprintf("[%s][%d][%d]", s.Workflow, s.Instance, s.Run) }

// link is how far a chain has come with a signal.
type link struct {
	runs int    // how many runs led to it, each triggered by the one before
	by   source // the last of them
}

// linkOf returns the longest chain that led to one of the signals.
func (e *Engine) linkOf(ctx context.Context, signals []*signal.Instance) (longest link, err error) {
	for _, i := range signals {
		var payload struct {
			Source source `json:"signal_source"`
		}
		if json.Unmarshal(i.Payload, &payload) != nil || payload.Source.Workflow == "" {
			continue // announced by no run
		}
		l := link{runs: 1, by: payload.Source}
		h, err := e.headerOf(ctx, l.by)
		if err != nil {
			return link{}, err
		}
		if h != nil && h.Signals != nil {
			l.runs += h.Signals.Chain
		}
		if l.runs > longest.runs {
			longest = l
		}
	}
	return longest, nil
}

// headerOf returns the header of a run, nil when there is none (any more).
func (e *Engine) headerOf(ctx context.Context, of source) (*instance.Header, error) {
	internal, err := e.catalog.Internal(ctx, of.Workflow)
	if err == nil {
		var row *store.Run
		if row, err = e.store.Find(ctx, internal, of.Instance, of.Run); err == nil {
			h, err := instance.DecodeHeader(row.Header)
			if err != nil {
				return nil, nil //nolint:nilerr // damaged: its chain begins with it
			}
			return h, nil
		}
	}
	if errors.Is(err, api.NotFound) || errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return nil, fmt.Errorf("look up run %s, which announced a signal: %w", of, err)
}

// tooLong refuses a run at the end of a chain that has reached the limit.
func (e *Engine) tooLong(l link) error {
	if e.cfg.MaxChain < 0 || l.runs < e.cfg.MaxChain {
		return nil
	}
	return fmt.Errorf("run %s announced the signal that triggers this one, and is the last of %d runs each triggered by the one before, which is the limit (signals.max_chain). "+
		"A workflow that announces what triggers it, directly or through others, never ends: see to it that it does not. Started by hand, it begins a new chain", l.by, l.runs)
}
