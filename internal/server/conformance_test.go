package server

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestConformance replays the recorded cases that need no run against this package alone. Cases with runs are replayed
// against the whole program.
func TestConformance(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("the recorded cases are replayed by conformance/replay.py, which needs python3")
	}
	const root = "../../conformance"
	cases := casesWithoutRuns(t, filepath.Join(root, "runs"))
	h := newHarness(t, nil)
	args := []string{filepath.Join(root, "replay.py"), "check", "--base", h.url, "-j", "4"}
	if testing.Verbose() {
		args = append(args, "-v")
	}
	out, err := exec.CommandContext(t.Context(), "python3", append(args, cases...)...).CombinedOutput()
	t.Logf("%d cases: %s", len(cases), out)
	if err != nil {
		t.Error(err)
	}
}

// casesWithoutRuns returns the files whose calls neither start runs nor look at them.
func casesWithoutRuns(t *testing.T, root string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases below %s: %v", root, err)
	}
	var cases []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var c struct{ Calls []struct{ Path string } }
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatal(err)
		}
		needsRun := false
		for _, call := range c.Calls {
			for _, word := range []string{"/actions/start", "/instances", "/breakpoints", "/tag-permits", "/signals", "/actions/unblock", "/actions/stop", "/output-data", "/views/"} {
				needsRun = needsRun || strings.Contains(call.Path, word)
			}
		}
		if !needsRun {
			cases = append(cases, f)
		}
	}
	return cases
}
