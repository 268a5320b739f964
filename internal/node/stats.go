package node

import (
	"encoding/json"
	"net/http"
	"runtime"

	"maestro/internal/engine"
)

// Stats is what GET /api/v3/stats answers: running totals since the start, for benchmarks and for those who watch a
// server.
type Stats struct {
	engine.Stats
	Commits    int64  `json:"commits"`
	Statements int64  `json:"statements"`
	StoreBytes int64  `json:"store_bytes"`
	Store      string `json:"store"`
	Goroutines int    `json:"goroutines"`
}

func (n *Node) stats(w http.ResponseWriter, _ *http.Request) error {
	s := n.store.Stats()
	out := Stats{
		Stats: n.engine.Stats(), Commits: s.Commits, Statements: s.Statements, StoreBytes: s.Bytes, Store: n.cfg.Store.Driver,
		Goroutines: runtime.NumGoroutine(),
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(out)
}
