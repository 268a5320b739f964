package kubernetes

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/kube/kubetest"
	"maestro/internal/step"
	"maestro/internal/step/steptest"
)

// hook interferes with requests from the moment on at which it is set.
type hook struct {
	atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
}

func (h *hook) set(f func(w http.ResponseWriter, r *http.Request) bool) { h.Store(&f) }

// hooked returns a cluster with two hooks: the first sees requests before the second.
func hooked(t *testing.T) (f *fakeCluster, one, two *hook) {
	f, one, two = newFake(t), new(hook), new(hook)
	f.Interfere = func(w http.ResponseWriter, r *http.Request) bool {
		for _, h := range []*hook{one, two} {
			if do := h.Load(); do != nil && (*do)(w, r) {
				return true
			}
		}
		return false
	}
	return f, one, two
}

// late answers a request, but lets something happen before the answer is on its way.
func late(f *fakeCluster, w http.ResponseWriter, r *http.Request, happens func()) {
	rec := httptest.NewRecorder()
	f.Answer(rec, r)
	happens()
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// TestEndsWhileFound has a pod end between the moment when the server looks at it for somebody who finds it and the moment
// when that one hears of it. What he then knows is old, and no watch tells him again.
func TestEndsWhileFound(t *testing.T) {
	t.Parallel()
	ends := map[string]func(f *fakeCluster, p *kubetest.Pod){
		"Ends":      func(f *fakeCluster, p *kubetest.Pod) { f.End(p, 0, "") },
		"IsDeleted": func(f *fakeCluster, p *kubetest.Pod) { f.Remove(p) },
	}
	for name, end := range ends {
		want := step.Done
		if name == "IsDeleted" {
			want = step.PlatformError
		}
		for _, again := range []bool{false, true} { // after a restart of the server, or because another one was faster
			for _, watched := range []bool{true, false} { // with a watch under way, or while the first list is made
				c := map[bool]string{true: "Again", false: "Beaten"}[again] + map[bool]string{true: "Watching", false: "Listing"}[watched]
				t.Run(name+c, func(t *testing.T) {
					t.Parallel()
					f, one, two := hooked(t)
					a := attempt("", "image", "holds")
					other := f.open(t)
					eventually(t, "running", begun(start(t, other, a)))
					other.Close()
					a.Again = again
					rt := f.open(t)
					var told func()
					if watched {
						told = watching(t, f, rt)
					} else {
						told = listing(one)
					}
					var once sync.Once
					two.set(func(w http.ResponseWriter, r *http.Request) (answered bool) {
						if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, a.UUID) {
							once.Do(func() {
								answered = true
								late(f, w, r, func() {
									end(f, f.Pod(a.UUID))
									told()
								})
							})
						}
						return answered
					})
					start(t, rt, a).Want(t, want)
				})
			}
		}
	}
}

// TestGoneWhileLookedAt has a pod go while the server's answer about it is on its way, after the watch has told of that: the
// old answer must not bring it back.
func TestGoneWhileLookedAt(t *testing.T) {
	t.Parallel()
	f, _, two := hooked(t)
	a := attempt("", "image", "holds")
	other := f.open(t)
	eventually(t, "running", begun(start(t, other, a)))
	other.Close()
	a.Again = true
	rt := f.open(t)
	told := []func(){watching(t, f, rt), watching(t, f, rt)}
	changes := []func(){
		func() { f.Change(f.Pod(a.UUID), func(*kubetest.Pod) {}) }, // so that it is looked at once more
		func() { f.Remove(f.Pod(a.UUID)) },
	}
	var looks atomic.Int64
	two.set(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, a.UUID) {
			return false
		}
		n := int(looks.Add(1)) - 1
		if n >= len(told) {
			return false
		}
		late(f, w, r, func() { changes[n](); told[n]() })
		return true
	})
	start(t, rt, a).Want(t, step.PlatformError)
	if n := looks.Load(); n < 2 {
		t.Errorf("it was looked at %d times", n)
	}
}

func begun(r *steptest.Recorder) func() bool { return func() bool { return len(r.All()) > 0 } }

// watching has a runtime hear a watch. It returns a function that waits until it has heard of all that was before.
func watching(t *testing.T, f *fakeCluster, rt *Runtime) (told func()) {
	marker := attempt("", "image", "holds")
	r := start(t, rt, marker)
	eventually(t, "a watch that tells", func() bool {
		f.Change(f.Await(t, marker.UUID), func(*kubetest.Pod) {})
		rt.cl.mu.Lock()
		defer rt.cl.mu.Unlock()
		w := rt.cl.watchers["default"]
		return w != nil && w.heard && begun(r)()
	})
	return func() {
		f.end(t, marker, 0)
		r.Final(t) // news come in order
	}
}

// listing keeps back the next list of pods. It returns a function that lets it be made, and waits until that is done, or
// nobody makes one.
func listing(h *hook) (told func()) {
	makes, made := make(chan struct{}), make(chan struct{})
	watches := sync.OnceFunc(func() { close(made) })
	h.set(func(_ http.ResponseWriter, r *http.Request) bool {
		switch {
		case !strings.HasSuffix(r.URL.Path, "/pods") || r.Method != http.MethodGet:
		case r.URL.Query().Get("watch") == "":
			<-makes
		default:
			watches()
		}
		return false
	})
	return func() {
		close(makes)
		select {
		case <-made:
		case <-time.After(time.Second):
		}
		h.Store(nil)
	}
}

// TestMuteAfterList finds a pod while the first list is made. The watch that begins then tells nothing: the pod must be
// looked at all the same.
func TestMuteAfterList(t *testing.T) {
	t.Parallel()
	f, one, two := hooked(t)
	a := attempt("", "image", "holds")
	other := f.open(t)
	eventually(t, "running", begun(start(t, other, a)))
	other.Close()
	two.set(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("watch") == "" {
			return false
		}
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	})
	told := listing(one)
	a.Again = true
	rt := f.open(t)
	r := start(t, rt, a)
	eventually(t, "nothing left to do", func() bool {
		rt.cl.mu.Lock()
		defer rt.cl.mu.Unlock()
		j := rt.cl.jobs[a.UUID]
		return j != nil && j.live && !j.running && !j.queued
	})
	told()
	f.end(t, a, 0)
	r.Want(t, step.Done)
}

// TestOldAnswer has a pod deleted on a dead node while the server's answer about it is on its way, after the watch has told
// of that: the old answer must not make it forgotten.
func TestOldAnswer(t *testing.T) {
	t.Parallel()
	f, _, two := hooked(t)
	a := attempt("", "image", "holds")
	other := f.open(t)
	eventually(t, "running", begun(start(t, other, a)))
	other.Close()
	a.Again = true
	rt := f.open(t)
	told := []func(){watching(t, f, rt), watching(t, f, rt)}
	changes := []func(){
		func() { f.Change(f.Pod(a.UUID), func(*kubetest.Pod) {}) }, // so that it is looked at once more
		func() {
			f.Change(f.Pod(a.UUID), func(p *kubetest.Pod) {
				p.Metadata.DeletionTimestamp = time.Now().Add(-2 * forceAfter).UTC().Format(time.RFC3339)
			})
		},
	}
	var looks atomic.Int64
	two.set(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, a.UUID) {
			return false
		}
		n := int(looks.Add(1)) - 1
		if n >= len(told) {
			return false
		}
		late(f, w, r, func() { changes[n](); told[n]() })
		return true
	})
	start(t, rt, a).Want(t, step.PlatformError)
}
