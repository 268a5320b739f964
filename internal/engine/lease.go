package engine

import (
	"maps"
	"slices"
	"time"

	"maestro/internal/store"
)

// epoch returns the epoch under which this node may write a group's runs, or -1, which every store refuses.
func (e *Engine) epoch(group int32) int64 {
	e.epochMu.RLock()
	defer e.epochMu.RUnlock()
	if ep, ok := e.epochs[group]; ok {
		return ep
	}
	return -1
}

// groups returns the groups that this node has the lease of, in order. Their number is not that of the settings where
// this was higher once.
func (e *Engine) groups() []int32 {
	e.epochMu.RLock()
	defer e.epochMu.RUnlock()
	return slices.Sorted(maps.Keys(e.epochs))
}

func (e *Engine) setEpochs(leases []store.Lease) {
	e.epochMu.Lock()
	defer e.epochMu.Unlock()
	clear(e.epochs)
	for _, l := range leases {
		e.epochs[l.Group] = l.Epoch
	}
}

// keepLeases renews this node's leases, and keeps time, until the engine stops. A lease that is lost needs no further care: the commits
// of its runs are refused, and their actors drop what they have.
func (e *Engine) keepLeases() {
	every := time.NewTicker(e.cfg.LeaseFor / 3)
	defer every.Stop()
	for {
		select {
		case <-e.stopping:
			return
		case <-every.C:
		}
		e.keepTime()
		leases, err := e.store.Renew(e.ctx, e.cfg.Node, e.clock.now(), e.cfg.LeaseFor.Milliseconds())
		if err != nil {
			e.log.Warn("leases not renewed", "error", err)
			continue
		}
		e.setEpochs(leases)
	}
}
