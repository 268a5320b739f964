package main

import (
	"bufio"
	"context"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	conformance = flag.Bool("conformance", false, "replay the runs recorded from the reference (make conformance)")
	only        = flag.String("only", "", "with -conformance: replay only cases whose name holds this")
)

// folders are the recorded cases this program is held to, and the arguments their replay needs.
var folders = [][]string{
	{"runs/definitions", "runs/yaml", "runs/overview", "runs/params", "runs/runs", "runs/steps", "runs/controls", "runs/triggers"},
	{"runs/events", "--events"},
}

// TestConformance replays the recorded cases against a server on a fresh store. A case may differ only where
// conformance/differs.txt (on purpose, see docs/deviations.md) or conformance/pending.txt (not there yet) names it, and
// a case that is named there and agrees is told, so that the lists stay honest.
func TestConformance(t *testing.T) {
	if !*conformance {
		t.Skip("run with -conformance, or make conformance")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("the recorded cases are replayed by conformance/replay.py, which needs python3")
	}
	dir, err := filepath.Abs("../../conformance")
	if err != nil {
		t.Fatal(err)
	}
	url := conformanceServer(t)
	allowed := slices.Concat(names(t, filepath.Join(dir, "differs.txt")), names(t, filepath.Join(dir, "pending.txt")))
	var differ []string
	for _, f := range folders {
		args := []string{"replay.py", "check", "--base", url, "-j", "24"}
		if *only != "" {
			args = append(args, "--only", *only)
		}
		cmd := exec.CommandContext(t.Context(), python, append(args, f...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if _, differs := err.(*exec.ExitError); err != nil && !differs { //nolint:errorlint // exec returns it bare
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		t.Logf("%s: %s", strings.Join(f, " "), lines[len(lines)-1])
		for i, line := range lines {
			name, ok := strings.CutPrefix(line, "DIFFERS ")
			if !ok {
				continue
			}
			name = strings.TrimSuffix(name, ".json")
			differ = append(differ, name)
			if !slices.Contains(allowed, name) {
				t.Errorf("%s differs from the reference:\n%s", name, strings.Join(lines[i+1:min(i+6, len(lines))], "\n"))
			}
		}
	}
	if *only == "" {
		for _, name := range allowed {
			if !slices.Contains(differ, name) {
				t.Logf("%s agrees now; take it off the list", name)
			}
		}
	}
}

// conformanceServer runs this program's server with what the cases need: HTTP steps to loopback and the stand-in's
// Kubernetes API.
func conformanceServer(t *testing.T) string {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "maestro")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), exe, "server", "--listen", addr, "--store", "sqlite:"+filepath.Join(t.TempDir(), "m.db"),
		"--log-level", "warn", "--http-allow", "127.0.0.1", "--kubernetes-enabled", "--kubernetes-api", "http://127.0.0.1:18998", "--cluster-name", "test")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	for range 200 {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return "http://" + addr
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("the server did not come up")
	return ""
}

// names reads a list of case names, one a line; what follows # is a comment.
func names(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	for s := bufio.NewScanner(f); s.Scan(); {
		line, _, _ := strings.Cut(s.Text(), "#")
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
