package kubernetes

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/kube"
	"maestro/internal/kube/kubetest"
	"maestro/internal/step"
	"maestro/internal/step/steptest"
	"maestro/param"
)

func TestConformance(t *testing.T) {
	for name, change := range map[string]func(*fakeCluster){
		"Watched": func(*fakeCluster) {},
		"Mute":    func(f *fakeCluster) { f.MuteWatch = true },
		"Polled": func(f *fakeCluster) {
			f.Interfere = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("watch") == "" {
					return false
				}
				w.WriteHeader(http.StatusForbidden)
				return true
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			steptest.Run(t, steptest.Harness{
				New:         func(t *testing.T) steptest.World { return newWorld(t, change) },
				CanReattach: true, ExactlyOnce: true, CanStop: true, SlowStop: true, Patience: 20 * time.Second,
			})
		})
	}
}

func newWorld(t *testing.T, change func(*fakeCluster), settings ...func(*Config)) steptest.World {
	f := newFake(t)
	change(f)
	return steptest.World{
		Open: func(t *testing.T) (step.Runtime, func()) {
			rt := f.open(t, settings...)
			return rt, rt.Close
		},
		Attempt: func(t *testing.T, w steptest.Work, uuid string) *step.Attempt {
			return attempt(uuid, "image", w.String())
		},
		Began: f.began,
		Alive: func(a *step.Attempt) bool {
			p := f.Pod(a.UUID)
			return p != nil && p.Alive() && p.Container(containerName).State.Terminated == nil
		},
		Finish: func(a *step.Attempt) { f.end(t, a, 0) },
	}
}

var attempts atomic.Int64

// attempt returns an attempt whose param kubernetes has these entries: name, value, name, value.
func attempt(uuid string, kv ...any) *step.Attempt {
	if uuid == "" {
		uuid = fmt.Sprintf("a%d", attempts.Add(1))
	}
	m := &param.Values{}
	for i := 0; i < len(kv); i += 2 {
		m.Set(kv[i].(string), value(kv[i+1]))
	}
	params := &param.Params{}
	set(params, "kubernetes", param.MapValue(m))
	return &step.Attempt{
		UUID: uuid, WorkflowID: "wf", Instance: 7, Run: 2, StepID: "job", Number: 3, Params: params, Started: time.Now(),
	}
}

func set(p *param.Params, name string, v param.Value) {
	p.Set(name, param.Param{Def: &param.Def{Type: v.Type()}, Result: v, Evaluated: true, Time: 1})
}

func value(v any) param.Value {
	switch v := v.(type) {
	case string:
		return param.StringValue(v)
	case int:
		return param.LongValue(int64(v))
	case []string:
		return param.StringArrayValue(v)
	case map[string]string:
		m := &param.Texts{}
		for name, text := range v {
			m.Set(name, text)
		}
		return param.StringMapValue(m)
	case map[string]any:
		m := &param.Values{}
		for name, e := range v {
			m.Set(name, value(e))
		}
		return param.MapValue(m)
	}
	panic(fmt.Sprintf("no value of %T", v))
}

// start starts an attempt and returns what it reports.
func start(t *testing.T, rt *Runtime, a *step.Attempt) *steptest.Recorder {
	t.Helper()
	r := steptest.NewRecorder(20 * time.Second)
	rt.Start(t.Context(), a, r)
	return r
}

func stop(t *testing.T, rt *Runtime, a *step.Attempt) *steptest.Recorder {
	t.Helper()
	r := steptest.NewRecorder(20 * time.Second)
	rt.Stop(t.Context(), a, r)
	return r
}

// again returns an attempt as a new process of the engine sees it.
func again(a *step.Attempt, r *steptest.Recorder) *step.Attempt {
	c := *a
	c.Again, c.Artifacts = true, r.Artifacts()
	return &c
}

// lines returns all that was told, as text.
func lines(r *steptest.Recorder) string {
	var b strings.Builder
	for _, rep := range r.All() {
		for _, l := range rep.Timeline {
			fmt.Fprintf(&b, "%d %s %s\n", l.Level, l.Message, strings.Join(l.Errors, "; "))
		}
	}
	return b.String()
}

func wantLines(t *testing.T, r *steptest.Recorder, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if got := lines(r); !strings.Contains(got, part) {
			t.Errorf("the timeline does not say %q:\n%s", part, got)
		}
	}
}

// TestVerdicts ends pods in every way there is.
func TestVerdicts(t *testing.T) {
	t.Parallel()

	type change = func(*kube.Status)
	failed := func(reason, message string) change {
		return func(s *kube.Status) { s.Phase, s.Reason, s.Message = kube.Failed, reason, message }
	}
	exit := func(code int, reason string) change {
		return func(s *kube.Status) {
			s.Phase = kube.Failed
			c := kube.ContainerStatus{Name: containerName}
			c.State.Terminated = &kube.Terminated{ExitCode: code, Reason: reason}
			s.ContainerStatuses = append(s.ContainerStatuses, c)
		}
	}
	for _, c := range []struct {
		name   string
		change change
		want   step.State
		says   string
	}{
		{"ExitCode", exit(42, "Error"), step.UserError, "failed with exit code [42]"},
		{"OutOfMemory", exit(137, "OOMKilled"), step.UserError, "OOMKilled"},
		{"NoSuchCommand", exit(128, "StartError"), step.UserError, "StartError"},
		{"Evicted", failed("Evicted", "The node was low on resource: memory."), step.PlatformError, "low on resource: memory"},
		{"Preempted", failed("Preempting", ""), step.PlatformError, "Preempting"},
		{"NodeShutdown", failed("Terminated", "node shutdown"), step.PlatformError, "node shutdown"},
		{"NoRoom", failed("OutOfcpu", ""), step.PlatformError, "OutOfcpu"},
		{"Deadline", failed("DeadlineExceeded", ""), step.TimedOut, "timeout of the step"},
		{"Drained", func(s *kube.Status) {
			exit(143, "Error")(s)
			s.Conditions = []kube.Condition{{Type: "DisruptionTarget", Status: "True", Reason: "EvictionByEvictionAPI", Message: "Eviction API"}}
		}, step.PlatformError, "EvictionByEvictionAPI"},
		{"Succeeded", func(s *kube.Status) { s.Phase = kube.Succeeded }, step.Done, "succeeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			a := attempt("", "image", "forever")
			r := start(t, f.open(t), a)
			f.Change(f.Await(t, a.UUID), func(p *kubetest.Pod) { c.change(&p.Status) })
			got := r.Want(t, c.want)
			if !got.Begun {
				t.Error("the report does not say that it had begun")
			}
			wantLines(t, r, c.says)
		})
	}
}

func TestDeletedByOthers(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	a := attempt("", "image", "forever")
	r := start(t, f.open(t), a)
	f.Await(t, a.UUID)
	f.Client(t).DeletePod(t.Context(), "default", a.UUID, "", -1)
	r.Want(t, step.PlatformError)
	wantLines(t, r, "is gone")
}

// TestForgotten loses a pod between two servers: what was there and is not any more must not begin again.
func TestForgotten(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	a := attempt("", "image", "forever")
	one := f.open(t)
	r := start(t, one, a)
	eventually(t, "running", func() bool { return len(r.All()) > 0 })
	one.Close()
	f.Lose(a.UUID)
	start(t, f.open(t), again(a, r)).Want(t, step.PlatformError)
	if n := f.began(a); n != 1 {
		t.Errorf("began %d times", n)
	}
}

func TestHindered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*kube.Status)
		says   string
	}{
		{"Image", func(s *kube.Status) {
			w := kube.ContainerStatus{Name: containerName}
			w.State.Waiting = &kube.Waiting{Reason: "ImagePullBackOff", Message: "Back-off pulling image"}
			s.ContainerStatuses = []kube.ContainerStatus{w}
		}, "ImagePullBackOff, Back-off pulling image"},
		{"Node", func(s *kube.Status) {
			s.Conditions = []kube.Condition{{Type: "PodScheduled", Status: "False", Reason: "Unschedulable", Message: "0/3 nodes are available."}}
		}, "Unschedulable, 0/3 nodes are available"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			a := attempt("", "image", "stuck")
			rt := f.open(t, func(c *Config) { c.PullPatience, c.SchedulePatience = 100*time.Millisecond, 100*time.Millisecond })
			r := start(t, rt, a)
			f.Change(f.Await(t, a.UUID), func(p *kubetest.Pod) { c.change(&p.Status) })
			r.Want(t, step.PlatformError)
			wantLines(t, r, "1 Kubernetes pod ["+a.UUID+"] does not begin: "+c.says)
			eventually(t, "deleted", func() bool { return f.Pod(a.UUID) == nil })
		})
	}
}

// TestOtherNamespace finds a pod again where it was made, though the server's default has changed since.
func TestOtherNamespace(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	a := attempt("", "image", "holds")
	one := f.open(t, func(c *Config) { c.Namespace = "jobs" })
	r := start(t, one, a)
	eventually(t, "running", func() bool { return len(r.All()) > 0 })
	one.Close()
	two := f.open(t)
	f.end(t, a, 0)
	got := start(t, two, again(a, r)).Want(t, step.Done)
	if !strings.Contains(string(got.Artifacts[artifactKey]), `"namespace":"jobs"`) {
		t.Errorf("artifact %s", got.Artifacts[artifactKey])
	}

	a = attempt("", "image", "succeeds", "namespace", "secret")
	r = start(t, f.open(t, func(c *Config) { c.Namespaces = []string{"jobs"} }), a)
	r.Want(t, step.FatalError)
	wantLines(t, r, `kubernetes.namespace "secret": this server does not allow pods there`)
}

// TestStopWithoutParams stops an attempt whose params were lost since it began: what was reported says where its pod is.
func TestStopWithoutParams(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	one := f.open(t, func(c *Config) { c.Namespace = "jobs" })
	a := attempt("", "image", "holds", "job_deduplication_key", "mine")
	r := start(t, one, a)
	eventually(t, "running", func() bool { return len(r.All()) > 0 })
	one.Close()
	lost := *a
	lost.Again, lost.Artifacts, lost.Params = true, r.Artifacts(), nil
	two := f.open(t)
	stop(t, two, &lost).Want(t, step.Stopped)
	if p := f.Pod("mine"); p != nil && p.Metadata.DeletionTimestamp == "" && !p.Status.Over() {
		t.Error("the pod still runs")
	}
	never := attempt("")
	never.Params = nil
	stop(t, two, never).Want(t, step.Stopped)
}

func TestUnknownKey(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	a := attempt("", "image", "x", "memmory", "1Gi")
	rt := f.open(t)
	r := start(t, rt, a)
	if got := r.Want(t, step.Internal); got.Begun {
		t.Error("said to have begun")
	}
	wantLines(t, r, `unknown key "memmory", did you mean `+"`memory`?")
	stop(t, rt, a).Want(t, step.Stopped)
}

func TestSameKey(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	rt := f.open(t)
	start(t, rt, attempt("", "image", "succeeds", "job_deduplication_key", "mine")).Want(t, step.Done)
	r := start(t, rt, attempt("", "image", "succeeds", "job_deduplication_key", "mine"))
	if got := r.Want(t, step.PlatformError); got.Begun {
		t.Error("said to have begun")
	}
	wantLines(t, r, "Error starting KubernetesStepRuntime", "409 AlreadyExists")
}
