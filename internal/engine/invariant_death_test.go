//go:build unix

package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"maestro/internal/engine"
	"maestro/internal/engine/enginetest"
	"maestro/internal/inflight"
	"maestro/internal/instance"
	"maestro/internal/language"
	"maestro/internal/scope"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/param"
	"maestro/spec"
)

// aLife is the variable that makes this test binary live one life of a server. Its value is the directory of its store.
const aLife = "MAESTRO_TEST_LIFE"

// deadly are params whose evaluation takes long enough for the process to die meanwhile, as it would of a stack that is
// exhausted: nothing in it has a say.
func deadly() string {
	var params []string
	for i := range 20 {
		params = append(params, fmt.Sprintf(`"d%d":{"type":"LONG","expression":"int n = 0; while (n < 9000) { int m = n * n; m = m * m; n = n + 1; } return n;"}`, i))
	}
	return "{" + strings.Join(params, ",") + "}"
}

// deadlyTemplate names the job template during whose use the process dies.
const deadlyTemplate = "deadly"

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// deadlyContext is of a request: the process dies when its evaluation looks whether anybody still waits for it.
type deadlyContext struct{ context.Context }

func (c deadlyContext) Err() error {
	if bytes.Contains(debug.Stack(), []byte("language.(*Language).Start")) {
		die()
	}
	return c.Context.Err()
}

// TestLife is that life: it starts what is not there yet, waits until nothing moves, and says what became of it.
func TestLife(t *testing.T) {
	dir := os.Getenv(aLife)
	if dir == "" {
		t.Skip("is run by others")
	}
	defaults, err := param.LoadDefaults(param.DefaultOverrides{})
	if err != nil {
		t.Fatal(err)
	}
	lang := language.New(language.Config{Exprs: scope.New(scope.Config{}), Defaults: defaults})
	s := openStore(t, filepath.Join(dir, "m.db"))
	guard, err := inflight.Open(t.Context(), filepath.Join(dir, "m.db.inflight"), s, time.Now().UnixMilli(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	b := &enginetest.Book{Templates: func(version string) (*instance.Template, error) {
		if version == deadlyTemplate {
			die()
		}
		return &instance.Template{}, nil
	}}
	shell := `{"step":{"id":"a","type":"Shell","transition":{"successors":{"b":"true"}}}}`
	for _, w := range [...]struct{ id, workflow, step string }{
		{"good", "", ""}, {"bad", "", `,"sub_type":"x","sub_type_version":"` + deadlyTemplate + `"`}, {"bad-start", `"params":` + deadly() + `,`, ""},
	} {
		if err := b.Push(w.id, parallel, w.workflow, shell, `{"step":{"id":"b","type":"Shell"`+w.step+`}}`); err != nil {
			t.Fatal(err)
		}
	}
	lives := filepath.Join(dir, "lives")
	last, _ := os.ReadFile(lives)
	if err := os.WriteFile(lives, append(last, '.'), 0o600); err != nil { // nothing is deadly yet
		t.Fatal(err)
	}
	w := &work{onStart: func(a *step.Attempt, r step.Reporter) {
		if a.WorkflowID == "bad" || len(last) > 1 { // good ones take their time
			r.Report(step.Report{State: step.Done})
		}
	}}
	e := engine.New(engine.Config{Guard: guard}, s, b, lang, map[spec.StepType]step.Runtime{spec.TypeShell: w}, quiet())
	if err := e.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	f := &fixture{Engine: e, work: w, store: s}
	said := make(map[string]string)
	first := os.Getenv("MAESTRO_TEST_FIRST")
	if len(last) == 0 {
		f.start(t, "good")
		if first == "bad" {
			f.start(t, "bad")
		}
	}
	switch first {
	case "bad-start":
		_, err := e.Start(deadlyContext{t.Context()}, engine.StartRequest{WorkflowID: "bad-start", Version: "latest", Initiator: manual()})
		said["bad-start"] = fmt.Sprint(err)
	case "bad":
		set := f.setAside(t, "bad")
		said["bad"] = set.Status.String()
		for _, l := range set.Lines {
			said["reason"] += string(l.Encode())
		}
	}
	said["good"] = f.await(t, engine.Started{WorkflowID: "good", Instance: 1}).Status.String()
	again := f.start(t, "good")
	said["later"] = f.await(t, again).Status.String()
	f.close(t)
	text, _ := json.Marshal(said)
	fmt.Println("SAID " + string(text))
}

// setAside waits until the first run of a workflow is set aside, and returns what can be read of it.
func (f *fixture) setAside(t *testing.T, id string) *instance.Run {
	t.Helper()
	grown, stop := f.Watch(0)
	defer stop()
	for late := time.After(20 * time.Second); ; {
		rows, err := f.List(t.Context(), id, store.RunQuery{Instance: 1, From: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 1 && rows[0].Ended > 0 {
			r, err := f.LoadDamaged(t.Context(), rows[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		select {
		case <-grown:
		case <-late:
			t.Fatalf("%s is not set aside: %+v", id, rows)
		}
	}
}

// oneLife has another process live it.
func oneLife(t *testing.T, dir, first string) (said map[string]string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLife$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), aLife+"="+dir, "MAESTRO_TEST_FIRST="+first)
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if text, ok := strings.CutPrefix(line, "SAID "); ok {
			if err := json.Unmarshal([]byte(text), &said); err != nil {
				t.Fatal(err)
			}
		}
	}
	if said == nil && err == nil {
		t.Fatalf("it lived and said nothing: %s", out)
	}
	return said, err
}

// TestInvariant_NoPoison_Death has a run, and a start, that kill the process whenever they are evaluated. They do so twice.
func TestInvariant_NoPoison_Death(t *testing.T) {
	t.Parallel()
	for first, want := range map[string]map[string]string{
		"bad":       {"bad": "FAILED", "reason": "died twice"},
		"bad-start": {"bad-start": "died twice"},
	} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for n := range 2 {
				if said, err := oneLife(t, dir, first); err == nil {
					t.Fatalf("life %d did not end by what is deadly: %v", n+1, said)
				}
			}
			said, err := oneLife(t, dir, first)
			if err != nil {
				t.Fatalf("the third life ended: %v", err)
			}
			if said["good"] != "SUCCEEDED" || said["later"] != "SUCCEEDED" {
				t.Errorf("other runs: %v", said)
			}
			for what, text := range want {
				if !strings.Contains(said[what], text) {
					t.Errorf("%s: %q, want %q", what, said[what], text)
				}
			}
			if said, err := oneLife(t, dir, first); err != nil {
				t.Errorf("the fourth life ended: %v %v", said, err)
			}
		})
	}
}
