package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSignalSettings has a step that announces the same signal in each run, with a payload, as the reference does it and
// as the settings make it.
func TestSignalSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args   []string
		second float64 // signal_id of the second run's
		rows   any     // in the payload
	}{
		"as the reference": {nil, -1, nil},
		"per attempt":      {[]string{"--signals-per-attempt"}, 2, nil},
		"payload":          {[]string{"--signals-payload"}, -1, 7.0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := serve(t, c.args...)
			d.push(`{"properties":{"owner":"tester"},"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"NoOp","signal_outputs":[
				{"name":"done","params":{"day":{"value":20240131,"type":"LONG"}},"payload":{"rows":{"value":7,"type":"LONG"}}}]}}]}}`)
			for run, want := range []float64{1, c.second} {
				if s := d.ends("w", d.begin("w")); s != "SUCCEEDED" {
					t.Fatalf("the run is %s", s)
				}
				steps := d.call("GET", fmt.Sprintf("/api/v3/workflows/w/instances/%d/steps", run+1), "")
				if got := steps.json(0, "signal_outputs", "outputs", 0, "signal_id"); got != want {
					t.Errorf("run %d announced signal %v, want %v", run+1, got, want)
				}
			}
			first := d.call("GET", "/api/v3/signals/done/instances/1", "")
			if got := first.json("payload", "rows"); got != c.rows || first.json("payload", "signal_source", "step_id") != "a" {
				t.Errorf("signal %s, want rows %v", first.body, c.rows)
			}
		})
	}
}

// TestPodSettingsWork runs pods in a cluster in which each of them is in another kind of trouble.
func TestPodSettingsWork(t *testing.T) {
	t.Parallel()
	cluster := &podAPI{pods: map[string]map[string]any{}}
	api := httptest.NewServer(cluster)
	t.Cleanup(api.Close)
	d := serve(t, "--kubernetes-enabled", "--kubernetes-api", api.URL, "--kubernetes-namespace", "etl", "--kubernetes-namespaces", "reports",
		"--kubernetes-pull-timeout=100ms", "--kubernetes-schedule-timeout=100ms", "--kubernetes-max-requests=1", "--kubernetes-max-log-bytes=1MiB")
	var steps []string
	for id, kubernetes := range map[string]string{
		"fine":     `"image":{"type":"STRING","value":"talks"}`,
		"other":    `"image":{"type":"STRING","value":"talks"},"namespace":{"type":"STRING","value":"reports"}`,
		"foreign":  `"image":{"type":"STRING","value":"talks"},"namespace":{"type":"STRING","value":"secret"}`,
		"stuck":    `"image":{"type":"STRING","value":"stuck"}`,
		"homeless": `"image":{"type":"STRING","value":"homeless"}`,
	} {
		steps = append(steps, fmt.Sprintf(`{"step":{"id":%q,"type":"Kubernetes","failure_mode":"IGNORE_FAILURE","retry_policy":{"error_retry_limit":0,"platform_retry_limit":0},
			"params":{"kubernetes":{"type":"MAP","value":{%s}}}}}`, id, kubernetes))
	}
	d.push(`{"properties":{"owner":"tester"},"workflow":{"id":"w","steps":[` + strings.Join(steps, ",") + `]}}`)
	if s := d.ends("w", d.begin("w")); s != "SUCCEEDED" {
		t.Errorf("the run is %s", s)
	}
	told := map[string]string{}
	var list []map[string]any
	if err := json.Unmarshal([]byte(d.call("GET", "/api/v3/workflows/w/instances/1/steps", "").body), &list); err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		line, _ := json.Marshal(s["timeline"])
		told[s["step_id"].(string)] = string(line)
	}
	for id, want := range map[string]string{
		"fine":     "The log has more than 1 MiB",
		"other":    "The log has more than 1 MiB",
		"foreign":  `kubernetes.namespace \"secret\": this server does not allow pods there`,
		"stuck":    "ImagePullBackOff",
		"homeless": "Unschedulable",
	} {
		if !strings.Contains(told[id], want) {
			t.Errorf("%s: got %s, want %s", id, told[id], want)
		}
	}
	cluster.mu.Lock()
	defer cluster.mu.Unlock()
	if cluster.most != 1 {
		t.Errorf("%d requests at a time, want 1", cluster.most)
	}
	for _, ns := range cluster.spaces {
		if ns != "etl" && ns != "reports" {
			t.Errorf("a pod was made in namespace %s", ns)
		}
	}
}

// podAPI is as much of an API server as a few pods need. What a pod does is the name of its image. It cannot be watched.
type podAPI struct {
	mu        sync.Mutex
	pods      map[string]map[string]any
	spaces    []string // of pods that were made
	now, most int      // requests about one pod, which take a while
}

func (a *podAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // api v1 namespaces NS pods [NAME [log]]
	one := r.Method == http.MethodPost || len(parts) > 5
	if one {
		a.mu.Lock()
		a.now++
		a.most = max(a.most, a.now)
		a.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		a.mu.Lock()
		a.now-- // before the answer, after which the next may come
		a.mu.Unlock()
	}
	if path.Base(r.URL.Path) == "log" {
		line := strings.Repeat("x", 99) + "\n"
		if r.URL.Query().Get("tailLines") == "" {
			line = strings.Repeat(line, 2<<20/100)
		}
		_, _ = io.WriteString(w, line)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var answer any
	switch {
	case r.Method == http.MethodPost:
		var p map[string]any
		_ = json.NewDecoder(r.Body).Decode(&p)
		p["status"] = podStatus(p["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)["image"].(string))
		meta := p["metadata"].(map[string]any)
		meta["namespace"], meta["uid"], meta["creationTimestamp"] = parts[3], meta["name"], time.Now().UTC().Format(time.RFC3339)
		a.pods[meta["name"].(string)] = p
		a.spaces = append(a.spaces, parts[3])
		answer = p
	case r.URL.Query().Get("watch") != "":
		w.WriteHeader(http.StatusForbidden)
		return
	case !one:
		items := []any{}
		for _, p := range a.pods {
			if p["metadata"].(map[string]any)["namespace"] == parts[3] {
				items = append(items, p)
			}
		}
		answer = map[string]any{"kind": "PodList", "metadata": map[string]any{"resourceVersion": "1"}, "items": items}
	case a.pods[parts[5]] == nil:
		w.WriteHeader(http.StatusNotFound)
		answer = map[string]any{"kind": "Status", "code": 404, "reason": "NotFound"}
	default:
		answer = a.pods[parts[5]]
		if r.Method == http.MethodDelete {
			delete(a.pods, parts[5])
		}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func podStatus(image string) any {
	box := func(state any) []any { return []any{map[string]any{"name": "maestro-job", "state": state}} }
	switch image {
	case "stuck":
		return map[string]any{"phase": "Pending", "containerStatuses": box(map[string]any{"waiting": map[string]any{"reason": "ImagePullBackOff"}})}
	case "homeless":
		return map[string]any{"phase": "Pending", "conditions": []any{map[string]any{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}}}
	}
	return map[string]any{"phase": "Succeeded", "containerStatuses": box(map[string]any{"terminated": map[string]any{"exitCode": 0}})}
}

// TestDefaultParamsChange starts the server again with other default params while a run sleeps. The run ends with those it
// was started with, what is shown of an earlier run stays, and a new run has the new ones.
func TestDefaultParamsChange(t *testing.T) {
	t.Parallel()
	d := serve(t)
	d.push(fmt.Sprintf(shellStep, "nap", `{"step":{"id":"s","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":2}},"transition":{"successors":{"t":"true"}}}},
		{"step":{"id":"t","type":"NoOp","params":{"day":{"type":"STRING","expression":"RUN_DATE"}}}}`))
	d.push(oneStep)
	done := d.begin("demo")
	if got := d.ends("demo", done); got != "SUCCEEDED" {
		t.Fatal(got)
	}
	seen := func() (texts []string) {
		for _, what := range []string{"", "/steps"} {
			texts = append(texts, d.call("GET", fmt.Sprintf("/api/v3/workflows/demo/instances/%d%s", done, what), "").body)
		}
		return texts
	}
	before := seen()
	d.begin("nap")
	d.stop()

	d.args = append(d.args, "--default-params", write(t, d.dir, "defaults.yaml", `
workflow:
  RUN_DATE: {type: STRING, value: never}
  region: {type: STRING, value: eu}
step:
  size: {type: LONG, value: 1}
`))
	d.start()
	if got := d.ends("nap", 1); got != "SUCCEEDED" {
		t.Errorf("the run that slept is %s", got)
	}
	day, _ := d.call("GET", "/api/v3/workflows/nap/instances/1/steps/t", "").json("params", "day", "evaluated_result").(string)
	if len(day) != len("20240131") {
		t.Errorf("a step evaluated after the change has the day %q", day)
	}
	for i, text := range seen() {
		if text != before[i] {
			t.Errorf("what is shown of a run changed from\n%s to\n%s", before[i], text)
		}
	}
	second := d.begin("nap")
	if got := d.call("GET", fmt.Sprintf("/api/v3/workflows/nap/instances/%d", second), "").json("params", "region", "evaluated_result"); got != "eu" {
		t.Errorf("a new run has the region %v", got)
	}
	d.stop()
}
