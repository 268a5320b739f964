package ring

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// skips are the files whose tests may skip, and when. All others run everywhere: what they read is in the repository.
var skips = map[string]string{
	"cmd/maestro/badinput_disk_linux_test.go": "a small file system cannot be mounted",
	"cmd/maestro/conformance_test.go":         "without -conformance, which make test gives; no python3",
	"cmd/maestro/crash_test.go":               "-short",
	"cmd/maestro/e2e_api_test.go":             "no curl",
	"cmd/maestro/e2e_cli_test.go":             "a shell that completions are parsed with is not installed",
	"cmd/maestro/e2e_pty_linux_test.go":       "no pseudo terminals",
	"cmd/maestro/e2e_sdk_test.go":             "no python3, or no network to install the SDK from",
	"cmd/maestro/e2e_store_test.go":           "no /proc",
	"cmd/maestro/e2e_test.go":                 "-short; no /proc",
	"cmd/maestro/outside_test.go":             "-short; no /proc",
	"cmd/maestro/samples_papermill_test.go":   "MAESTRO_PAPERMILL does not ask for it",
	"internal/engine/invariant_death_test.go": "it is what another test runs as a process",
	"internal/output/fuzz_test.go":            "fuzzing has made the input too long",
	"internal/server/conformance_test.go":     "no python3",
	"internal/step/shell/runtime_test.go":     "a small file system cannot be mounted",
	"internal/step/shell/script_test.go":      "no python3",
	"sel/budget_test.go":                      "-short",
	"sel/sel_test.go":                         "no go command",
}

var (
	skip    = regexp.MustCompile(`\b[a-z]+\.Skip(f|Now)?\(`)
	outside = regexp.MustCompile(`"shared"|MAESTRO_(REFERENCE|CONFORMANCE)`)
)

// TestSkips knows every test that may skip, and wants none to look for files outside of the repository: a test that is
// skipped in a clean clone proves nothing, and nobody sees it.
func TestSkips(t *testing.T) {
	root := filepath.Join("..", "..")
	found := make(map[string]bool)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		text, err := os.ReadFile(path)
		if err != nil || name == "internal/ring/skips_test.go" {
			return err
		}
		if skip.Match(text) {
			if found[name] = true; skips[name] == "" {
				t.Errorf("%s may skip, and is not in the list of those that may", name)
			}
		}
		if outside.Match(text) && !strings.Contains(name, "locks_bytes") {
			t.Errorf("%s looks for files outside of the repository", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range skips {
		if !found[name] {
			t.Errorf("%s does not skip; take it out of the list", name)
		}
	}
}
