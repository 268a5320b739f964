package catalog

import (
	"context"
	"fmt"

	"maestro/api"
	"maestro/internal/instance"
	"maestro/spec"
)

// checkStrategy refuses a new run strategy that the runs which exist do not fit (spec/api 4.1, engine 5): one that
// allows a single live run while there are more, or one that a failed run would block for good. Nothing is checked
// where the strategy stays what it is.
func (c *Catalog) checkStrategy(ctx context.Context, h *Head, next *spec.Properties) error {
	if h == nil || next.RunStrategy == nil || c.cfg.Runs == nil {
		return nil
	}
	was, want := h.Snapshot.RunStrategy, *next.RunStrategy
	if was != nil && *was == want {
		return nil
	}
	switch want.Rule {
	case spec.FirstOnly, spec.LastOnly, spec.StrictSequential:
	default:
		return nil
	}
	counts, err := c.cfg.Runs.Counts(ctx, h.Internal)
	if err != nil {
		return fmt.Errorf("count runs of workflow %q: %w", h.ID, err)
	}
	from, to := strategyText(was), strategyText(&want)
	if want.Rule == spec.StrictSequential {
		if n := counts.ByStatus[uint8(instance.RunFailed)]; n > 0 {
			return api.Errorf(api.PreconditionFailed, "Cannot update run strategy from %s to %s because there are %d FAILED workflow instances. "+
				"%s will be blocked if there is any failure in the history due to %s. Please review them and either manually UNBLOCK or RESTART "+
				"those failed instances and then update the run strategy.", from, to, n, h.ID, to)
		}
		return nil
	}
	if n := live(counts.ByStatus); n > 1 {
		return api.Errorf(api.PreconditionFailed, "Cannot update run strategy from %s to %s because there are %d nonterminal workflow instances. "+
			"As at most ONE nonterminal workflow instance is allowed by %s, please review them and either manually stop them or wait for them to "+
			"complete and then update the run strategy.", from, to, n, to)
	}
	return nil
}

func strategyText(s *spec.RunStrategy) string {
	if s == nil {
		return "null"
	}
	return fmt.Sprintf("RunStrategy(rule=%s, workflowConcurrency=%d)", s.Rule, s.Concurrency)
}

// live counts the runs that have not ended.
func live(byStatus map[uint8]int64) int64 {
	return byStatus[uint8(instance.Created)] + byStatus[uint8(instance.InProgress)] + byStatus[uint8(instance.Paused)]
}
