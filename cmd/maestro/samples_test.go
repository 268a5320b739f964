package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sample returns a definition of testdata/samples, which are like the samples that the reference comes with.
func sample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "samples", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// runSample pushes a definition, runs it and wants it to succeed. It returns the last attempt of a step.
func runSample(t *testing.T, d *daemon, definition, step string) reply {
	t.Helper()
	d.push(definition)
	id, _ := dig(definition, "workflow", "id").(string)
	n := d.begin(id)
	got := d.ends(id, n)
	last := d.call("GET", fmt.Sprintf("/api/v3/workflows/%s/instances/%d/steps/%s", id, n, step), "")
	if got != "SUCCEEDED" {
		t.Fatalf("%s ended as %s: %s", id, got, last.body)
	}
	return last
}

// wantParam checks what a step's param came to.
func wantParam(t *testing.T, step reply, name string, want any) {
	t.Helper()
	if got := step.json("params", name, "evaluated_result"); got != want {
		t.Errorf("param %s is %v, want %v", name, got, want)
	}
}

// wantSignal checks that a signal was announced, and returns its newest instance.
func wantSignal(t *testing.T, d *daemon, name string) reply {
	t.Helper()
	r := d.call("GET", "/api/v3/signals/"+strings.ReplaceAll(name, "/", "%2F")+"/instances/latest", "")
	if r.status != 200 {
		t.Errorf("signal %s was not announced: %d %s", name, r.status, r.body)
	}
	return r
}

// TestKubernetesSamples runs the samples of Kubernetes steps on a cluster whose pods are local processes.
func TestKubernetesSamples(t *testing.T) {
	t.Parallel()
	for name, check := range map[string]func(t *testing.T, d *daemon, step reply, log string){
		"kubernetes.json": func(t *testing.T, _ *daemon, _ reply, log string) {
			wants(t, log, "hello world\n")
		},
		"kubernetes-output.json": func(t *testing.T, d *daemon, step reply, log string) {
			wants(t, log, "hello world\n")
			wantParam(t, step, "foo", "bar")
			wantSignal(t, d, "demo_table")
		},
		"kubernetes-env.json": func(t *testing.T, d *daemon, step reply, log string) {
			wants(t, log, "error retries: 0\n")
			wantParam(t, step, "foo", "bar")
			wantSignal(t, d, "demo_table")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := sample(t, name)
			n := newMachine(t)
			d := serve(t, "--kubernetes-enabled", "--kubernetes-api", n.cluster.URL)
			id, _ := dig(text, "workflow", "id").(string)
			step := "job1"
			if strings.Contains(text, `"job.2"`) {
				step = "job.2"
			}
			last := runSample(t, d, text, step)
			log, _, _ := d.cli("logs", id+"/1/"+step)
			check(t, d, last, log)
			pod := n.only(t)
			if got := pod.Image(); got != "busybox" {
				t.Errorf("image %s", got)
			}
			if got := last.json("artifacts", "maestro_kubernetes", "job_id"); got != pod.Metadata.Name {
				t.Errorf("job_id %v, want %s", got, pod.Metadata.Name)
			}
		})
	}
}

// TestNotebookSamples runs the samples of notebook steps. The pod runs what it is told to, with stand-ins for
// what it installs.
func TestNotebookSamples(t *testing.T) {
	t.Parallel()
	install := "python3 -m pip --no-cache-dir install notebook papermill"
	for name, c := range map[string]struct {
		input  string
		before []string
		dir    string // where papermill runs
	}{
		"notebook.json": {
			input:  "https://notebooks.example.org/examples/demo01.ipynb",
			before: []string{install},
		},
		"notebook-git.json": {
			input: "demo01.ipynb",
			before: []string{
				"apt-get update", "apt install -y git-all", install,
				"git clone https://git.example.org/notebooks.git maestro_notebook_git_repo",
			},
			dir: "maestro_notebook_git_repo/examples",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := sample(t, name)
			n := newMachine(t)
			d := serve(t, "--kubernetes-enabled", "--kubernetes-api", n.cluster.URL)
			last := runSample(t, d, text, "job.2")
			wantParam(t, last, "foo", "bar") // as the script says, which the notebook runs
			wantSignal(t, d, "demo_table")

			pod := n.only(t)
			if got := pod.Spec.Containers[0]; pod.Image() != "python:3" || !slices.Equal(got.Command, []string{"/bin/sh", "-c"}) || len(got.Args) != 1 {
				t.Errorf("image %s, command %q, %d args", pod.Image(), got.Command, len(got.Args))
			}
			calls := n.calls(t, pod)
			if len(calls) != len(c.before)+1 {
				t.Fatalf("the pod called %q", calls)
			}
			for i, want := range c.before {
				if got := strings.Join(calls[i], " "); got != want {
					t.Errorf("call %d is %q, want %q", i+1, got, want)
				}
			}
			output, _ := last.json("artifacts", "maestro_notebook", "output_path").(string)
			call := calls[len(calls)-1]
			if len(call) < 5 {
				t.Fatalf("papermill is called with %q", call)
			}
			given := call[4]
			if want := []string{"papermill", c.input, output, "-y", given, "--log-output", "--start_timeout", "600"}; !slices.Equal(call, want) {
				t.Errorf("papermill is called with\n%q, want\n%q", call, want)
			}
			wantGiven(t, given)
			text, err := readNotebook(filepath.Join(n.dir(pod), c.dir, output))
			if err != nil || !strings.Contains(text, "hello world") {
				t.Errorf("the executed notebook: %v\n%s", err, text)
			}
		})
	}
}

// wantGiven checks what a sample's notebook is given.
func wantGiven(t *testing.T, text string) {
	t.Helper()
	var given map[string]any
	if err := json.Unmarshal([]byte(text), &given); err != nil {
		t.Fatalf("params %s: %v", text, err)
	}
	for name, want := range map[string]any{"foo": "default", "owner": "tester", "attempt_number": 0.0, "step_id": "job.2"} {
		if given[name] != want {
			t.Errorf("the notebook is given %s=%v, want %v", name, given[name], want)
		}
	}
	if script, _ := given["script"].(string); !strings.HasPrefix(script, "echo hello world && echo $MAESTRO_OUTPUT_START'{") {
		t.Errorf("the notebook is given the script %q", script)
	}
	for _, name := range []string{"workflow_id", "step_attempt_id", "step_instance_uuid"} {
		if _, ok := given[name]; ok {
			t.Errorf("the notebook is given %s, which is none of its business", name)
		}
	}
}

// TestSignalSample runs the sample of a signal trigger: two signals start it, two more let it go on, and it
// announces two itself.
func TestSignalSample(t *testing.T) {
	t.Parallel()
	text := sample(t, "signal-trigger.json")
	d := serve(t)
	d.push(text)
	announce := func(body string) {
		t.Helper()
		if r := d.call("POST", "/api/v3/signals", body); r.status != 200 {
			t.Fatalf("announce %s: %d %s", body, r.status, r.body)
		}
	}
	const id = "signal-trigger"
	announce(`{"name":"signal_a","params":{"foo":"bat","watermark":12345,"updated_by":"me"}}`)
	announce(`{"name":"signal_b","params":{"bar":"baz","watermark":22221,"posted_by":"me"}}`)  // too low
	announce(`{"name":"signal_b","params":{"bar":"baz","watermark":22222,"posted_by":"you"}}`) // not the one to join
	announce(`{"name":"signal_b","params":{"bar":"baz","watermark":22222,"posted_by":"me"}}`)
	step := func() reply { return d.call("GET", "/api/v3/workflows/"+id+"/instances/1/steps/job.1", "") }
	eventually(t, "the first step waits for signals", func() bool {
		return step().json("runtime_state", "status") == "WAITING_FOR_SIGNALS"
	})
	announce(`{"name":"db/test/table1","params":{"vtts_utc_dateint":"20991231","vtts_utc_hour":"00"}}`)
	announce(`{"name":"db/test/table2","params":{"vtts_utc_dateint":"20991231","vtts_utc_hour":"00"}}`)
	if got := d.ends(id, 1); got != "SUCCEEDED" {
		t.Errorf("the run is %s", got)
	}
	wantParam(t, step(), "param1", "bar")
	wantParam(t, step(), "param2", 12345.0)
	wantParam(t, step(), "param3", "20991231")
	for _, want := range []string{`"key1":"v1"`, `"key2":1`} {
		wants(t, wantSignal(t, d, "dummy/test/signal1").body, want)
	}
	for _, want := range []string{`"key3":"v3"`, `"key4":"v4"`} {
		wants(t, wantSignal(t, d, "dummy/test/signal2").body, want)
	}
	if r := d.call("GET", "/api/v3/workflows/"+id+"/instances/2", ""); r.status != 404 {
		t.Errorf("there is a second run: %s", r.body)
	}
}

// TestHTTPSample runs the sample of HTTP steps, which call the server that they run on.
func TestHTTPSample(t *testing.T) {
	t.Parallel()
	text := sample(t, "http.yaml")
	d := serve(t, "--http-allow", "127.0.0.1")
	path := write(t, d.dir, "sample.yaml", strings.ReplaceAll(text, "http://localhost:8080", d.url))
	if out, errs, code := d.cli("push", path); code != 0 {
		t.Fatalf("push: %s%s", out, errs)
	}
	if got := d.ends("http", d.begin("http")); got != "SUCCEEDED" {
		out, _, _ := d.cli("get", "http/1")
		t.Errorf("the run is %s\n%s", got, out)
	}
}
