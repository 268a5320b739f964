package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maestro/internal/config"
	"maestro/internal/node"
	"maestro/internal/step"
	"maestro/spec"
)

var makeStore = flag.String("make-store", "", "write a new store file with runs of every kind to testdata/stores/NAME, as this version makes it")

// A folder of testdata/stores holds a store that some version of the program has written, and what that version showed
// of its runs:
//
//	maestro.db.gz  the store, compressed
//	shown.txt      a line with the time at which it was closed, then each answer under its path
//
// Every later version has to open it, show the same, and bring the runs to their ends. It is never written again; when the
// answers change on purpose, -rewrite accepts those of this version.
//
// Time is virtual: the timers of such runs, and their timeouts, are due a while after the store was closed, however long
// ago that is.

const storesDir = "testdata/stores"

// TestStores opens the stores of earlier versions.
func TestStores(t *testing.T) {
	if *makeStore != "" {
		t.Run("make", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newStore(t, filepath.Join(storesDir, *makeStore)) })
		})
	}
	folders, err := filepath.Glob(storesDir + "/*/shown.txt")
	if err != nil || len(folders) == 0 {
		t.Fatalf("there are no stores in %s: %v", storesDir, err)
	}
	for _, file := range folders {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { oldStore(t, dir) })
		})
	}
}

// newStore makes a store with runs of every kind.
func newStore(t *testing.T, dir string) {
	file := filepath.Join(t.TempDir(), "maestro.db")
	h := openHouse(t, file)
	makeRuns(h)
	at, shown := time.Now(), h.shown()
	h.close()

	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(db)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "maestro.db.gz"), packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	writeShown(t, dir, at, shown)
}

// oldStore opens a store, shows what is in it, and brings all of it to its end.
func oldStore(t *testing.T, dir string) {
	packed, err := os.Open(filepath.Join(dir, "maestro.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	db, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "maestro.db")
	if err := os.WriteFile(file, db, 0o644); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "shown.txt"))
	if err != nil {
		t.Fatal(err)
	}
	first, text, _ := strings.Cut(string(want), "\n")
	ms, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(ms)
	time.Sleep(time.Until(at))

	h := openHouse(t, file)
	<-h.node.Recovered()
	h.quiet()
	shown := h.shown()
	if *rewrite {
		writeShown(t, dir, at, shown)
	} else if shown != text {
		at := 0
		for at < min(len(shown), len(text)) && shown[at] == text[at] {
			at++
		}
		near := func(s string) string { return s[max(0, at-200):min(len(s), at+200)] }
		t.Errorf("what is shown differs in line %d: it was\n%s\nand is\n%s", 2+strings.Count(text[:at], "\n"), near(text), near(shown))
	}
	finish(h)
	h.close()
}

func writeShown(t *testing.T, dir string, at time.Time, shown string) {
	t.Helper()
	text := fmt.Sprintf("%d\n%s", at.UnixMilli(), shown)
	if err := os.WriteFile(filepath.Join(dir, "shown.txt"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// house is a whole server without a listener, whose shell steps do what the test says.
type house struct {
	t      *testing.T
	node   *node.Node
	closed bool

	mu       sync.Mutex
	finishes bool         // every attempt that is begun or found again ends well
	held     []unfinished // those that were not told to end
}

// unfinished is an attempt that its runtime was told to begin and has not said the end of.
type unfinished struct {
	attempt *step.Attempt
	to      step.Reporter
}

func openHouse(t *testing.T, file string) *house {
	t.Helper()
	cfg, err := config.New().Load(config.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Store = config.Store{Driver: "sqlite", Source: file}
	cfg.DataDir = filepath.Join(filepath.Dir(file), "data")
	h := &house{t: t}
	h.node = node.New(node.Config{
		Settings: cfg, Log: slog.New(slog.DiscardHandler), Runtimes: map[spec.StepType]step.Runtime{spec.TypeShell: h},
	})
	if err := h.node.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close) // also when the test gives up
	return h
}

func (h *house) close() {
	h.t.Helper()
	if h.closed {
		return
	}
	h.closed = true
	if err := h.node.Stop(); err != nil {
		h.t.Error(err)
	}
}

// quiet waits until nothing moves that does not wait for time. What is on its way to the disk does not count as waiting.
func (h *house) quiet() {
	time.Sleep(time.Second)
	synctest.Wait()
}

// Start implements step.Runtime. A script is what becomes of its attempt.
func (h *house) Start(_ context.Context, a *step.Attempt, r step.Reporter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	script := ""
	if p := a.Params.Lookup("shell"); p != nil {
		if v, ok := p.Result.Texts().Get("script"); ok {
			script = v
		}
	}
	artifact := func(key, json string) map[string][]byte { return map[string][]byte{key: []byte(json)} }
	begun := step.Report{State: step.Continue, Artifacts: artifact("maestro_shell", `{"pid":7,"host":"here"}`), Timeline: []step.Line{{Message: "the process has begun"}}}
	switch {
	case h.finishes, script == "done":
		out := &step.Output{Artifacts: artifact("report", `{"pages":[1,2]}`)}
		if a.Params.Has("rows") {
			out.Params = []byte(`{"rows":{"type":"LONG","value":1,"evaluated_result":7,"evaluated_time":5}}`)
		}
		r.Report(begun)
		r.Report(step.Report{State: step.Done, Artifacts: artifact("maestro_shell", `{"exit_code":0}`), Output: out})
	case a.Again:
		h.held = append(h.held, unfinished{a, r})
	case script == "fail":
		r.Report(step.Report{State: step.UserError, Begun: true, Timeline: []step.Line{{Level: step.Err, Message: "it failed", Errors: []string{"exit code 3"}, Code: "USER_ERROR"}}})
	case script == "signals":
		r.Report(step.Report{State: step.Done, Output: &step.Output{Artifacts: artifact("dynamic_output", `{"type":"DYNAMIC_OUTPUT","signal_outputs":[{"evaluated_result":{"name":"reported","n":3,"more":[1]}}],"info":{"type":"LOG"}}`)}})
	case script == "many": // so many entries that not all of them are read to know the present
		r.Report(begun)
		for i := range 400 {
			r.Report(step.Report{State: step.Continue, Artifacts: artifact("progress", fmt.Sprintf(`{"at":%d}`, i))})
		}
		h.held = append(h.held, unfinished{a, r})
	default:
		r.Report(begun)
		h.held = append(h.held, unfinished{a, r})
	}
}

// Stop implements step.Runtime. A script may refuse.
func (h *house) Stop(_ context.Context, a *step.Attempt, r step.Reporter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := a.Params.Lookup("shell"); p != nil && !h.finishes {
		if v, _ := p.Result.Texts().Get("script"); v == "stubborn" {
			return
		}
	}
	r.Report(step.Report{State: step.Stopped})
}

// call makes a request and returns the answer.
func (h *house) call(method, path, body string) (int, string) {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("user", "tester")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.node.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// must is call for a request that succeeds.
func (h *house) must(method, path, body string) string {
	h.t.Helper()
	status, text := h.call(method, path, body)
	if status != http.StatusOK && status != http.StatusCreated && status != http.StatusAccepted {
		h.t.Fatalf("%s %s %s: %d %s", method, path, body, status, text)
	}
	return text
}

// workflows are the ids there are.
func (h *house) workflows() (ids []string) {
	h.t.Helper()
	list := h.must("GET", "/api/v3/workflows?first=200", "")
	for i := 0; ; i++ {
		id, ok := dig(list, "elements", i, "workflow_id").(string)
		if !ok {
			return ids
		}
		ids = append(ids, id)
	}
}

// runsOf returns the paths of all runs of a workflow, oldest first.
func (h *house) runsOf(id string) (paths []string) {
	for n := 1; ; n++ {
		for r := 1; ; r++ {
			path := fmt.Sprintf("/api/v3/workflows/%s/instances/%d/runs/%d", id, n, r)
			if status, _ := h.call("GET", path, ""); status == http.StatusNotFound {
				if r == 1 {
					return paths
				}
				break
			}
			paths = append(paths, path)
		}
	}
}

// shown is what clients can see of everything there is.
func (h *house) shown() string {
	h.t.Helper()
	var out strings.Builder
	show := func(path string) string {
		status, text := h.call("GET", path, "")
		fmt.Fprintf(&out, "%s %d %s\n", path, status, strings.TrimSpace(text))
		return text
	}
	for _, id := range h.workflows() {
		show("/api/v3/workflows/" + id + "/overview")
		for _, run := range h.runsOf(id) {
			show(run + "?enriched=true")
			steps := show(run + "/steps")
			for i := 0; ; i++ {
				step, ok := dig(steps, i, "step_id").(string)
				if !ok {
					break
				}
				last, _ := dig(steps, i, "step_attempt_id").(float64)
				for n := 1; n < int(last); n++ {
					show(fmt.Sprintf("%s/steps/%s/attempts/%d", run, step, n))
				}
			}
		}
	}
	for after := "0"; ; {
		page := show("/api/v3/events?limit=1000&after=" + after)
		next, _ := dig(page, "next").(string)
		if next == "" || next == after {
			break
		}
		after = next
	}
	return out.String()
}
