package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maestro/internal/bench"
)

const unknownTask = "unknown step type `Task`"

const taskDefinition = `{"properties":{"owner":"tester"},"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"Task"}}]}}`

// TestTask_Unknown has every way into the program refuse the step type of the benchmark.
func TestTask_Unknown(t *testing.T) {
	t.Parallel()
	d := serve(t)
	file := filepath.Join(d.dir, "task.json")
	if err := os.WriteFile(file, []byte(taskDefinition), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"validate", file},
		{"validate", "--remote", "--server", d.url, file},
		{"push", "--server", d.url, file},
		{"run", file},
	} {
		out, errs, code := maestro(t, d.dir, nil, args...)
		if code != exitFailed || !strings.Contains(out+errs, unknownTask) {
			t.Errorf("maestro %s ends with %d and says\n%s%s", strings.Join(args, " "), code, out, errs)
		}
	}
	if a := d.call("POST", "/api/v3/workflows", taskDefinition); a.status != 400 || !strings.Contains(a.body, unknownTask) {
		t.Errorf("a push over HTTP is answered %d %s", a.status, a.body)
	}
}

// TestTask_Left opens a store of a benchmark with a server that does not know its step type: what uses it is refused with
// its name, and everything else goes on.
func TestTask_Left(t *testing.T) {
	t.Parallel()
	d := serve(t)
	d.stop()
	production := d.args
	d.args = append([]string{"bench"}, production...)
	d.start()
	d.push(taskDefinition)
	if s := d.ends("w", d.begin("w")); s != "SUCCEEDED" {
		t.Errorf("on a server for benchmarks, the run is %s", s)
	}
	d.stop()
	d.args = production
	d.start()
	if a := d.call("POST", "/api/v3/workflows/w/versions/active/actions/start", `{"initiator":{"type":"manual"}}`); a.status != 400 || !strings.Contains(a.body, unknownTask) {
		t.Errorf("a start is answered %d %s", a.status, a.body)
	}
	d.push(strings.NewReplacer(`"w"`, `"other"`, "Task", "NoOp").Replace(taskDefinition))
	if s := d.ends("other", d.begin("other")); s != "SUCCEEDED" {
		t.Errorf("a run beside it is %s", s)
	}
}

// TestBench measures a server of its own, which knows the type.
func TestBench(t *testing.T) {
	t.Parallel()
	out, errs, code := maestro(t, t.TempDir(), nil, "bench", "hop", "2", "--for", "100ms", "--json")
	var rows []bench.Row
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != exitOK || len(rows) != 1 {
		t.Fatalf("maestro bench ends with %d (%v) and says\n%s%s", code, err, out, errs)
	}
	if r := rows[0]; r.Workload != "hop" || r.Step != "task" || r.P50 <= 0 || r.CommitsStep <= 0 {
		t.Errorf("measured %+v", r)
	}
	for _, args := range [][]string{{"bench", "walk"}, {"bench", "chain", "none"}, {"bench", "--step", "shell"}, {"bench", "--rate", "0"}} {
		if out, errs, code := maestro(t, t.TempDir(), nil, args...); code != exitUsage {
			t.Errorf("maestro %s ends with %d and says\n%s%s", strings.Join(args, " "), code, out, errs)
		}
	}
}
