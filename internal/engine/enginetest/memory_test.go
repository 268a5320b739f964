package enginetest_test

import (
	"testing"

	"maestro/internal/engine/enginetest"
	"maestro/internal/store"
	"maestro/internal/store/storetest"
)

// TestMemory holds the store of simulations to the promises of every store, but for definitions (storetest.Concurrent is
// left out, as it defines a workflow; Memory has one lock).
func TestMemory(t *testing.T) {
	t.Parallel()
	open := func(*testing.T) store.Store { return enginetest.NewMemory() }
	t.Run("Runs", func(t *testing.T) { storetest.Runs(t, open) })
	t.Run("Changes", func(t *testing.T) { storetest.Changes(t, open) })
	t.Run("Snapshots", func(t *testing.T) { storetest.Snapshots(t, open) })
	t.Run("Lists", func(t *testing.T) { storetest.Lists(t, open) })
	t.Run("Feed", func(t *testing.T) { storetest.Feed(t, open) })
	t.Run("Leases", func(t *testing.T) { storetest.Leases(t, open) })
	t.Run("Records", func(t *testing.T) { storetest.Records(t, open) })
}
