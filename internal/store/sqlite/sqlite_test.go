package sqlite_test

import (
	"path/filepath"
	"testing"

	"maestro/internal/store"
	"maestro/internal/store/sqlite"
	"maestro/internal/store/storetest"
)

// open returns a store that the test closes.
func open(t *testing.T, path string, opt sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.All(t, func(t *testing.T) store.Store {
		return open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Options{NoSync: true})
	})
}

func TestStoreInMemory(t *testing.T) {
	t.Parallel()
	storetest.All(t, func(t *testing.T) store.Store {
		return open(t, sqlite.Memory, sqlite.Options{})
	})
}

func TestDurable(t *testing.T) {
	t.Parallel()
	storetest.Durable(t, func(t *testing.T) func() store.Store {
		path := filepath.Join(t.TempDir(), "test.db")
		return func() store.Store { return open(t, path, sqlite.Options{}) }
	})
}
