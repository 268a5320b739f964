package node

import (
	"context"
	"fmt"
	"log/slog"

	"maestro/internal/config"
	"maestro/internal/inflight"
	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// openSQLite opens the file that the settings name.
func openSQLite(ctx context.Context, cfg *config.Config) (Store, error) {
	if cfg.Store.Driver != "sqlite" {
		return nil, fmt.Errorf("--store %s: this program keeps state in SQLite only; write it like sqlite:maestro.db", cfg.Store.Driver)
	}
	if err := checkStore(cfg.Store.Source); err != nil {
		return nil, err
	}
	db, err := sqlite.Open(ctx, cfg.Store.Source, sqlite.Options{LockWait: cfg.StoreLockWait})
	if err != nil {
		return nil, storeError(cfg.Store.Source, err)
	}
	return db, nil
}

// openGuard makes what remembers over the death of the process what was being evaluated then. Without it, as on a disk that
// is full, the server works as well, and is less safe.
func openGuard(ctx context.Context, source string, records store.Records, log *slog.Logger) *inflight.Guard {
	if source == sqlite.Memory {
		return nil
	}
	g, err := inflight.Open(ctx, source+".inflight", records, nowMillis(), log)
	if err != nil {
		log.Warn("what kills the server when it is evaluated cannot be found out", "error", err)
		return nil
	}
	return g
}
