package kubernetes

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/kube"
	"maestro/internal/kube/kubetest"
	"maestro/internal/output"
	"maestro/internal/step"
	"maestro/internal/step/steptest"
	"maestro/param"
)

// sidecars has an admission webhook inject a container, first in the list, or an init container that runs on.
func sidecars(native bool) func(p *kubetest.Pod) {
	return func(p *kubetest.Pod) {
		box := kube.Container{Name: "proxy", Image: "proxy"}
		if native {
			box.RestartPolicy = "Always"
			p.Spec.InitContainers = append(p.Spec.InitContainers, box)
		} else {
			p.Spec.Containers = append([]kube.Container{box}, p.Spec.Containers...)
		}
	}
}

// TestConformanceWithSidecars runs the suite where each pod has a sidecar that never ends by itself.
func TestConformanceWithSidecars(t *testing.T) {
	for name, native := range map[string]bool{"Container": false, "InitContainer": true} {
		t.Run(name, func(t *testing.T) {
			steptest.Run(t, steptest.Harness{
				New: func(t *testing.T) steptest.World {
					return newWorld(t, func(f *fakeCluster) { f.Admit = sidecars(native) }, func(c *Config) { c.linger = time.Hour })
				},
				CanReattach: true, ExactlyOnce: true, CanStop: true, SlowStop: true, Patience: 20 * time.Second,
			})
		})
	}
}

// TestSidecarRunsOn ends the step's container beside a sidecar that runs on: the step ends with its exit code and what it
// wrote, and the pod is deleted when that is known.
func TestSidecarRunsOn(t *testing.T) {
	t.Parallel()
	for _, native := range []bool{false, true} {
		for code, want := range map[int]step.State{0: step.Done, 6: step.UserError} {
			t.Run(fmt.Sprintf("Native=%t,Code=%d", native, code), func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				f.Admit = sidecars(native)
				a := attempt("", "image", "holds")
				set(a.Params, "rows", param.LongValue(0))
				r := start(t, f.open(t), a)
				pod := f.Await(t, a.UUID)
				eventually(t, "running", func() bool { return f.Pod(a.UUID).Status.Phase == kube.Running })
				f.Wrote(pod, output.StartToken+`{"rows":7}`+output.EndToken)
				f.ContainerWrites(pod, "proxy", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "of the sidecar") })
				f.End(pod, code, "")
				got := r.Want(t, want)
				if got.Output == nil || !strings.Contains(string(got.Output.Params), `"evaluated_result":7`) {
					t.Errorf("output %+v", got.Output)
				}
				if text := string(got.Artifacts[artifactKey]); strings.Contains(text, "of the sidecar") {
					t.Errorf("artifact %s", text)
				}
				eventually(t, "deleted", func() bool { return f.Pod(a.UUID) == nil })
			})
		}
	}
}

// TestNothingRunsOn leaves a pod whose containers have all ended where it is, for its log.
func TestNothingRunsOn(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.Admit = sidecars(false)
	a := attempt("", "image", "holds")
	rt := f.open(t)
	r := start(t, rt, a)
	pod := f.Await(t, a.UUID)
	eventually(t, "running", func() bool { return f.Pod(a.UUID).Status.Phase == kube.Running })
	f.Change(pod, func(p *kubetest.Pod) { // its phase will follow
		p.Exits("proxy", 137, "Error")
		p.Exits(containerName, 0, "Completed")
	})
	r.Want(t, step.Done)
	wantLines(t, r, "succeeded, though its container [proxy] failed with exit code [137]")
	rt.cl.mu.Lock()
	defer rt.cl.mu.Unlock()
	if len(rt.cl.jobs) != 0 || f.Pod(a.UUID) == nil {
		t.Errorf("%d jobs are left; the pod is %+v", len(rt.cl.jobs), f.Pod(a.UUID))
	}
}

// TestRunsOnAfterADeadServer has a server die after it has reported the end of a step and before it has ended the pod.
func TestRunsOnAfterADeadServer(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.Admit = sidecars(false)
	a, other := attempt("", "image", "holds"), attempt("", "image", "holds")
	one := f.open(t, func(c *Config) { c.TTL = -1 }) // even if pods stay for ever
	r := start(t, one, a)
	start(t, one, other)
	for _, a := range []*step.Attempt{a, other} {
		f.Await(t, a.UUID)
		eventually(t, "running", func() bool { return f.Pod(a.UUID).Status.Phase == kube.Running })
	}
	f.end(t, a, 0)
	r.Want(t, step.Done)
	one.Close()
	two := f.open(t, func(c *Config) { c.TTL = -1 })
	for _, c := range []struct {
		after time.Duration
		left  int
	}{{sweepFirst / 2, 2}, {2 * sweepFirst, 1}} {
		if err := two.cl.sweep("default", time.Now().Add(c.after)); err != nil {
			t.Fatal(err)
		}
		if n := len(f.Pods()); n != c.left {
			t.Errorf("after %s there are %d pods, want %d", c.after, n, c.left)
		}
	}
	if f.Pod(other.UUID) == nil {
		t.Error("the pod that is at work was deleted")
	}
}

// TestBegunAgain has somebody change the restart policy, so that the node begins the container again: its first end
// counts, with the log of that time, and it does not go on.
func TestBegunAgain(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	a := attempt("", "image", "holds")
	r := start(t, f.open(t), a)
	pod := f.Await(t, a.UUID)
	eventually(t, "running", func() bool { return f.Pod(a.UUID).Status.Phase == kube.Running })
	f.Writes(pod, func(w http.ResponseWriter, r *http.Request) {
		text := "the second time"
		if r.URL.Query().Get("previous") == "true" {
			text = "the first time"
		}
		io.WriteString(w, text)
	})
	f.Change(pod, func(p *kubetest.Pod) {
		c := p.Container(containerName)
		c.LastState.Terminated = &kube.Terminated{ExitCode: 5, Reason: "Error"}
	})
	got := r.Want(t, step.UserError)
	wantLines(t, r, "failed with exit code [5], and was begun again")
	if text := string(got.Artifacts[artifactKey]); !strings.Contains(text, "the first time") {
		t.Errorf("artifact %s", text)
	}
	eventually(t, "deleted", func() bool { return f.Pod(a.UUID) == nil })
}

// TestInitContainerFails names an init container that failed, with its exit code and the end of its log.
func TestInitContainerFails(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.Admit = func(p *kubetest.Pod) {
		p.Spec.InitContainers = []kube.Container{{Name: "fetch", Image: "fetch"}}
	}
	a := attempt("", "image", "stuck")
	r := start(t, f.open(t), a)
	pod := f.Await(t, a.UUID)
	f.ContainerWrites(pod, "fetch", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, strings.Repeat("some text\n", 10_000)+"no route to host\n")
	})
	f.Writes(pod, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) })
	f.Change(pod, func(p *kubetest.Pod) {
		p.Exits("fetch", 9, "Error")
		p.Waits(containerName, "PodInitializing", "")
		p.Status.Phase = kube.Failed
	})
	got := r.Want(t, step.PlatformError)
	wantLines(t, r, "2 The pod did not begin Kubernetes pod ["+a.UUID+"] failed before the step's container began: its init container [fetch] failed with exit code [9]",
		"The end of its log: some text", "no route to host")
	if text := lines(r); strings.Contains(text, "cannot be read") || len(text) > 5<<10 {
		t.Errorf("the timeline has %d bytes: %.2000s", len(text), text)
	}
	if text := string(got.Artifacts[artifactKey]); !strings.Contains(text, `"execution_output":"n/a"`) {
		t.Errorf("artifact %s", text)
	}
}

// TestNodeLost reports a lost node at once, does not ask it for a log, and deletes the pod so that it does not come back.
func TestNodeLost(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	a := attempt("", "image", "forever")
	r := start(t, f.open(t), a)
	pod := f.Await(t, a.UUID)
	eventually(t, "running", func() bool { return f.Pod(a.UUID).Status.Phase == kube.Running })
	var asked atomic.Int64
	f.Writes(pod, func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); w.WriteHeader(500) })
	f.Change(pod, func(p *kubetest.Pod) { p.Status.Phase, p.Status.Reason = kube.Unknown, "NodeLost" })
	r.Want(t, step.PlatformError)
	wantLines(t, r, "1 The log of the pod cannot be read", "its node does not answer", "was lost: its node does not answer: NodeLost")
	eventually(t, "deleted", func() bool { return f.Pod(a.UUID) == nil })
	if n := asked.Load(); n != 0 {
		t.Errorf("its log was asked for %d times", n)
	}
}

// TestNodeKeepsDeletedPod has a pod that should be gone, on a node that does not say that it is.
func TestNodeKeepsDeletedPod(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		late  time.Duration
		taken bool
		says  string
	}{
		"Deleted": {forceAfter, false, "was to be deleted by ["},
		"Tainted": {takenAfter, true, "does not answer: DeletionByTaintManager, node is unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			a := attempt("", "image", "forever")
			r := start(t, f.open(t), a)
			pod := f.Await(t, a.UUID)
			f.Change(pod, func(p *kubetest.Pod) {
				p.Metadata.DeletionTimestamp = time.Now().Add(-c.late - time.Second).UTC().Format(time.RFC3339)
				if c.taken {
					p.Status.Conditions = []kube.Condition{{Type: "DisruptionTarget", Status: "True", Reason: "DeletionByTaintManager", Message: "node is unreachable"}}
				}
			})
			r.Want(t, step.PlatformError)
			wantLines(t, r, c.says)
		})
	}
}

// TestLogLost has a node that cannot find the log any more: that is said, and is not the log.
func TestLogLost(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(w http.ResponseWriter){
		"Apology": func(w http.ResponseWriter) {
			io.WriteString(w, "unable to retrieve container logs for containerd://0123")
		},
		"Path": func(w http.ResponseWriter) {
			io.WriteString(w, `failed to try resolving symlinks in path "/var/log/pods/x/0.log": lstat /var/log/pods/x/0.log: no such file or directory`)
		},
		"Refused": func(w http.ResponseWriter) {
			w.WriteHeader(400)
			io.WriteString(w, `{"kind":"Status","code":400,"reason":"BadRequest","message":"container not found"}`)
		},
		"NotFound": func(w http.ResponseWriter) { w.WriteHeader(404) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			a := attempt("", "image", "holds")
			rt := f.open(t)
			r := start(t, rt, a)
			f.Writes(f.Await(t, a.UUID), func(w http.ResponseWriter, _ *http.Request) { answer(w) })
			f.end(t, a, 0)
			got := r.Want(t, step.Done)
			wantLines(t, r, "1 The log of the pod cannot be read; output data, if there was any, is lost: ")
			if text := string(got.Artifacts[artifactKey]); !strings.Contains(text, `"execution_output":"n/a"`) {
				t.Errorf("artifact %s", text)
			}
			if text := readAll(t, rt, again(a, r), 1000); !strings.Contains(text, "cannot be read") {
				t.Errorf("the log says %q", text)
			}
		})
	}
}

// telling returns a cluster that answers what it tells of pods only when the test has said that.
func telling(t *testing.T) (f *fakeCluster, told func()) {
	f = newFake(t)
	all := make(chan struct{})
	f.Interfere = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/events") {
			<-all
		}
		return false
	}
	return f, func() { close(all) }
}

// TestDoesNotBegin gives up pods that do not begin, for every reason there is, and says it.
func TestDoesNotBegin(t *testing.T) {
	t.Parallel()
	waits := func(reason, message string) func(*kubetest.Pod) {
		return func(p *kubetest.Pod) { p.Waits(containerName, reason, message) }
	}
	initWaits := func(reason string) func(*kubetest.Pod) {
		return func(p *kubetest.Pod) {
			p.Spec.InitContainers = []kube.Container{{Name: "fetch"}}
			p.Waits("fetch", reason, "")
			p.Waits(containerName, "PodInitializing", "")
		}
	}
	for name, c := range map[string]struct {
		change func(*kubetest.Pod)
		event  string
		says   []string
	}{
		"NotScheduled": {func(*kubetest.Pod) {}, "FailedScheduling: no preemption victims found", []string{"the scheduler has not found a node", "FailedScheduling, no preemption victims found"}},
		"Unschedulable": {func(p *kubetest.Pod) {
			p.Status.Conditions = []kube.Condition{{Type: "PodScheduled", Status: "False", Reason: "Unschedulable", Message: "0/3 nodes"}}
		}, "", []string{"Unschedulable, 0/3 nodes"}},
		"Volume":       {waits("ContainerCreating", ""), `FailedMount: MountVolume.SetUp failed for volume "v": secret "s" not found`, []string{"does not begin: ContainerCreating", `FailedMount, MountVolume.SetUp failed for volume "v": secret "s" not found`}},
		"Sandbox":      {waits("PodInitializing", ""), "FailedCreatePodSandBox: no network", []string{"PodInitializing", "FailedCreatePodSandBox, no network"}},
		"Image":        {waits("ImageInspectError", "bad layers"), "", []string{"ImageInspectError, bad layers"}},
		"NeverPull":    {waits("ErrImageNeverPull", ""), "", []string{"ErrImageNeverPull"}},
		"ImageName":    {waits("InvalidImageName", ""), "", []string{"InvalidImageName"}},
		"Config":       {waits("CreateContainerConfigError", `configmap "c" not found`), "", []string{`CreateContainerConfigError, configmap "c" not found`}},
		"Create":       {waits("CreateContainerError", ""), "", []string{"CreateContainerError"}},
		"InitImage":    {initWaits("ImagePullBackOff"), "Failed: Failed to pull image", []string{"its init container [fetch] waits: ImagePullBackOff", "Failed, Failed to pull image"}},
		"InitCreating": {initWaits("PodInitializing"), "", []string{"PodInitializing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, told := telling(t)
			f.Admit = c.change
			rt := f.open(t, func(c *Config) { c.PullPatience, c.SchedulePatience = 200*time.Millisecond, 200*time.Millisecond })
			a := attempt("", "image", "stuck")
			r := start(t, rt, a)
			pod := f.Await(t, a.UUID)
			if reason, message, ok := strings.Cut(c.event, ": "); ok {
				f.Tell(pod, "Warning", reason, message)
			}
			f.Tell(pod, "Normal", "Created", "of no interest")
			told()
			r.Want(t, step.PlatformError)
			wantLines(t, r, append(c.says, "2 The pod did not begin within 200ms Kubernetes pod ["+a.UUID+"] does not begin: ")...)
			if strings.Contains(lines(r), "of no interest") {
				t.Errorf("said too much:\n%s", lines(r))
			}
			eventually(t, "deleted", func() bool { return f.Pod(a.UUID) == nil })
		})
	}
}

// TestEachWaitHasItsPatience has a pod wait for a node for longer than it may wait for its image: that does not count. What
// it waits for on its node counts together.
func TestEachWaitHasItsPatience(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	rt := f.open(t, func(c *Config) { c.PullPatience, c.SchedulePatience = 10*time.Minute, time.Hour })
	a := attempt("", "image", "stuck")
	r := start(t, rt, a)
	eventually(t, "running", begun(r))
	pod := f.Await(t, a.UUID)
	rt.cl.mu.Lock()
	j := rt.cl.jobs[a.UUID]
	rt.cl.mu.Unlock()
	passes := func(d time.Duration) { // time, while it waits
		eventually(t, "waiting", func() bool {
			rt.cl.mu.Lock()
			defer rt.cl.mu.Unlock()
			if j.running || j.queued || j.hindered.since.IsZero() {
				return false
			}
			j.hindered.since = j.hindered.since.Add(-d)
			return true
		})
	}
	passes(30 * time.Minute)
	f.Change(pod, func(p *kubetest.Pod) { p.Waits(containerName, "ErrImagePull", "") })
	eventually(t, "told", func() bool { return strings.Contains(lines(r), "ErrImagePull") })
	passes(9 * time.Minute)
	f.Change(pod, func(p *kubetest.Pod) { p.Waits(containerName, "ContainerCreating", "") })
	passes(2 * time.Minute)
	if r.Ended() {
		t.Fatalf("ended:\n%s", lines(r))
	}
	f.Change(pod, func(p *kubetest.Pod) { p.Waits(containerName, "ErrImagePull", "") })
	r.Want(t, step.PlatformError)
	wantLines(t, r, "The pod did not begin within 10m0s")
}

// TestLargeImage has a pod whose image takes longer than a pod may be hindered, while nothing goes wrong.
func TestLargeImage(t *testing.T) {
	t.Parallel()
	f, told := telling(t)
	f.Admit = func(p *kubetest.Pod) { p.Waits(containerName, "ContainerCreating", "") }
	rt := f.open(t, func(c *Config) { c.PullPatience, c.SchedulePatience = 50*time.Millisecond, time.Hour })
	a := attempt("", "image", "stuck")
	r := start(t, rt, a)
	pod := f.Await(t, a.UUID)
	f.Tell(pod, "Normal", "Pulling", "Pulling image")
	told()
	eventually(t, "known to be pulling", func() bool {
		rt.cl.mu.Lock()
		defer rt.cl.mu.Unlock()
		j := rt.cl.jobs[a.UUID]
		return j != nil && !j.running && !j.queued && j.hindered.pulling
	})
	if r.Ended() {
		t.Fatalf("ended:\n%s", lines(r))
	}
	f.Begin(pod)
	f.end(t, a, 0)
	r.Want(t, step.Done)
}

// TestPatientInit has an init container that is at work for longer than a pod may be hindered.
func TestPatientInit(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	rt := f.open(t, func(c *Config) { c.PullPatience, c.SchedulePatience = time.Millisecond, time.Hour })
	f.Admit = func(p *kubetest.Pod) {
		p.Spec.InitContainers = []kube.Container{{Name: "fetch"}}
		p.Runs("fetch")
		p.Waits(containerName, "PodInitializing", "")
	}
	a := attempt("", "image", "stuck")
	r := start(t, rt, a)
	eventually(t, "running", begun(r))
	pod := f.Await(t, a.UUID)
	f.Change(pod, func(*kubetest.Pod) {})
	f.Begin(pod)
	f.end(t, a, 0)
	r.Want(t, step.Done)
	if strings.Contains(lines(r), "does not begin") {
		t.Errorf("told:\n%s", lines(r))
	}
}

// TestLostSaysWhy asks the cluster what it knows of a pod that is gone.
func TestLostSaysWhy(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	a := attempt("", "image", "forever")
	r := start(t, f.open(t), a)
	eventually(t, "running", begun(r))
	pod := f.Await(t, a.UUID)
	f.Tell(pod, "Warning", "NodeNotReady", "Node is not ready")
	f.Remove(pod)
	r.Want(t, step.PlatformError)
	wantLines(t, r, "is gone", "NodeNotReady, Node is not ready")
}
