package main

import (
	"path/filepath"
	"testing"

	"maestro/internal/store/sqlite"
)

// TestInstallation gives each store an identity that stays and that no other has.
func TestInstallation(t *testing.T) {
	t.Parallel()
	identity := func(file string) string {
		db, err := sqlite.Open(t.Context(), file, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		id, err := installation(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := installation(t.Context(), db); again != id || err != nil {
			t.Errorf("asked again: %q, error %v; want %q", again, err, id)
		}
		return id
	}
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.db"), filepath.Join(dir, "two.db")
	first := identity(one)
	if first == "" || identity(one) != first {
		t.Error("the identity does not stay")
	}
	if identity(two) == first {
		t.Error("two stores have the same identity")
	}
}
