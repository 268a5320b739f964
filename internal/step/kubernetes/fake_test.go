package kubernetes

import (
	"testing"
	"time"

	"maestro/internal/kube/kubetest"
	"maestro/internal/step"
)

// fakeCluster is a cluster that this package's runtimes work on.
type fakeCluster struct{ *kubetest.Cluster }

func newFake(t *testing.T) *fakeCluster {
	t.Helper()
	return &fakeCluster{kubetest.New(t)}
}

// open returns a runtime on this cluster.
func (f *fakeCluster) open(t *testing.T, change ...func(*Config)) *Runtime {
	t.Helper()
	cfg := Config{Client: f.Client(t), Name: "test", Installation: "i"}
	for _, c := range change {
		c(&cfg)
	}
	rt, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rt.Close)
	return rt
}

// end ends the pod of an attempt, once it is there.
func (f *fakeCluster) end(t *testing.T, a *step.Attempt, code int) {
	t.Helper()
	f.End(f.Await(t, a.UUID), code, "")
}

// began returns how often the work of an attempt began.
func (f *fakeCluster) began(a *step.Attempt) (n int) {
	for _, p := range f.Begun() {
		if p.Metadata.Annotations[annotationStep] == identity(a) {
			n++
		}
	}
	return n
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
