package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"maestro/internal/kube"
	"maestro/internal/kube/kubetest"
)

// TestPodsInACrowdedCluster runs steps in a cluster that injects containers, loses nodes and has pods of others: the steps
// end as their own containers do, and say why if that is not their fault.
func TestPodsInACrowdedCluster(t *testing.T) {
	t.Parallel()
	const own = "maestro-job"
	cluster := kubetest.New(t)
	cluster.Admit = func(p *kubetest.Pod) {
		switch p.Image() {
		case "sidecar":
			p.Spec.Containers = append([]kube.Container{{Name: "proxy"}}, p.Spec.Containers...)
		case "native":
			p.Spec.InitContainers = []kube.Container{{Name: "proxy", RestartPolicy: "Always"}}
		case "init", "pull":
			p.Spec.InitContainers = []kube.Container{{Name: "fetch"}}
		}
	}
	var lost atomic.Bool
	cluster.Live = func(c *kubetest.Cluster, p *kubetest.Pod) {
		switch p.Image() {
		case "init":
			c.ContainerWrites(p, "fetch", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "no route to host\n") })
			c.Change(p, func(p *kubetest.Pod) {
				p.Exits("fetch", 9, "Error")
				p.Waits(own, "PodInitializing", "")
				p.Status.Phase = kube.Failed
			})
			return
		case "pull":
			c.Change(p, func(p *kubetest.Pod) {
				p.Waits("fetch", "ImagePullBackOff", "Back-off pulling image")
				p.Waits(own, "PodInitializing", "")
			})
			return
		case "volume":
			c.Tell(p, "Warning", "FailedMount", `secret "s" not found`)
			c.Change(p, func(p *kubetest.Pod) { p.Waits(own, "ContainerCreating", "") })
			return
		}
		c.Begin(p)
		switch p.Image() {
		case "lost":
			if lost.CompareAndSwap(false, true) {
				c.End(p, 137, "ContainerStatusUnknown")
				return
			}
		case "oom":
			c.End(p, 137, "OOMKilled")
			return
		case "unread":
			c.Wrote(p, "unable to retrieve container logs for containerd://0123")
		}
		c.End(p, 0, "Completed")
	}
	d := serve(t, "--kubernetes-enabled", "--kubernetes-api", cluster.URL, "--kubernetes-pull-timeout=1s")
	cluster.Create(`{"metadata":{"name":"mine","labels":{"maestro-server":"maestro"}},"spec":{"containers":[{"name":"x","image":"foreign"}]}}`)
	var steps []string
	for _, image := range []string{"sidecar", "native", "init", "pull", "volume", "lost", "oom", "unread", "foreign"} {
		key := ""
		if image == "foreign" {
			key = `,"job_deduplication_key":{"type":"STRING","value":"mine"}`
		}
		retries := 0
		if image == "lost" {
			retries = 1
		}
		steps = append(steps, fmt.Sprintf(`{"step":{"id":%q,"type":"Kubernetes","failure_mode":"IGNORE_FAILURE",
			"retry_policy":{"error_retry_limit":0,"platform_retry_limit":%d,"backoff":{"type":"FIXED_BACKOFF","platform_retry_backoff_in_secs":1}},
			"params":{"kubernetes":{"type":"MAP","value":{"image":{"type":"STRING","value":%q}%s}}}}}`, image, retries, image, key))
	}
	d.push(`{"properties":{"owner":"tester"},"workflow":{"id":"w","steps":[` + strings.Join(steps, ",") + `]}}`)
	if s := d.ends("w", d.begin("w")); s != "SUCCEEDED" {
		t.Errorf("the run is %s", s)
	}
	var list []struct {
		ID       string `json:"step_id"`
		Attempt  int    `json:"step_attempt_id"`
		Timeline json.RawMessage
		State    struct{ Status string } `json:"runtime_state"`
	}
	if err := json.Unmarshal([]byte(d.call("GET", "/api/v3/workflows/w/instances/1/steps", "").body), &list); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range list {
		got[s.ID] += fmt.Sprintf("%d %s %s\n", s.Attempt, s.State.Status, s.Timeline)
	}
	const ignored = "COMPLETED_WITH_ERROR"
	for id, want := range map[string][]string{
		"sidecar": {"1 SUCCEEDED"},
		"native":  {"1 SUCCEEDED"},
		"init":    {"1 " + ignored, "init container [fetch] failed with exit code [9]", "no route to host"},
		"pull":    {"1 " + ignored, "init container [fetch] waits: ImagePullBackOff, Back-off pulling image"},
		"volume":  {"1 " + ignored, "ContainerCreating", `FailedMount, secret \"s\" not found`},
		"lost":    {"2 SUCCEEDED"},
		"oom":     {"1 " + ignored, "OOMKilled"},
		"unread":  {"1 SUCCEEDED", "The log of the pod cannot be read"},
		"foreign": {"1 " + ignored, "pod [mine] exists in namespace [default] and is not of this attempt"},
	} {
		for _, part := range want {
			if !strings.Contains(got[id], part) {
				t.Errorf("%s: got %s, want %s", id, got[id], part)
			}
		}
	}
	if text := d.call("GET", "/api/v3/workflows/w/instances/1/runs/1/steps/unread/attempts/1/logs", "").body; !strings.Contains(text, "cannot be read any more: unable to retrieve") {
		t.Errorf("the log says %q", text)
	}
	if p := cluster.Pod("mine"); p == nil || p.Metadata.DeletionTimestamp != "" {
		t.Error("the foreign pod was deleted")
	}
}
