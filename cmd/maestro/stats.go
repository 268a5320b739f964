package main

import (
	"encoding/json"
	"net/http"
	"runtime"
	"time"

	"maestro/internal/engine"
	"maestro/internal/store"
)

// nodeStats is what GET /api/v3/stats answers: running totals since the start, for benchmarks and for those who watch a
// server.
type nodeStats struct {
	engine.Stats
	Commits    int64      `json:"commits"`
	Statements int64      `json:"statements"`
	StoreBytes int64      `json:"store_bytes"`
	Store      string     `json:"store"`
	Goroutines int        `json:"goroutines"`
	Hops       [3]float64 `json:"task_hops_ms"` // p50, p99, max of the Task steps since the last request
}

func (n *node) stats(w http.ResponseWriter, _ *http.Request) error {
	var s store.Stats = n.store.Stats()
	out := nodeStats{Stats: n.engine.Stats(), Commits: s.Commits, Statements: s.Statements, StoreBytes: s.Bytes, Store: n.cfg.Store.Driver, Goroutines: runtime.NumGoroutine()}
	p50, p99, most := n.task.Hops()
	for i, d := range []time.Duration{p50, p99, most} {
		out.Hops[i] = float64(d) / 1e6
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(out)
}
