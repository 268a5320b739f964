package kubernetes

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"maestro/internal/step"
	"maestro/internal/step/steptest"
)

// TestEndsWhileFound has a pod end between the moment when the server looks at it for somebody who finds it and the moment
// when that one hears of it. What he then knows is old, and no watch tells him again.
func TestEndsWhileFound(t *testing.T) {
	t.Parallel()
	ends := map[string]func(f *fakeCluster, p *fakePod){
		"Ends": func(f *fakeCluster, p *fakePod) { f.end(p, 0, "") },
		"IsDeleted": func(f *fakeCluster, p *fakePod) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.remove(p)
		},
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
					f := newFake(t)
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
						told = listing(f)
					}
					var once sync.Once
					f.mu.Lock()
					f.after = func(_ http.ResponseWriter, r *http.Request) bool {
						if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, a.UUID) {
							once.Do(func() {
								end(f, f.pod(t, a.UUID))
								told()
							})
						}
						return false
					}
					f.mu.Unlock()
					start(t, rt, a).Want(t, want)
				})
			}
		}
	}
}

func begun(r *steptest.Recorder) func() bool { return func() bool { return len(r.All()) > 0 } }

// watching has a runtime hear a watch. It returns a function that waits until it has heard of all that was before.
func watching(t *testing.T, f *fakeCluster, rt *Runtime) (told func()) {
	marker := attempt("", "image", "holds")
	r := start(t, rt, marker)
	eventually(t, "a watch that tells", func() bool {
		f.set(f.pod(t, marker.UUID), func(*fakePod) {})
		rt.cl.mu.Lock()
		defer rt.cl.mu.Unlock()
		w := rt.cl.watchers["default"]
		return w != nil && w.heard && begun(r)()
	})
	return func() {
		f.end(f.pod(t, marker.UUID), 0, "")
		r.Final(t) // news come in order
	}
}

// listing keeps back the next list of pods. It returns a function that lets it be made, and waits until that is done, or
// nobody makes one.
func listing(f *fakeCluster) (told func()) {
	makes, made := make(chan struct{}), make(chan struct{})
	watches := sync.OnceFunc(func() { close(made) })
	f.mu.Lock()
	f.interfere = func(_ http.ResponseWriter, r *http.Request) bool {
		switch {
		case !strings.HasSuffix(r.URL.Path, "/pods") || r.Method != http.MethodGet:
		case r.URL.Query().Get("watch") == "":
			<-makes
		default:
			watches()
		}
		return false
	}
	f.mu.Unlock()
	return func() {
		close(makes)
		select {
		case <-made:
		case <-time.After(time.Second):
		}
		f.mu.Lock()
		f.interfere = nil
		f.mu.Unlock()
	}
}

// TestMuteAfterList finds a pod while the first list is made. The watch that begins then tells nothing: the pod must be
// looked at all the same.
func TestMuteAfterList(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	a := attempt("", "image", "holds")
	other := f.open(t)
	eventually(t, "running", begun(start(t, other, a)))
	other.Close()
	f.mu.Lock()
	f.muteWatch = true
	f.mu.Unlock()
	told := listing(f)
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
	f.end(f.pod(t, a.UUID), 0, "")
	r.Want(t, step.Done)
}
