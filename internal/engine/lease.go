package engine

import "time"

// epoch returns the epoch under which this node may write a group's runs, or closedEpoch, which every store refuses.
func (e *Engine) epoch(id int32) int64 {
	if g := e.group(id); g != nil {
		return g.epoch.Load()
	}
	return closedEpoch
}

// keepLeases renews this node's leases, and keeps time, until the engine stops. The group of a lease that is lost is
// closed.
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
		if err := e.hold(e.ctx, leases, func() {}); err != nil {
			e.log.Warn("groups not opened", "error", err)
		}
	}
}
