package kubernetes

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"maestro/internal/kube"
)

// fakeCluster is an API server and all nodes behind it. What a pod does follows from its image; a test may interfere
// with any request.
type fakeCluster struct {
	*httptest.Server

	// interfere, if set, is asked before each request. It returns true if it has answered. after is asked when the
	// request has been obeyed and not yet answered.
	interfere, after func(w http.ResponseWriter, r *http.Request) bool
	muteWatch        bool // watches are accepted and tell nothing

	mu       sync.Mutex
	cond     *sync.Cond
	version  int
	pods     map[string]*fakePod
	events   []fakeEvent
	began    map[string]int // by step_identity
	requests int
	closed   bool
}

type fakePod struct {
	kube.Pod
	Spec kube.Spec `json:"spec"`

	log      string
	logMaker func(w io.Writer) // instead
}

type fakeEvent struct {
	version int
	kind    string
	object  []byte
	labels  map[string]string
}

func newFake(t *testing.T) *fakeCluster {
	f := &fakeCluster{pods: map[string]*fakePod{}, began: map[string]int{}}
	f.cond = sync.NewCond(&f.mu)
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(func() {
		f.mu.Lock()
		f.closed = true
		f.cond.Broadcast()
		f.mu.Unlock()
		f.Server.CloseClientConnections()
		f.Server.Close()
	})
	return f
}

func (f *fakeCluster) client(t *testing.T) *kube.Client {
	t.Helper()
	c, err := kube.New(kube.Config{Server: f.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// open returns a runtime on this cluster.
func (f *fakeCluster) open(t *testing.T, change ...func(*Config)) *Runtime {
	t.Helper()
	cfg := Config{Client: f.client(t), Name: "test"}
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

func (f *fakeCluster) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests++
	interfere, after := f.interfere, f.after
	f.mu.Unlock()
	if interfere != nil && interfere(w, r) {
		return
	}
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // api v1 namespaces NS pods [NAME [log]]
	answer := func(code int, v any) {
		if after != nil && after(w, r) {
			return
		}
		w.WriteHeader(code)
		json.NewEncoder(w).Encode(v)
	}
	switch {
	case len(part) == 5 && r.Method == http.MethodPost:
		answer(f.create(r.Body, part[3]))
	case len(part) == 5 && r.URL.Query().Get("watch") != "":
		f.watch(w, r)
	case len(part) == 5:
		answer(200, f.list(r))
	case len(part) == 7:
		f.log(w, part[5])
	case r.Method == http.MethodDelete:
		answer(f.delete(part[5], r.Body))
	default:
		answer(f.get(part[5]))
	}
}

// copyOf returns a pod as it is now. f.mu is held.
func copyOf(p *fakePod) json.RawMessage {
	text, _ := json.Marshal(p)
	return text
}

func problem(code int, reason string) map[string]any {
	return map[string]any{"kind": "Status", "code": code, "reason": reason, "message": "the fake says " + reason}
}

func (f *fakeCluster) get(name string) (int, any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.pods[name]; p != nil {
		return 200, copyOf(p)
	}
	return 404, problem(404, "NotFound")
}

func (f *fakeCluster) create(body io.Reader, ns string) (int, any) {
	p := &fakePod{}
	if err := json.NewDecoder(body).Decode(p); err != nil {
		return 400, problem(400, "BadRequest")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pods[p.Metadata.Name] != nil {
		return 409, problem(409, "AlreadyExists")
	}
	p.Metadata.Namespace, p.Status.Phase = ns, kube.Pending
	p.Metadata.UID = fmt.Sprintf("uid-%d", f.version)
	p.Metadata.CreationTimestamp = time.Now().UTC().Format(time.RFC3339)
	f.pods[p.Metadata.Name] = p
	f.changed(p, kube.Added)
	if len(p.Spec.SchedulingGates) == 0 {
		f.began[p.Metadata.Annotations[annotationStep]]++
		go f.run(p, p.Spec.Containers[0].Image)
	}
	return 201, copyOf(p)
}

// run lets a pod live.
func (f *fakeCluster) run(p *fakePod, image string) {
	if image == "stuck" {
		return
	}
	f.set(p, func(p *fakePod) { p.Status.Phase = kube.Running })
	switch image {
	case "succeeds":
		f.end(p, 0, "")
	case "fails":
		f.end(p, 3, "")
	}
}

// end ends a pod's container.
func (f *fakeCluster) end(p *fakePod, code int, reason string) {
	f.set(p, func(p *fakePod) {
		p.Status.Phase = kube.Succeeded
		if code != 0 {
			p.Status.Phase = kube.Failed
		}
		s := kube.ContainerStatus{Name: containerName}
		s.State.Terminated = &kube.Terminated{ExitCode: code, Reason: reason, FinishedAt: time.Now().UTC().Format(time.RFC3339)}
		p.Status.ContainerStatuses = []kube.ContainerStatus{s}
	})
}

// set changes a pod, unless it has ended.
func (f *fakeCluster) set(p *fakePod, change func(*fakePod)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pods[p.Metadata.Name] != p || p.Status.Over() {
		return
	}
	change(p)
	f.changed(p, kube.Modified)
}

// changed records an event. f.mu is held.
func (f *fakeCluster) changed(p *fakePod, kind string) {
	f.version++
	p.Metadata.ResourceVersion = strconv.Itoa(f.version)
	object, _ := json.Marshal(p)
	f.events = append(f.events, fakeEvent{f.version, kind, object, p.Metadata.Labels})
	f.cond.Broadcast()
}

func (f *fakeCluster) delete(name string, body io.Reader) (int, any) {
	var o struct {
		GracePeriodSeconds *int64
		Preconditions      struct{ UID string }
	}
	json.NewDecoder(body).Decode(&o)
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pods[name]
	switch {
	case p == nil:
		return 404, problem(404, "NotFound")
	case o.Preconditions.UID != "" && o.Preconditions.UID != p.Metadata.UID:
		return 409, problem(409, "Conflict")
	case p.Spec.Containers[0].Image == "stubborn" && o.GracePeriodSeconds == nil && p.Status.Phase == kube.Running:
		p.Metadata.DeletionTimestamp = time.Now().Add(time.Second).UTC().Format(time.RFC3339)
		f.changed(p, kube.Modified)
		time.AfterFunc(150*time.Millisecond, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.remove(p)
		})
		return 200, copyOf(p)
	}
	f.remove(p)
	return 200, copyOf(p)
}

func (f *fakeCluster) remove(p *fakePod) {
	if f.pods[p.Metadata.Name] == p {
		delete(f.pods, p.Metadata.Name)
		f.changed(p, kube.Deleted)
	}
}

// forget loses a pod without telling anybody.
func (f *fakeCluster) forget(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.pods, name)
}

func (f *fakeCluster) list(r *http.Request) any {
	q := r.URL.Query()
	f.mu.Lock()
	defer f.mu.Unlock()
	items := []*fakePod{}
	for _, name := range slices.Sorted(maps.Keys(f.pods)) {
		p := f.pods[name]
		if chosen(q.Get("labelSelector"), p.Metadata.Labels) && (q.Get("fieldSelector") != active || !p.Status.Over()) && name > q.Get("continue") {
			items = append(items, p)
		}
	}
	meta := map[string]any{"resourceVersion": strconv.Itoa(f.version)}
	if n, _ := strconv.Atoi(q.Get("limit")); n > 0 && len(items) > n {
		items = items[:n]
		meta["continue"] = items[n-1].Metadata.Name
	}
	text, _ := json.Marshal(items)
	return map[string]any{"kind": "PodList", "metadata": meta, "items": json.RawMessage(text)}
}

func chosen(selector string, labels map[string]string) bool {
	key, value, ok := strings.Cut(selector, "=")
	return !ok || labels[key] == value
}

func (f *fakeCluster) watch(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, _ := strconv.Atoi(q.Get("resourceVersion"))
	stop := false
	go func() {
		<-r.Context().Done()
		f.mu.Lock()
		stop = true
		f.cond.Broadcast()
		f.mu.Unlock()
	}()
	w.WriteHeader(200)
	w.(http.Flusher).Flush()
	for {
		f.mu.Lock()
		for !stop && !f.closed && (f.muteWatch || f.version <= from) {
			f.cond.Wait()
		}
		var news []fakeEvent
		i, _ := slices.BinarySearchFunc(f.events, from+1, func(e fakeEvent, v int) int { return e.version - v })
		news = append(news, f.events[i:]...)
		over := stop || f.closed
		f.mu.Unlock()
		if over {
			return
		}
		for _, e := range news {
			from = e.version
			if chosen(q.Get("labelSelector"), e.labels) {
				fmt.Fprintf(w, `{"type":%q,"object":%s}`+"\n", e.kind, e.object)
			}
		}
		fmt.Fprintf(w, `{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"%d"}}}`+"\n", from)
		w.(http.Flusher).Flush()
	}
}

func (f *fakeCluster) log(w http.ResponseWriter, name string) {
	f.mu.Lock()
	p := f.pods[name]
	var text string
	var maker func(io.Writer)
	if p != nil {
		text, maker = p.log, p.logMaker
	}
	f.mu.Unlock()
	switch {
	case p == nil:
		w.WriteHeader(404)
		json.NewEncoder(w).Encode(problem(404, "NotFound"))
	case maker != nil:
		maker(w)
	default:
		io.WriteString(w, text)
	}
}

// pod waits for the pod of an attempt.
func (f *fakeCluster) pod(t *testing.T, name string) *fakePod {
	t.Helper()
	var p *fakePod
	eventually(t, "pod "+name, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		p = f.pods[name]
		return p != nil
	})
	return p
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
