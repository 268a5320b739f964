package kubernetes

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"maestro/internal/kube"
	"maestro/internal/step"
)

// TestManifest shows a pod of a step that says everything, and what users see of it.
func TestManifest(t *testing.T) {
	t.Parallel()
	rt := newFake(t).open(t)
	a := attempt("u-1", "image", "busybox", "command", []string{"/bin/sh"}, "args", []string{"-c", "true && <x>"},
		"env", map[string]string{"GREETING": "hello", "MAESTRO_STEP_ID": "mine", "MAESTRO_OUTPUT_START": "mine"},
		"cpu", "500m", "memory", "64Mi", "disk", "1Gi", "gpu", 1, "app_name", "app", "owner_email", "a@example.org",
		"pre_stop", map[string]any{"exec": map[string]any{"command": []string{"bye"}}},
		"namespace", "jobs", "service_account", "robot", "requests", map[string]string{"cpu": "100m"},
		"node_selector", map[string]string{"disk": "ssd"}, "tolerations", []string{"gpu", "team=a:NoSchedule", "*"},
		"labels", map[string]string{"team": "a", labelServer: "mine"}, "annotations", map[string]string{"note": "x", annotationStop: "true", annotationInstallation: "mine"},
		"image_pull_secrets", []string{"registry"})
	a.Deadline = time.Now().Add(time.Hour)
	j := &job{a: a, kind: rt.kind}
	c, _, err := rt.cl.locate(j)
	if err != nil {
		t.Fatal(err)
	}
	m := rt.cl.manifest(a, c)
	if d := m.Spec.ActiveDeadlineSeconds; d < 3600 || d > 3700 {
		t.Errorf("activeDeadlineSeconds %d, want an hour and a bit", d)
	}
	m.Spec.ActiveDeadlineSeconds = 0
	wantJSON(t, m, `{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": {"name": "u-1",
			"labels": {"dedupKey": "u-1", "maestro-server": "test", "team": "a"},
			"annotations": {"maestro-attempt": "u-1", "maestro-installation": "i", "note": "x", "orchestrator": "maestro", "step_identity": "[wf][7][2][job][3][u-1]", "workflow_identity": "[wf][7][2]"}},
		"spec": {
			"containers": [{"name": "maestro-job", "image": "busybox", "command": ["/bin/sh"], "args": ["-c", "true && <x>"],
				"env": [
					{"name": "MAESTRO_WORKFLOW_ID", "value": "wf"}, {"name": "MAESTRO_WORKFLOW_INSTANCE_ID", "value": "7"},
					{"name": "MAESTRO_WORKFLOW_RUN_ID", "value": "2"}, {"name": "MAESTRO_STEP_ID", "value": "mine"},
					{"name": "MAESTRO_STEP_ATTEMPT_ID", "value": "3"}, {"name": "MAESTRO_STEP_INSTANCE_UUID", "value": "u-1"},
					{"name": "MAESTRO_OUTPUT_START", "value": "MAESTRO_OUTPUT_START_TOKEN"},
					{"name": "MAESTRO_OUTPUT_END", "value": "MAESTRO_OUTPUT_END_TOKEN"}, {"name": "GREETING", "value": "hello"}],
				"resources": {"limits": {"cpu": "500m", "memory": "64Mi", "ephemeral-storage": "1Gi", "nvidia.com/gpu": "1"}, "requests": {"cpu": "100m"}},
				"lifecycle": {"preStop": {"exec": {"command": ["bye"]}}}}],
			"restartPolicy": "Never", "serviceAccountName": "robot", "nodeSelector": {"disk": "ssd"},
			"tolerations": [{"key": "gpu", "operator": "Exists"}, {"key": "team", "operator": "Equal", "value": "a", "effect": "NoSchedule"}, {"operator": "Exists"}],
			"imagePullSecrets": [{"name": "registry"}]}}`)
	text := ""
	wantJSON(t, json.RawMessage(about(j, c, nil, &text)[artifactKey]), `{
		"job_id": "u-1", "namespace": "jobs", "execution_script": "/bin/sh -c true && <x>", "execution_output": "",
		"command": {"app_name": "app", "args": ["-c", "true && <x>"], "command": ["/bin/sh"], "cpu": "500m", "disk": "1Gi", "gpu": "1",
			"memory": "64Mi", "image": "busybox",
			"env": {"GREETING": "hello", "MAESTRO_STEP_ID": "mine", "MAESTRO_OUTPUT_START": "mine"},
			"job_deduplication_key": "u-1", "owner_email": "a@example.org", "pre_stop": {"exec": {"command": ["bye"]}},
			"service_account": "robot", "requests": {"cpu": "100m"}, "node_selector": {"disk": "ssd"},
			"tolerations": ["gpu", "team=a:NoSchedule", "*"], "labels": {"team": "a", "maestro-server": "mine"},
			"annotations": {"note": "x", "maestro-stopped": "true", "maestro-installation": "mine"}, "image_pull_secrets": ["registry"]},
		"type": "KUBERNETES"}`)
}

// wantJSON compares without regard to the order of fields.
func wantJSON(t *testing.T, got any, want string) {
	t.Helper()
	a, _ := json.Marshal(got)
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal([]byte(want), &y) != nil {
		t.Fatalf("not JSON: %s or %s", a, want)
	}
	a, _ = json.MarshalIndent(x, "", " ")
	b, _ := json.MarshalIndent(y, "", " ")
	if string(a) != string(b) {
		t.Errorf("got %s\nwant %s", a, b)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kv   []any
		says string
	}{
		{[]any{"command", []string{"x"}}, "kubernetes.image is missing"},
		{[]any{"image", "x", "command", "x"}, "kubernetes.command must be an array of texts, not a STRING"},
		{[]any{"image", []string{"x"}}, "kubernetes.image must be a text, not a STRING_ARRAY"},
		{[]any{"image", "x", "env", "x"}, "kubernetes.env must be a map of texts"},
		{[]any{"image", "x", "env", map[string]any{"A": []string{"x"}}}, `kubernetes.env has an entry "A" that must be a text`},
		{[]any{"image", "x", "pre_stop", "bye"}, "kubernetes.pre_stop must be like {exec: {command: […]}}"},
		{[]any{"image", "x", "pre_stop", map[string]any{"http": "x"}}, `kubernetes.pre_stop has the unknown key "http"`},
	} {
		if _, err := Decode(attempt("", c.kv...)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: got error %v, want %q", c.kv, err, c.says)
		}
	}
	a := attempt("")
	a.Params = nil
	if _, err := Decode(a); err == nil {
		t.Error("no error without params")
	}
}

// TestEnvironment_OfAttempt shows that a pod has the variables that its attempt is to have.
func TestEnvironment_OfAttempt(t *testing.T) {
	t.Parallel()
	env := environment(&step.Attempt{Env: [][2]string{{"MAESTRO_OUTPUT_TOKEN", "t"}}}, &Command{})
	if !slices.Contains(env, kube.EnvVar{Name: "MAESTRO_OUTPUT_TOKEN", Value: "t"}) {
		t.Errorf("got %v", env)
	}
}
