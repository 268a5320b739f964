package kubernetes

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/kube"
	"maestro/internal/kube/kubetest"
	"maestro/internal/step"
	"maestro/internal/step/steptest"
)

// fault is a way in which an answer goes wrong.
type fault struct {
	name string
	do   func(w http.ResponseWriter)
}

var faults = []fault{
	{"Busy", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "0"); w.WriteHeader(429) }},
	{"Broken", func(w http.ResponseWriter) { w.WriteHeader(500) }},
	{"Proxy", func(w http.ResponseWriter) { w.WriteHeader(502); io.WriteString(w, "<html>bad gateway") }},
	{"Garbage", func(w http.ResponseWriter) { io.WriteString(w, "<html>welcome") }},
	{"Other", func(w http.ResponseWriter) { io.WriteString(w, `{"kind":"Pod","metadata":{"name":"another"}}`) }},
	{"Cut", func(w http.ResponseWriter) { w.Header().Set("Content-Length", "100"); io.WriteString(w, `{"kind":`) }},
	{"Closed", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }},
	{"Unauthorized", func(w http.ResponseWriter) { w.WriteHeader(401) }},
	{"Expired", func(w http.ResponseWriter) { w.WriteHeader(410) }},
}

// TestBreakOnce breaks one request of a whole life, each in turn, in every way, before or after it was obeyed. The pod
// begins at most once, and what is reported is what happened.
func TestBreakOnce(t *testing.T) {
	t.Parallel()
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			var all sync.WaitGroup // they mostly wait
			for n := int64(1); n <= 7; n++ {
				all.Go(func() { breakOnce(t, fault, n, false) })
				all.Go(func() { breakOnce(t, fault, n, true) })
			}
			all.Wait()
		})
	}
}

func breakOnce(t *testing.T, fault fault, n int64, obeyed bool) {
	f := newFake(t)
	var count atomic.Int64
	f.Interfere = func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Query().Get("watch") != "" && fault.name == "Other", obeyed && kubetest.Streams(r), count.Add(1) != n:
			return false
		case obeyed:
			f.Obey(r)
		}
		fault.do(w)
		return true
	}
	rt := f.open(t)
	a := attempt("", "image", "succeeds")
	got := start(t, rt, a).Final(t)
	if got.State != step.Done && (fault.name != "Expired" || got.State != step.PlatformError) { // 410 is no answer to expect of a create
		t.Errorf("request %d (obeyed: %t): ended with %s: %+v", n, obeyed, got.State, got.Timeline)
	}
	held := attempt("", "image", "forever")
	r := start(t, rt, held)
	eventually(t, "running", func() bool { return len(r.All()) > 0 })
	stop(t, rt, held).Want(t, step.Stopped)
	r.Final(t)
	if b, h := f.began(a), f.began(held); b > 1 || h > 1 || got.State == step.Done && b != 1 {
		t.Errorf("request %d (obeyed: %t): began %d and %d times", n, obeyed, b, h)
	}
	if p := f.Pod(held.UUID); p != nil && p.Alive() {
		t.Errorf("request %d (obeyed: %t): its pod is left after it was stopped", n, obeyed)
	}
}

// TestWatchFaults breaks every watch in one way. Polling takes its place.
func TestWatchFaults(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(w http.ResponseWriter){
		"Ends":    func(w http.ResponseWriter) { w.WriteHeader(200) },
		"Closes":  func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"Garbage": func(w http.ResponseWriter) { io.WriteString(w, "%%%") },
		"Gone":    func(w http.ResponseWriter) { w.WriteHeader(410) },
		"GoneLater": func(w http.ResponseWriter) {
			io.WriteString(w, `{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}`)
		},
		"Unknown": func(w http.ResponseWriter) { io.WriteString(w, `{"type":"SURPRISE","object":{}}`) },
		"Huge": func(w http.ResponseWriter) {
			io.WriteString(w, `{"type":"ADDED","object":{"x":"`)
			for range 20 {
				w.Write(bytes.Repeat([]byte("x"), 1<<20))
			}
		},
		"Refused": func(w http.ResponseWriter) { w.WriteHeader(405) },
		"Late":    func(w http.ResponseWriter) { time.Sleep(3 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.Interfere = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("watch") == "" {
					return false
				}
				do(w)
				return true
			}
			rt := f.open(t)
			var all []*steptest.Recorder
			var held []*step.Attempt
			for range 5 {
				a := attempt("", "image", "holds")
				held = append(held, a)
				all = append(all, start(t, rt, a))
			}
			for _, a := range held {
				f.end(t, a, 0)
			}
			for _, r := range all {
				r.Want(t, step.Done)
			}
		})
	}
}

// TestForgetfulList leaves pods out of lists and watches: a job that is told that its pod is gone looks for itself.
func TestForgetfulList(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var lists atomic.Int64
	f.Interfere = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/pods") {
			return false
		}
		if r.URL.Query().Get("watch") != "" {
			w.WriteHeader(403)
		} else {
			lists.Add(1)
			io.WriteString(w, `{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[]}`)
		}
		return true
	}
	a := attempt("", "image", "holds")
	r := start(t, f.open(t), a)
	eventually(t, "running", func() bool { return len(r.All()) > 0 })
	seen := lists.Load()
	eventually(t, "more lists without it", func() bool { return lists.Load() >= seen+3 })
	if r.Ended() {
		t.Fatalf("ended with %s although the pod is there", r.Final(t).State)
	}
	f.end(t, a, 3)
	r.Want(t, step.UserError)
}

// TestHugeLog has a pod that wrote without end.
func TestHugeLog(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	line := []byte(strings.Repeat("x", 1000) + "\n")
	var sent atomic.Int64
	a := attempt("", "image", "holds")
	rt := f.open(t, func(c *Config) { c.MaxLogBytes = 4 << 20 })
	r := start(t, rt, a)
	f.Writes(f.Await(t, a.UUID), func(w http.ResponseWriter, _ *http.Request) {
		for range 10 << 20 { // 10 GB
			n, err := w.Write(line)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	f.end(t, a, 0)
	got := r.Want(t, step.Done)
	wantLines(t, r, "The log has more than 4 MiB")
	if n := len(got.Artifacts[artifactKey]); n > 12<<10 {
		t.Errorf("the artifact has %d bytes", n)
	}
	if n := sent.Load(); n > 64<<20 {
		t.Errorf("%d bytes of the log were sent", n)
	}
}

// TestInvalid has a pod that the server will refuse each time.
func TestInvalid(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.Interfere = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		w.WriteHeader(422)
		io.WriteString(w, `{"kind":"Status","code":422,"reason":"Invalid","message":"quantities must match the regular expression"}`)
		return true
	}
	r := start(t, f.open(t), attempt("", "image", "succeeds", "cpu", "much"))
	r.Want(t, step.FatalError)
	wantLines(t, r, "422 Invalid: quantities must match")
}

// TestManyPods has many pods in flight: few goroutines, little memory for each.
func TestManyPods(t *testing.T) {
	const many = 2000
	f := newFake(t)
	rt := f.open(t)
	list := make([]*step.Attempt, many)
	for i := range list {
		list[i] = attempt(fmt.Sprintf("many-%d", i), "image", "holds")
	}
	recorders := make([]*steptest.Recorder, many)
	for i := range recorders {
		recorders[i] = steptest.NewRecorder(30 * time.Second)
	}
	before := memoryInUse()
	for i, a := range list {
		rt.Start(t.Context(), a, recorders[i])
	}
	eventually(t, "all running", func() bool {
		for _, r := range recorders {
			if len(r.All()) == 0 {
				return false
			}
		}
		return true
	})
	if n := runtime.NumGoroutine(); n > 150 {
		t.Errorf("%d goroutines for %d pods", n, many)
	}
	t.Logf("%d goroutines, %d bytes per pod (fake cluster and reports included)", runtime.NumGoroutine(), (memoryInUse()-before)/many)
	for _, a := range list {
		f.end(t, a, 0)
	}
	for _, r := range recorders {
		r.Want(t, step.Done)
	}
	t.Logf("%.1f requests per pod", float64(f.Requests())/many)
	rt.cl.mu.Lock()
	defer rt.cl.mu.Unlock()
	if len(rt.cl.jobs) != 0 || len(rt.cl.watchers["default"].jobs) != 0 {
		t.Errorf("%d jobs and %d watched pods are left", len(rt.cl.jobs), len(rt.cl.watchers["default"].jobs))
	}
}

// TestMemory tells what the runtime alone holds for a pod in flight.
func TestMemory(t *testing.T) {
	const many = 2000
	f := newFake(t)
	rt := f.open(t)
	list := make([]*step.Attempt, many)
	recorders := make([]*steptest.Recorder, many)
	for i := range list {
		list[i] = attempt(fmt.Sprintf("held-%d", i), "image", "holds")
		recorders[i] = start(t, rt, list[i])
	}
	eventually(t, "all running", func() bool {
		for _, r := range recorders {
			if len(r.All()) == 0 {
				return false
			}
		}
		return true
	})
	full := memoryInUse()
	rt.Close()
	rt.cl.jobs, rt.cl.watchers = nil, nil
	per := int64(full-memoryInUse()) / many
	t.Logf("%d bytes per pod in flight", per)
	if per > 2<<10 {
		t.Errorf("%d bytes per pod in flight, want at most 2 KiB", per)
	}
	runtime.KeepAlive(list)
	runtime.KeepAlive(recorders)
}

func memoryInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestJanitor deletes what is old, and nothing else.
func TestJanitor(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	rt := f.open(t)
	ended, failed, running := attempt("ended", "image", "succeeds"), attempt("failed", "image", "fails"), attempt("running", "image", "forever")
	start(t, rt, ended).Want(t, step.Done)
	start(t, rt, failed).Want(t, step.UserError)
	stop(t, rt, attempt("never", "image", "succeeds")).Want(t, step.Stopped)
	r := start(t, rt, running)
	eventually(t, "running", func() bool { return len(r.All()) > 0 })
	f.Create(`{"metadata":{"name":"foreign"},"spec":{"containers":[{"image":"succeeds"}]}}`)
	left := func() (names []string) {
		rt.cl.api.ListPods(t.Context(), "default", "", "", func(p *kube.Pod) { names = append(names, p.Metadata.Name) })
		return names
	}
	for _, c := range []struct {
		at   time.Duration
		want string
	}{{23 * time.Hour, "[ended failed foreign never running]"}, {25 * time.Hour, "[foreign running]"}} {
		if err := rt.cl.sweep("default", time.Now().Add(c.at)); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(left()); got != c.want {
			t.Errorf("after %s there are %s, want %s", c.at, got, c.want)
		}
	}
}

// TestMuteFromTheStart finds a pod again before the first watch has begun, which then tells nothing.
func TestMuteFromTheStart(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.MuteWatch = true
	var hold atomic.Bool
	release, watched := make(chan struct{}), make(chan struct{}, 100)
	f.Interfere = func(_ http.ResponseWriter, r *http.Request) bool {
		switch {
		case !hold.Load() || r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/pods"):
		case r.URL.Query().Get("watch") != "":
			watched <- struct{}{}
		default:
			<-release
		}
		return false
	}
	a := attempt("", "image", "holds")
	one := f.open(t)
	first := start(t, one, a)
	eventually(t, "running", func() bool { return len(first.All()) > 0 })
	one.Close()
	hold.Store(true)
	second := start(t, f.open(t), again(a, first))
	eventually(t, "found", func() bool { return len(second.All()) > 0 })
	time.Sleep(50 * time.Millisecond) // it has nothing more to do
	close(release)
	<-watched
	f.end(t, a, 0)
	second.Want(t, step.Done)
}

// TestForbiddenForAWhile restarts the server while a pod runs; the API server refuses to say at first whether there is
// one. It is not given up, and not begun again.
func TestForbiddenForAWhile(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var forbidden atomic.Int64
	f.Interfere = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || kubetest.Streams(r) || strings.HasSuffix(r.URL.Path, "/pods") || forbidden.Add(-1) < 0 {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	a := attempt("", "image", "holds")
	one := f.open(t)
	r := start(t, one, a)
	eventually(t, "running", func() bool { return len(r.All()) > 0 })
	one.Close()
	forbidden.Store(2)
	later := again(a, r)
	later.Artifacts = nil // what was reported was not kept
	second := start(t, f.open(t), later)
	f.end(t, a, 0)
	second.Want(t, step.Done)
	if n := f.began(a); n != 1 {
		t.Errorf("began %d times", n)
	}
}

// TestRefusedSecondTime loses the answer to the request that made the pod. The next one is refused for another reason
// than that the pod exists, as when the first has used up a quota: the pod is found all the same.
func TestRefusedSecondTime(t *testing.T) {
	t.Parallel()
	for _, code := range []int{403, 422} {
		f := newFake(t)
		var posts atomic.Int64
		f.Interfere = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost {
				return false
			}
			if posts.Add(1) == 1 {
				f.Obey(r)
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(code)
			return true
		}
		a := attempt("", "image", "holds")
		r := start(t, f.open(t), a)
		eventually(t, "running", func() bool { return len(r.All()) > 0 })
		f.end(t, a, 0)
		r.Want(t, step.Done)
	}
}

// TestDeletedAtOnce has somebody delete a pod before the answer to the request that made it has come: the watch tells of
// the end of a pod that nobody has heard of.
func TestDeletedAtOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	a := attempt("", "image", "forever")
	f.Interfere = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		answer := httptest.NewRecorder()
		f.Answer(answer, r)
		if f.Pod(a.UUID) != nil {
			f.Client(t).DeletePod(context.Background(), "default", a.UUID, "", -1)
			time.Sleep(200 * time.Millisecond) // for the news to come first
		}
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
		return true
	}
	rt := f.open(t)
	other := start(t, rt, attempt("", "image", "forever"))
	eventually(t, "watching", func() bool { return len(other.All()) > 0 })
	start(t, rt, a).Want(t, step.PlatformError)
}

// TestOldNews finds a pod that ends while the answer to the question how it is, which says that it runs, is under way:
// the watch tells of the end before.
func TestOldNews(t *testing.T) {
	t.Parallel()
	for _, knows := range []bool{false, true} { // that there is a pod
		f := newFake(t)
		a := attempt("", "image", "holds")
		var armed atomic.Bool
		f.Interfere = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, a.UUID) || !armed.CompareAndSwap(true, false) {
				return false
			}
			answer := httptest.NewRecorder()
			f.Answer(answer, r)
			f.end(t, a, 0)
			time.Sleep(200 * time.Millisecond) // for the news to come first
			w.Write(answer.Body.Bytes())
			return true
		}
		one := f.open(t)
		first := start(t, one, a)
		eventually(t, "running", func() bool { return len(first.All()) > 0 })
		one.Close()

		two := f.open(t)
		other := attempt("", "image", "holds")
		watching := start(t, two, other)
		f.Change(f.Await(t, other.UUID), func(*kubetest.Pod) {}) // something to tell
		eventually(t, "watching", func() bool { return len(watching.All()) > 0 })
		time.Sleep(50 * time.Millisecond)
		armed.Store(true)
		later := again(a, first)
		later.Again = knows
		start(t, two, later).Want(t, step.Done)
	}
}

// TestLateRequest stops a pod while a request to begin it, of a server that has died, is still under way: it must find
// the name taken.
func TestLateRequest(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var late atomic.Pointer[http.Request]
	var forbidden atomic.Bool
	f.Interfere = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || late.Load() != nil {
			if r.Method == http.MethodPost && forbidden.CompareAndSwap(true, false) {
				w.WriteHeader(http.StatusForbidden)
				return true
			}
			return false
		}
		text, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(text))
		late.Store(r)
		<-r.Context().Done()
		return true
	}
	a := attempt("", "image", "stubborn")
	one := f.open(t)
	start(t, one, a)
	eventually(t, "asked for", func() bool { return late.Load() != nil })
	one.Close()
	two := f.open(t)
	later := *a
	later.Again = true
	r := start(t, two, &later)
	eventually(t, "running", func() bool { return len(r.All()) > 0 })
	forbidden.Store(true) // to take the name, at first
	stop(t, two, &later).Want(t, step.Stopped)
	f.Obey(late.Load())
	if n := f.began(a); n != 1 {
		t.Errorf("began %d times", n)
	}
}

// TestLateRequestAfterRefusal has a pod refused while a request to begin it, of a server that has died, is still under
// way: once the failure is reported, that begins nothing.
func TestLateRequestAfterRefusal(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var posts atomic.Int64
	f.Interfere = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || posts.Add(1) > 2 { // and again, to take the name
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	a := attempt("", "image", "succeeds")
	a.Again = true
	r := start(t, f.open(t), a)
	r.Want(t, step.PlatformError)
	wantLines(t, r, "403 Forbidden")
	start(t, f.open(t), a).Want(t, step.PlatformError) // as the next server sees it, if the report was lost
	other := attempt(a.UUID, "image", "succeeds")
	start(t, f.open(t), other).Want(t, step.PlatformError)
	if n := f.began(a); n != 0 {
		t.Errorf("began %d times", n)
	}
}
