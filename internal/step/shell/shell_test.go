//go:build linux

package shell

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"maestro/internal/step"
	"maestro/internal/step/steptest"
	"maestro/param"
)

func TestConformance(t *testing.T) {
	steptest.Run(t, steptest.Harness{New: newWorld, CanReattach: true, ExactlyOnce: true, CanStop: true, SlowStop: true, Identity: true})
}

// newWorld is a directory. Work leaves its traces in files: one line per beginning, a file that lets it end.
func newWorld(t *testing.T) steptest.World {
	dir := tempDir(t)
	trace := func(a *step.Attempt, name string) string { return filepath.Join(dir, a.UUID+"."+name) }
	return steptest.World{
		Open: func(t *testing.T) (step.Runtime, func()) {
			rt := open(t, dir)
			return rt, rt.Close
		},
		Attempt: func(t *testing.T, w steptest.Work, uuid string) *step.Attempt {
			a := attempt(uuid, nil)
			begin := fmt.Sprintf("echo $$ >> %s\n", trace(a, "began"))
			script := begin + map[steptest.Work]string{
				steptest.Succeeds: "exit 0",
				steptest.Fails:    "echo oops >&2; exit 3",
				steptest.Holds:    fmt.Sprintf("while [ ! -e %s ]; do sleep 0.02; done", trace(a, "finish")),
				steptest.Forever:  "sleep 600 & sleep 600",
				steptest.Stubborn: "trap '' TERM; sleep 600 & while true; do sleep 0.05; done",
			}[w]
			a.Params = shellParams("script", script, "kill_grace_seconds", int64(1))
			return a
		},
		Began: func(a *step.Attempt) int { return strings.Count(read(trace(a, "began")), "\n") },
		Alive: func(a *step.Attempt) bool { return len(alive(a.UUID)) > 0 },
		Misplace: func(t *testing.T, from, to *step.Attempt) {
			attempts := filepath.Join(dir, "data", "attempts")
			if err := os.Rename(filepath.Join(attempts, from.Identity()), filepath.Join(attempts, to.Identity())); err != nil {
				t.Fatal(err)
			}
		},
		Finish: func(a *step.Attempt) { os.WriteFile(trace(a, "finish"), nil, 0o600) },
	}
}

var attempts atomic.Int64

// attempt returns an attempt whose param shell has these entries: name, value, name, value.
func attempt(uuid string, params *param.Params) *step.Attempt {
	if uuid == "" {
		uuid = fmt.Sprintf("a%d-%d", time.Now().UnixNano(), attempts.Add(1))
	}
	return &step.Attempt{
		UUID: uuid, WorkflowID: "wf", Instance: 7, Run: 2, StepID: "job", Number: 3, Params: params, Started: time.Now(),
	}
}

func shellParams(kv ...any) *param.Params {
	m := &param.Values{}
	for i := 0; i < len(kv); i += 2 {
		m.Set(kv[i].(string), value(kv[i+1]))
	}
	p := &param.Params{}
	set(p, "shell", param.MapValue(m))
	return p
}

func set(p *param.Params, name string, v param.Value) {
	p.Set(name, param.Param{Def: &param.Def{Type: v.Type()}, Result: v, Evaluated: true, Time: 1})
}

func value(v any) param.Value {
	switch v := v.(type) {
	case string:
		return param.StringValue(v)
	case int64:
		return param.LongValue(v)
	case bool:
		return param.BooleanValue(v)
	case []string:
		return param.StringArrayValue(v)
	case []int64:
		return param.LongArrayValue(v)
	case map[string]string:
		m := &param.Texts{}
		for name, text := range v {
			m.Set(name, text)
		}
		return param.StringMapValue(m)
	}
	panic(fmt.Sprintf("no value of %T", v))
}

func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // a test that failed leaves nothing behind either
		begun, _ := filepath.Glob(dir + "/*/attempts/*/" + fileBegun)
		for _, name := range begun {
			f := folder(filepath.Dir(name))
			b, _ := readRecord[birth](f, fileBegun)
			if e, _ := f.ending(); e == nil && b != nil && startOf(b.Supervisor) == b.Start && b.Supervisor != os.Getpid() {
				syscall.Kill(b.Supervisor, syscall.SIGKILL)
				for _, pid := range sessionMembers(b.Supervisor, b.Start) {
					syscall.Kill(pid, syscall.SIGKILL)
				}
			}
		}
	})
	return dir
}

func config(dir string, crash ...string) Config {
	return Config{Dir: filepath.Join(dir, "data"), Supervisor: append([]string{os.Args[0], "supervise"}, crash...), Host: "here"}
}

func open(t *testing.T, dir string) *Runtime { return openWith(t, config(dir)) }

func openWith(t *testing.T, cfg Config) *Runtime {
	t.Helper()
	rt, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rt.Close)
	return rt
}

// run runs one attempt to its end.
func run(t *testing.T, kv ...any) step.Report {
	t.Helper()
	return runParams(t, shellParams(kv...))
}

func runParams(t *testing.T, params *param.Params) step.Report {
	t.Helper()
	r := steptest.NewRecorder(10 * time.Second)
	open(t, tempDir(t)).Start(t.Context(), attempt("", params), r)
	return r.Final(t)
}

func want(t *testing.T, got step.Report, state step.State) {
	t.Helper()
	if got.State != state {
		t.Fatalf("ended with %s, want %s; timeline: %+v", got.State, state, got.Timeline)
	}
}

// about returns the artifact of a report.
func about(t *testing.T, r step.Report) (a artifact) {
	t.Helper()
	if err := json.Unmarshal(r.Artifacts[artifactKey], &a); err != nil {
		t.Fatalf("artifact %s: %v", r.Artifacts[artifactKey], err)
	}
	return a
}

func read(name string) string {
	text, _ := os.ReadFile(name)
	return string(text)
}

// alive returns the processes that work for an attempt, found by their environment.
func alive(uuid string) (pids []int) {
	entries, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, e := range entries {
		if strings.Contains(read(e), "MAESTRO_STEP_INSTANCE_UUID="+uuid+"\x00") {
			pid, _ := strconv.Atoi(strings.Split(e, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
