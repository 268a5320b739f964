package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// message is a server-sent event.
type message struct{ id, event, data string }

// listen reads a run's stream of events, after an event if that is not empty, until it ends, the connection does, or
// enough says so.
func listen(ctx context.Context, url, after string, enough func([]message) bool) ([]message, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return nil, err
	}
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		return nil, fmt.Errorf("%s: %s %s", url, resp.Status, resp.Header.Get("Content-Type"))
	}
	var all []message
	var m message
	for s := bufio.NewScanner(resp.Body); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), ": ")
		switch {
		case s.Text() == "" && m.id != "":
			all = append(all, m)
			if enough(all) {
				return all, nil
			}
			m = message{}
		case name == "id":
			m.id = value
		case name == "event":
			m.event = value
		case name == "data":
			m.data = value
		}
	}
	return all, nil
}

// TestEventsAcrossRestarts follows a run with a client that remembers no more than the last event's id, while the server
// is stopped, killed and started again. It gets every event once and in order: the same as who reads it all afterwards.
func TestEventsAcrossRestarts(t *testing.T) {
	t.Parallel()
	d := serve(t)
	var steps []string
	for i := range 6 {
		next := fmt.Sprintf("s%d", i+1)
		if i == 5 {
			next = ""
		}
		steps = append(steps, shellJob(fmt.Sprintf("s%d", i), "sleep 0.4", next))
	}
	d.push(fmt.Sprintf(shellStep, "stream", strings.Join(steps, ",")))
	n := d.begin("stream")
	url := fmt.Sprintf("%s/api/v3/workflows/stream/instances/%d/events", d.url, n)

	var got []message
	last := ""
	follow := func(enough func([]message) bool) {
		more, err := listen(t.Context(), url, last, enough)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, more...)
		if len(got) > 0 {
			last = got[len(got)-1].id
		}
	}
	for i := range 4 {
		follow(func(m []message) bool { return len(m) == 5 }) // in the middle of what one change has brought
		if i%2 == 0 {
			d.stop()
		} else {
			d.kill()
		}
		time.Sleep(300 * time.Millisecond) // something happens while nobody looks
		d.start()
	}
	follow(func(m []message) bool { return m[len(m)-1].event == "end" })

	want, err := listen(t.Context(), url, "", func(m []message) bool { return m[len(m)-1].event == "end" })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("followed:\n%v\nread afterwards:\n%v", got, want)
	}
	seen := map[string]bool{}
	for _, m := range got {
		if seen[m.id] {
			t.Errorf("event %s came twice", m.id)
		}
		seen[m.id] = true
	}
	for i := range 6 {
		for _, s := range []string{"RUNNING", "SUCCEEDED"} {
			n := 0
			for _, m := range got {
				if m.event == "step" && dig(m.data, "step_id") == fmt.Sprintf("s%d", i) && dig(m.data, "status") == s {
					n++
				}
			}
			if n != 1 {
				t.Errorf("step s%d became %s %d times", i, s, n)
			}
		}
	}
	t.Logf("%d events", len(got))
}

// TestCurl uses the API as the README does.
func TestCurl(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	d := serve(t)
	write(t, d.dir, "d.json", oneStep)
	do := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), curl, append([]string{"-sS", "--max-time", "20"}, args...)...)
		cmd.Dir = d.dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("curl %v: %v", args, err)
		}
		return string(out)
	}
	json := []string{"-H", "user: me", "-H", "Content-Type: application/json"}
	out := do(append(json, d.url+"/api/v3/workflows", "--data-binary", "@d.json")...)
	if got := dig(out, "workflow_definition", "workflow", "id"); got != "demo" {
		t.Errorf("push: %s", out)
	}
	out = do(append(json, "-X", "POST", d.url+"/api/v3/workflows/demo/versions/active/actions/start", "-d", `{"initiator":{"type":"manual"}}`)...)
	if got := dig(out, "workflow_instance_id"); got != 1.0 {
		t.Errorf("start: %s", out)
	}
	out = do("-N", d.url+"/api/v3/workflows/demo/instances/1/events") // ends by itself, with the run
	wants(t, out, "event: run\n", "event: step\n", `"status":"SUCCEEDED"`, "event: end\n")
	// What curl does by itself is explained.
	wants(t, do("-X", "POST", d.url+"/api/v3/workflows", "-H", "user: me", "-d", oneStep), "-H 'Content-Type: application/json'")
	wants(t, do("-X", "POST", d.url+"/api/v3/workflows", "-H", "Content-Type: application/json", "-d", oneStep), "-H 'user: alice'")
}

var longSleep = regexp.MustCompile(`("sleep_seconds": \{"type": "LONG", "value": )\d+`)

// TestSamples runs the samples that are graphs, with long sleeps made short.
func TestSamples(t *testing.T) {
	t.Parallel()
	paths, _ := filepath.Glob("testdata/samples/graph-*.json")
	d := serve(t)
	instances := map[string]int64{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		d.push(text) // as it is
		id, _ := dig(text, "workflow", "id").(string)
		if strings.Contains(text, `"sleep_seconds"`) {
			text = longSleep.ReplaceAllString(text, "${1}1")
			d.push(text)
		}
		if _, again := instances[id]; !again {
			instances[id] = d.begin(id)
		}
	}
	// Two samples wait for signals: for fixed values, and one for the day that its run derives.
	day, _ := d.call("GET", fmt.Sprintf("/api/v3/workflows/graph-of-a-day/instances/%d", instances["graph-of-a-day"]), "").
		json("params", "DERIVED_RUN_DATE_UTC", "evaluated_result").(string)
	for _, s := range []string{`{"name":"signal_a","params":{"foo":"bar","_step_dependency_sub_type":"input_signal"}}`, `{"name":"db/of/a/day","params":{"vtts_utc_dateint":"` + day + `"}}`, `{"name":"signal_b","params":{"key2":"value2"}}`} {
		if r := d.call("POST", "/api/v3/signals", s); r.status != 200 {
			t.Errorf("announce %s: %d %s", s, r.status, r.body)
		}
	}
	for id, n := range instances {
		if got := d.ends(id, n); got != "SUCCEEDED" {
			t.Errorf("%s ended as %s", id, got)
		}
	}
	if len(instances) < 9 {
		t.Errorf("only %d samples were run", len(instances))
	}
}

// TestExamples validates every definition in examples/ and runs those that need nothing but this machine.
func TestExamples(t *testing.T) {
	t.Parallel()
	paths, _ := filepath.Glob("../../examples/*.[jy]*")
	if len(paths) < 5 {
		t.Fatalf("only %d examples", len(paths))
	}
	for _, path := range paths {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			out, errs, code := maestro(t, dir, nil, "validate", path)
			if code != 0 || out != "" && strings.Contains(out, "error") {
				t.Errorf("validate: %s%s", out, errs)
			}
			args, env := []string{"run", path}, []string(nil)
			switch filepath.Base(path) {
			case "kubernetes.yaml":
				return
			case "http.yaml":
				s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
				defer s.Close()
				args, env = append(args, "--param", "url="+s.URL), []string{"MAESTRO_HTTP_ALLOW=127.0.0.1"}
			}
			if out, errs, code = maestro(t, dir, env, args...); code != 0 {
				t.Errorf("run: exit code %d\n%s%s", code, out, errs)
			}
		})
	}
}
