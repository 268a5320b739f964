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
var folders = []struct {
	names []string
	args  []string
}{
	{names: []string{"definitions", "yaml", "overview", "params", "runs", "steps", "controls", "triggers"}},
	{names: []string{"events"}, args: []string{"--events"}},
}

// TestConformance replays the recorded cases against a server on a fresh store. A case may differ only where
// conformance/differs.txt names it (on purpose, see docs/deviations.md); those in conformance/pending.txt need what is
// not there yet and are left out.
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
	differs, pending := names(t, filepath.Join(dir, "differs.txt")), names(t, filepath.Join(dir, "pending.txt"))
	for _, f := range folders {
		args := append([]string{"replay.py", "check", "--base", url, "-j", "32"}, f.args...)
		if *only != "" {
			args = append(args, "--only", *only)
		}
		cases := casesOf(t, dir, f.names, pending)
		cmd := exec.CommandContext(t.Context(), python, append(args, cases...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if _, differs := err.(*exec.ExitError); err != nil && !differs {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		t.Logf("%s: %s", strings.Join(f.names, " "), lines[len(lines)-1])
		if !strings.Contains(lines[len(lines)-1], "passed") {
			t.Errorf("the replay did not come to its end:\n%s", strings.Join(lines[max(0, len(lines)-10):], "\n"))
		}
		for i, line := range lines {
			name, ok := strings.CutPrefix(line, "DIFFERS ")
			if !ok {
				continue
			}
			name = strings.TrimSuffix(name, ".json")
			if !slices.Contains(differs, name) {
				t.Errorf("%s differs from the reference:\n%s", name, strings.Join(lines[i+1:min(i+6, len(lines))], "\n"))
			}
		}
	}
}

// casesOf returns the files of the folders' cases, but for the pending ones.
func casesOf(t *testing.T, dir string, folders, pending []string) []string {
	t.Helper()
	var cases []string
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(dir, "runs", folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no cases in runs/%s: %v", folder, err)
		}
		for _, file := range files {
			name := "runs/" + folder + "/" + strings.TrimSuffix(filepath.Base(file), ".json")
			if !slices.Contains(pending, name) {
				cases = append(cases, name+".json")
			}
		}
	}
	return cases
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
		"--log-level", "warn", "--http-allow", "127.0.0.1", "--kubernetes-enabled", "--kubernetes-api", "http://127.0.0.1:18998", "--cluster-name", "test",
		"--output-data-require-token=false")
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
