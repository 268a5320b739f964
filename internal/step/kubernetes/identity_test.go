package kubernetes

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"maestro/internal/kube/kubetest"
	"maestro/internal/step"
)

// foreigners are pods under the name of an attempt's pod that are not the attempt's.
var foreigners = map[string]func(about map[string]string){
	"Bare": func(about map[string]string) { clear(about) },
	"OtherAttempt": func(about map[string]string) {
		about[annotationStep], about[annotationAttempt] = "[wf][7][2][job][3][x]", "x"
	},
	"OtherWorkflow": func(about map[string]string) {
		about[annotationStep] = strings.Replace(about[annotationStep], "[wf]", "[WF]", 1)
	},
	"OtherInstallation": func(about map[string]string) { about[annotationInstallation] = "j" },
	"NoInstallation":    func(about map[string]string) { delete(about, annotationInstallation) },
	"NoAttempt":         func(about map[string]string) { delete(about, annotationAttempt) },
	"SaysItIsStopped":   func(about map[string]string) { clear(about); about[annotationStop] = byStop },
}

// foreignPod makes a pod under the name of an attempt's pod that is nearly the attempt's, and runs.
func foreignPod(t *testing.T, f *fakeCluster, rt *Runtime, a *step.Attempt, change func(about map[string]string)) *kubetest.Pod {
	t.Helper()
	c, err := Decode(a)
	if err != nil {
		t.Fatal(err)
	}
	m := rt.cl.manifest(a, c)
	change(m.Metadata.Annotations)
	f.Create(string(encode(m)))
	pod := f.Await(t, m.Metadata.Name)
	f.Wrote(pod, "a secret")
	return pod
}

// TestForeignPod finds a pod of somebody else under the name of an attempt's pod. It is refused with a clear error, and
// neither taken for the attempt's nor shown nor deleted, whatever is done with the attempt.
func TestForeignPod(t *testing.T) {
	t.Parallel()
	for name, change := range foreigners {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s,Again=%t", name, again), func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				rt := f.open(t)
				a := attempt("", "image", "forever")
				a.Again = again
				pod := foreignPod(t, f, rt, a, change)
				r := start(t, rt, a)
				if got := r.Want(t, step.PlatformError); got.Begun {
					t.Error("said to have begun")
				}
				wantLines(t, r, "pod ["+a.UUID+"] exists in namespace [default] and is not of this attempt: it ", "give the step another job_deduplication_key")
				if data, _, err := rt.ReadLog(t.Context(), a, stdout, 0, 100); len(data) != 0 {
					t.Errorf("its log is shown: %q (error %v)", data, err)
				}
				stop(t, rt, a).Want(t, step.Stopped)
				known := *a
				known.Again, known.Artifacts = true, map[string][]byte{artifactKey: []byte(`{"job_id":"` + a.UUID + `"}`)}
				start(t, f.open(t), &known).Want(t, step.PlatformError) // a server that was told of a pod, which is another's by now
				stop(t, f.open(t), &known).Want(t, step.Stopped)
				if err := rt.cl.sweep("default", time.Now().Add(100*24*time.Hour)); err != nil {
					t.Fatal(err)
				}
				if p := f.Pod(a.UUID); p == nil || p.Metadata.UID != pod.Metadata.UID || p.Metadata.DeletionTimestamp != "" {
					t.Errorf("the foreign pod was touched: %+v", p)
				}
				if n := len(f.Begun()); n > 1 {
					t.Errorf("%d pods were begun", n)
				}
			})
		}
	}
}

// TestReplacedPod has somebody put a pod of theirs in the place of an attempt's that runs.
func TestReplacedPod(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	rt := f.open(t)
	a := attempt("", "image", "forever")
	r := start(t, rt, a)
	eventually(t, "running", begun(r))
	f.Remove(f.Await(t, a.UUID))
	other := foreignPod(t, f, rt, a, foreigners["Bare"])
	r.Want(t, step.PlatformError)
	stop(t, rt, again(a, r)).Want(t, step.Stopped)
	if p := f.Pod(a.UUID); p == nil || p.Metadata.UID != other.Metadata.UID {
		t.Errorf("the foreign pod was touched: %+v", p)
	}
}

// TestJanitorOfAnotherInstallation leaves old pods of another installation of the same name alone.
func TestJanitorOfAnotherInstallation(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	one := f.open(t)
	two := f.open(t, func(c *Config) { c.Installation = "j" })
	a := attempt("", "image", "succeeds")
	start(t, one, a).Want(t, step.Done)
	for _, c := range []struct {
		rt   *Runtime
		left int
	}{{two, 1}, {one, 0}} {
		if err := c.rt.cl.sweep("default", time.Now().Add(48*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if n := len(f.Pods()); n != c.left {
			t.Errorf("%d pods are left, want %d", n, c.left)
		}
	}
}

// TestAnnotationsOfAStep has a step say about its pod what only its runtime may say.
func TestAnnotationsOfAStep(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	a := attempt("", "image", "succeeds", "annotations", map[string]string{
		annotationStop: byStop, annotationAttempt: "x", annotationInstallation: "x", annotationStep: "x",
	}, "labels", map[string]string{labelServer: "x"})
	start(t, f.open(t), a).Want(t, step.Done)
}

// TestPodName gives every key a name of its own, which is the key where that can be a name.
func TestPodName(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"a", "a-b", "a.b-c.d", "0123", "0f3c6a52-6d0c-5b6e-8f0a-1c2d3e4f5a6b", strings.Repeat("a", 253)} {
		if got := podName(key); got != key {
			t.Errorf("%q: got %q", key, got)
		}
	}
	seen := map[string]string{}
	keys := []string{
		"Job", "JOB", "job!", "job?", "job_", "job ", " job", "-job", "job-", ".job", "job.", "j..b", "j.-b", "j-.b", "a_b", "a/b", "a:b", "a b", "a\x00b",
		"", "!", "日本", "日本語", "\xff", "\xfe", strings.Repeat("a", 254), strings.Repeat("a", 255), strings.Repeat("A", 1000), "job", "a-b", "a",
		strings.Repeat("x", 300) + "1", strings.Repeat("x", 300) + "2",
	}
	for _, key := range keys { // and those that look like the names of others
		keys = append(keys, podName(key))
	}
	for _, key := range keys {
		name := podName(key)
		if !isName(name) || len(name) > maxName {
			t.Errorf("%q: %q is no name of a pod", key, name)
		}
		if other, ok := seen[name]; ok && other != key {
			t.Errorf("%q and %q have the same name %q", key, other, name)
		}
		seen[name] = key
	}
}

// TestOddKey runs pods with keys that cannot be names, which differ only in what cannot be in a name.
func TestOddKey(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	rt := f.open(t)
	for _, key := range []string{"My Job/1", "my job/1", "My_Job:1", strings.Repeat("long", 100)} {
		a := attempt("", "image", "holds", "job_deduplication_key", key)
		r := start(t, rt, a)
		eventually(t, "running", begun(r))
		f.Writes(f.Await(t, podName(key)), func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "of "+key) })
		f.End(f.Await(t, podName(key)), 0, "")
		got := r.Want(t, step.Done)
		for _, want := range []string{`"job_id":"` + podName(key) + `"`, `"job_deduplication_key":"` + key + `"`, `"execution_output":"of ` + key} {
			if text := string(got.Artifacts[artifactKey]); !strings.Contains(text, want) {
				t.Errorf("the artifact has no %s: %s", want, text)
			}
		}
		if text := readAll(t, f.open(t), again(a, r), 100); text != "of "+key {
			t.Errorf("the log says %q", text)
		}
	}
}
