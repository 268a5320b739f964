//go:build linux || darwin

package sqlite_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"maestro/internal/store/sqlite"
)

// TestLockOfAKilledProcess opens a database whose lock a process left to one that it was just starting: that has copies
// of all descriptors until it executes its program.
func TestLockOfAKilledProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Lock(f); err != nil {
		t.Fatal(err)
	}
	child := exec.Command("sleep", "0.2")
	child.ExtraFiles = []*os.File{f}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	f.Close()

	open(t, path, sqlite.Options{})
}
