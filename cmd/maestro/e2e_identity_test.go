package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The tests in this file start runs that their callers name alike. What a run does outside is its own all the same.

// sharedID is a request id that everybody uses.
const sharedID = "11111111-2222-4333-8444-555555555555"

// outsideWorld is a server and all that its steps do, by runtime: a definition's step, and what was done, as ids of
// workflows in no order.
type outsideWorld struct {
	*daemon
	step map[string]func(id string) string
	did  map[string]func() []string
}

// newOutsideWorld returns one. Notebooks are run by pods or, with local, on this machine.
func newOutsideWorld(t *testing.T, local bool) *outsideWorld {
	t.Helper()
	n := newMachine(t)
	dir := t.TempDir()
	file := func(name string) (path string, did func() []string) {
		path = filepath.Join(dir, name)
		return path, func() []string {
			text, _ := os.ReadFile(path)
			return strings.Fields(string(text))
		}
	}
	var mu sync.Mutex
	var calls []string
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, strings.TrimPrefix(r.URL.Path, "/"))
	}))
	t.Cleanup(service.Close)
	args := []string{"--http-allow", "127.0.0.1", "--kubernetes-enabled", "--kubernetes-api", n.cluster.URL}
	if local {
		args = nil
	}
	o := &outsideWorld{
		daemon: serve(t, args...), step: make(map[string]func(string) string), did: make(map[string]func() []string),
	}
	one := func(kind, params string, args ...any) string {
		return fmt.Sprintf(`{"step":{"id":"load","type":%q,"params":{`+params+`}}}`, append([]any{kind}, args...)...)
	}
	shellFile, shellDid := file("shell")
	o.step["shell"] = func(id string) string {
		return one("Shell", `"shell":{"type":"MAP","value":{"script":{"type":"STRING","value":"echo %[2]s >> %[3]s; echo this is %[2]s"}}}`, id, shellFile)
	}
	o.did["shell"] = shellDid
	o.step["http"] = func(id string) string {
		return one("Http", `"http":{"type":"MAP","value":{"url":{"type":"STRING","value":"%[3]s/%[2]s"},"method":{"type":"STRING","value":"GET"}}}`, id, service.URL)
	}
	o.did["http"] = func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(calls)
	}
	podsFile, podsDid := file("pods")
	o.step["kubernetes"] = func(id string) string {
		return one("Kubernetes", `"kubernetes":{"type":"MAP","value":{"image":{"type":"STRING","value":"busybox"},"entrypoint":{"type":"STRING","value":"echo %[2]s >> %[3]s; echo this is %[2]s"}}}`, id, podsFile)
	}
	o.did["kubernetes"] = podsDid
	noteFile, noteDid := file("notebook")
	o.step["notebook"] = func(id string) string {
		return one("Notebook", `"kubernetes":{"type":"MAP","value":{"image":{"type":"STRING","value":"python"},
				"env":{"type":"STRING_MAP","value":{"HOME":%[4]q,%[5]q:"%[4]s/calls"}}}},
			"notebook":{"type":"MAP","value":{"input_path":{"type":"STRING","value":%[7]q},"init_command":{"type":"STRING","value":"PATH=%[6]s:$$PATH;"}}},
			"script":{"type":"STRING","value":"echo %[2]s >> %[3]s"}`, id, noteFile, dir, standsIn, n.bin, write(t, dir, "in.ipynb", notebookText))
	}
	o.did["notebook"] = noteDid
	return o
}

// put stores a workflow with one step.
func (o *outsideWorld) put(id, step, more string) {
	o.t.Helper()
	o.push(fmt.Sprintf(`{"properties":{"owner":"tester"},"workflow":{"id":%q,"steps":[%s]%s}}`, id, step, more))
}

// request starts a run with the request id that everybody uses, wants it to succeed, and returns the uuid of its attempt.
func (o *outsideWorld) request(id string) string {
	o.t.Helper()
	r := o.call("POST", "/api/v3/workflows/"+id+"/versions/active/actions/start", fmt.Sprintf(`{"initiator":{"type":"manual"},"request_id":%q}`, sharedID))
	n, _ := r.json("workflow_instance_id").(float64)
	if got := r.json("workflow_uuid"); got != sharedID || n == 0 {
		o.t.Fatalf("start %s: %d %s", id, r.status, r.body)
	}
	return o.succeeds(id, int64(n))
}

func (o *outsideWorld) succeeds(id string, n int64) string {
	o.t.Helper()
	got := o.ends(id, n)
	last := o.call("GET", fmt.Sprintf("/api/v3/workflows/%s/instances/%d/steps/load", id, n), "")
	if got != "SUCCEEDED" {
		o.t.Errorf("%s/%d ended as %s: %s", id, n, got, last.body)
	}
	uuid, _ := last.json("step_uuid").(string)
	return uuid
}

// TestOneRequestIDForTwoWorkflows starts two workflows with one request id, and deletes one of them and starts it again
// with the same id, on every runtime: each of the three runs does its own work.
func TestOneRequestIDForTwoWorkflows(t *testing.T) {
	t.Parallel()
	o, local := newOutsideWorld(t, false), newOutsideWorld(t, true)
	for _, kind := range []string{"shell", "http", "kubernetes", "notebook", "local notebook"} {
		t.Run(kind, func(t *testing.T) {
			o := o
			if kind == "local notebook" {
				o, kind = local, "notebook"
			}
			var uuids []string
			a, b := kind+".a", kind+".b"
			for _, id := range []string{a, b} {
				o.put(id, o.step[kind](id), "")
				uuids = append(uuids, o.request(id))
			}
			if r := o.call("DELETE", "/api/v3/workflows/"+a, ""); r.status >= 300 {
				t.Fatalf("delete: %d %s", r.status, r.body)
			}
			again := kind + ".again" // what it does now, so that it can be told from what it did
			o.put(a, o.step[kind](again), "")
			uuids = append(uuids, o.request(a))
			if got, want := o.did[kind](), []string{a, b, again}; !slices.Equal(got, want) {
				t.Errorf("the work of %q was done, want %q", got, want)
			}
			slices.Sort(uuids)
			if len(slices.Compact(uuids)) != 3 {
				t.Errorf("the attempts are %q", uuids)
			}
		})
	}
	for id, want := range map[string]string{"shell.a/2": "again", "shell.b/1": "shell.b", "kubernetes.b/1": "kubernetes.b"} {
		log, errs, _ := o.cli("logs", id+"/load")
		if !strings.Contains(log, "this is") || !strings.Contains(log, want) {
			t.Errorf("the log of %s is %q %s, want it to say %s", id, log, errs, want)
		}
	}
}

// TestStopOneOfTwo stops one of two runs with the same request id: the other one goes on.
func TestStopOneOfTwo(t *testing.T) {
	t.Parallel()
	o := newOutsideWorld(t, true)
	goOn := filepath.Join(t.TempDir(), "go-on")
	for _, id := range []string{"one", "two"} {
		o.put(id, fmt.Sprintf(`{"step":{"id":"load","type":"Shell","params":{"shell":{"type":"MAP","value":{"script":{"type":"STRING","value":"while [ ! -e %s ]; do sleep 0.05; done"}}}}}}`, goOn), "")
		if r := o.call("POST", "/api/v3/workflows/"+id+"/versions/active/actions/start", fmt.Sprintf(`{"initiator":{"type":"manual"},"request_id":%q}`, sharedID)); r.status != 200 {
			t.Fatalf("start %s: %d %s", id, r.status, r.body)
		}
	}
	for _, id := range []string{"one", "two"} {
		eventually(t, id+" runs", func() bool {
			return o.call("GET", "/api/v3/workflows/"+id+"/instances/1/steps/load", "").json("runtime_state", "status") == "RUNNING"
		})
	}
	o.call("PUT", "/api/v3/workflows/one/instances/1/actions/stop", "")
	if got := o.ends("one", 1); got != "STOPPED" {
		t.Errorf("the one that was stopped is %s", got)
	}
	if got := o.status("two", 1); got != "IN_PROGRESS" {
		t.Errorf("the other one is %s", got)
	}
	write(t, filepath.Dir(goOn), "go-on", "")
	if got := o.ends("two", 1); got != "SUCCEEDED" {
		t.Errorf("the other one ended as %s", got)
	}
}

// TestOneDedupForThreeTriggers announces one signal to three workflows whose triggers name their runs alike.
func TestOneDedupForThreeTriggers(t *testing.T) {
	t.Parallel()
	o := newOutsideWorld(t, true)
	ids := []string{"first", "second", "third"}
	for _, id := range ids {
		o.put(id, o.step["shell"](id), `,"signal_triggers":[{"definitions":{"ready":{}},"dedup_expr":"return 'the-day';"}]`)
	}
	if r := o.call("POST", "/api/v3/signals", `{"name":"ready"}`); r.status != 200 {
		t.Fatalf("announce: %d %s", r.status, r.body)
	}
	for _, id := range ids {
		eventually(t, id+" is started", func() bool { return o.status(id, 1) != "" })
		o.succeeds(id, 1)
	}
	if got := slices.Sorted(slices.Values(o.did["shell"]())); !slices.Equal(got, ids) {
		t.Errorf("the work of %q was done, want %q", got, ids)
	}
}
