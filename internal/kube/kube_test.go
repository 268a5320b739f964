package kube

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return connect(t, Config{Server: s.URL})
}

func connect(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

const pod = `{"kind":"Pod","metadata":{"name":"p","uid":"u","resourceVersion":"7"},"status":{"phase":"Running"}}`

func TestPod(t *testing.T) {
	t.Parallel()
	var asked string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = r.Method + " " + r.URL.String() + " " + string(body)
		io.WriteString(w, pod)
	})
	for _, call := range []struct {
		do   func() error
		want string
	}{
		{func() error { _, err := c.Pod(t.Context(), "n", "p"); return err }, "GET /api/v1/namespaces/n/pods/p "},
		{func() error {
			_, err := c.CreatePod(t.Context(), "n", &Manifest{Metadata: Metadata{Name: "p"}})
			return err
		}, `POST /api/v1/namespaces/n/pods {"apiVersion":"","kind":"","metadata":{"name":"p"},"spec":{"containers":null}}`},
		{func() error { return c.DeletePod(t.Context(), "n", "p", "u", 0) },
			`DELETE /api/v1/namespaces/n/pods/p {"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0,"preconditions":{"uid":"u"}}`},
		{func() error { return c.DeletePod(t.Context(), "n", "p", "", -1) },
			`DELETE /api/v1/namespaces/n/pods/p {"apiVersion":"v1","kind":"DeleteOptions"}`},
		{func() error {
			body, err := c.PodLog(t.Context(), "n", "p", LogOptions{Container: "c", Follow: true, TailLines: 3})
			body.Close()
			return err
		}, "GET /api/v1/namespaces/n/pods/p/log?container=c&follow=true&tailLines=3 "},
		{func() error {
			body, err := c.PodLog(t.Context(), "n", "p", LogOptions{Container: "c", Previous: true})
			body.Close()
			return err
		}, "GET /api/v1/namespaces/n/pods/p/log?container=c&previous=true "},
	} {
		if err := call.do(); err != nil || asked != call.want {
			t.Errorf("error %v; asked\n%s, want\n%s", err, asked, call.want)
		}
	}
	if _, err := c.Pod(t.Context(), "n", "another"); err == nil || !Temporary(err) {
		t.Errorf("an answer about another pod: error %v, want a temporary one", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	var answer func(w http.ResponseWriter)
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { answer(w) })
	for _, e := range []struct {
		name      string
		answer    func(w http.ResponseWriter)
		text      string
		temporary bool
		after     time.Duration
	}{
		{"Status", func(w http.ResponseWriter) {
			w.WriteHeader(409)
			io.WriteString(w, `{"kind":"Status","code":409,"reason":"AlreadyExists","message":"pods \"p\" already exists"}`)
		}, `409 AlreadyExists: pods "p" already exists`, false, 0},
		{"Busy", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "7"); w.WriteHeader(429) }, "429 Too Many Requests", true, 7 * time.Second},
		{"BusyInBody", func(w http.ResponseWriter) {
			w.WriteHeader(503)
			io.WriteString(w, `{"kind":"Status","details":{"retryAfterSeconds":3}}`)
		}, "503", true, 3 * time.Second},
		{"Proxy", func(w http.ResponseWriter) { w.WriteHeader(502); io.WriteString(w, "<html>\n bad ") }, "502 Bad Gateway: <html> bad", true, 0},
		{"Far", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "999999"); w.WriteHeader(429) }, "429", true, maxRetryAfter},
		{"Forbidden", func(w http.ResponseWriter) { w.WriteHeader(403) }, "403 Forbidden", false, 0},
		{"Redirect", func(w http.ResponseWriter) { w.Header().Set("Location", "/x"); w.WriteHeader(302) }, "302 Found", false, 0},
		{"Garbage", func(w http.ResponseWriter) { io.WriteString(w, "hello") }, "the answer cannot be read", true, 0},
		{"Endless", func(w http.ResponseWriter) {
			io.WriteString(w, `{"x":"`)
			for range 20 {
				io.WriteString(w, strings.Repeat("x", 1<<20))
			}
		}, "the answer cannot be read", true, 0},
	} {
		answer = e.answer
		_, err := c.Pod(t.Context(), "n", "p")
		if err == nil || !strings.Contains(err.Error(), e.text) {
			t.Errorf("%s: got error %v, want %q", e.name, err, e.text)
		}
		if got := Temporary(err); got != e.temporary {
			t.Errorf("%s: temporary %t", e.name, got)
		}
		if got := RetryAfter(err); got != e.after {
			t.Errorf("%s: retry after %s, want %s", e.name, got, e.after)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Pod(ctx, "n", "p"); err == nil || Temporary(err) {
		t.Errorf("cancelled: error %v, want one that is not temporary", err)
	}
	answer = func(http.ResponseWriter) { panic(http.ErrAbortHandler) }
	if _, err := c.Pod(t.Context(), "n", "p"); err == nil || Unsent(err) {
		t.Errorf("no answer: error %v, want one of which nobody knows what became of the request", err)
	}
	nobody := connect(t, Config{Server: "http://127.0.0.1:1"})
	if _, err := nobody.Pod(t.Context(), "n", "p"); !Unsent(err) {
		t.Errorf("nobody there: error %v, want one of a request that was not sent", err)
	}
}

func TestListPods(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("continue") {
		case "":
			io.WriteString(w, `{"kind":"PodList","metadata":{"resourceVersion":"5","continue":"x"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}`)
		case "x":
			io.WriteString(w, `{"kind":"PodList","metadata":{"resourceVersion":"5"},"items":[{"metadata":{"name":"c","creationTimestamp":"garbage"}}]}`)
		}
	})
	var names string
	version, err := c.ListPods(t.Context(), "n", "l=1", "", func(p *Pod) { names += p.Metadata.Name })
	if err != nil || version != "5" || names != "abc" {
		t.Errorf("got %q, version %q, error %v", names, version, err)
	}
	c = serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{}`) })
	if _, err := c.ListPods(t.Context(), "n", "", "", nil); err == nil {
		t.Error("an object that is no list looks like an empty list")
	}
}

func TestWatchPods(t *testing.T) {
	t.Parallel()
	event := func(kind, name, version string) string {
		return fmt.Sprintf(`{"type":%q,"object":{"metadata":{"name":%q,"resourceVersion":%q}}}`, kind, name, version) + "\n"
	}
	for _, e := range []struct {
		name, text, seen, version, err string
		expired                        bool
	}{
		{name: "Ends", text: event(Added, "a", "2") + event(Deleted, "a", "3"), seen: "ADDED a DELETED a ", version: "3"},
		{name: "Bookmark", text: event(Bookmark, "", "9"), seen: "BOOKMARK  ", version: "9"},
		{name: "Gone", text: event(Added, "a", "2") + `{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}`,
			seen: "ADDED a ", version: "2", err: "410 Expired", expired: true},
		{name: "Cut", text: event(Added, "a", "2") + `{"type":"ADD`, seen: "ADDED a ", version: "2", err: "unexpected EOF"},
		{name: "Garbage", text: "hello", version: "1", err: "invalid character"},
		{name: "Unknown", text: event("MOVED", "a", "2"), version: "2", err: `unknown event "MOVED"`},
		{name: "Huge", text: `{"type":"` + strings.Repeat("x", maxEvent+1), version: "1", err: "an event has more than"},
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, e.text) })
		seen := ""
		version, err := c.WatchPods(t.Context(), "n", "l=1", "1", time.Minute, func(ev *Event) { seen += ev.Type + " " + ev.Pod.Metadata.Name + " " })
		if seen != e.seen || version != e.version || (err == nil) != (e.err == "") || err != nil && !strings.Contains(err.Error(), e.err) {
			t.Errorf("%s: saw %q, version %q, error %v", e.name, seen, version, err)
		}
		if Expired(err) != e.expired {
			t.Errorf("%s: expired %t", e.name, Expired(err))
		}
	}
}

func TestWatchEndsWithContext(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(cause) })
	if _, err := c.WatchPods(ctx, "n", "", "1", time.Minute, nil); !errors.Is(err, cause) {
		t.Errorf("got error %v, want %v", err, cause)
	}
}

// TestFreshToken gives a token that was renewed: the request is repeated with it, once.
func TestFreshToken(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	os.WriteFile(file, []byte("old\n"), 0o600)
	var requests atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Authorization") != "Bearer new" {
			w.WriteHeader(401)
			return
		}
		io.WriteString(w, pod)
	}))
	t.Cleanup(s.Close)
	c := connect(t, Config{Server: s.URL, Auth: &fileToken{path: file}})
	if _, err := c.Pod(t.Context(), "n", "p"); Code(err) != 401 || requests.Load() != 2 {
		t.Fatalf("got error %v after %d requests", err, requests.Load())
	}
	os.WriteFile(file, []byte("new\n"), 0o600)
	if _, err := c.Pod(t.Context(), "n", "p"); err != nil || requests.Load() != 4 {
		t.Fatalf("got error %v after %d requests", err, requests.Load())
	}
	os.Remove(file) // the node is just writing it: the old one may still do
	if _, err := c.Pod(t.Context(), "n", "p"); err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := json.Marshal(r.Header.Get("Authorization"))
		fmt.Fprintf(w, `{"metadata":{"name":"p"},"status":{"message":%s}}`, text)
	}))
	t.Cleanup(s.Close)
	dir := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("ca.crt", string(ca))
	write("token", "from-file\n")
	write("plugin.sh", `#!/bin/sh
case "$KUBERNETES_EXEC_INFO" in *ExecCredential*) echo '{"status":{"token":"'$WORD-$1'"}}';; esac`)
	config := func(cluster, user string) string {
		return fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: here
contexts:
- {name: here, context: {cluster: c, user: u}}
clusters:
- name: c
  cluster:
    server: %s
    %s
users:
- name: u
  user: {%s}
`, s.URL, cluster, user)
	}
	file := "certificate-authority: ca.crt"
	for _, c := range []struct{ name, text, want, err string }{
		{"Token", config(file, "token: abc"), "Bearer abc", ""},
		{"Data", config("certificate-authority-data: "+base64.StdEncoding.EncodeToString(ca), "token: abc"), "Bearer abc", ""},
		{"Insecure", config("insecure-skip-tls-verify: true", "token: abc"), "Bearer abc", ""},
		{"TokenFile", config(file, "tokenFile: token"), "Bearer from-file", ""},
		{"Basic", config(file, "username: a, password: b"), "Basic YTpi", ""},
		{"InsecureInOtherWords", config("insecure-skip-tls-verify: yes", "token: abc"), "Bearer abc", ""},
		{"NumbersAreTexts", config(file, "username: 007, password: no"), "Basic MDA3Om5v", ""},
		{"TokenOfDigits", config(file, "token: 0123"), "Bearer 0123", ""},
		{"Plugin", config(file, "exec: {command: ./plugin.sh, args: [x], env: [{name: WORD, value: w}]}"), "Bearer w-x", ""},
		{"NobodyKnowsTheServer", config("tls-server-name: example.com", "token: abc"), "", "certificate"},
		{"BadData", config("certificate-authority-data: '%'", "token: abc"), "", "certificate-authority-data"},
		{"NoCertificate", config("certificate-authority: token", "token: abc"), "", "holds no certificate"},
		{"Provider", config(file, "auth-provider: {name: gcp}"), "", "auth-provider is not supported"},
		{"NoContext", "clusters: []", "", "no current-context"},
		{"UnknownContext", "current-context: x", "", `current-context "x" is not among`},
		{"NoYAML", "a: [", "", "malformed YAML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := Find(Where{Kubeconfig: write("config", c.text)})
			var p *Pod
			if err == nil {
				p, err = connect(t, cfg).Pod(t.Context(), "n", "p")
			}
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || p.Status.Message != c.want {
				t.Errorf("got error %v, want %s: %+v", err, c.want, p)
			}
		})
	}

	t.Run("InCluster", func(t *testing.T) {
		serviceAccount = dir
		host, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "https://"), ":")
		t.Setenv("KUBECONFIG", "")
		t.Setenv("KUBERNETES_SERVICE_HOST", host)
		t.Setenv("KUBERNETES_SERVICE_PORT", port)
		cfg, err := Find(Where{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := connect(t, cfg).Pod(t.Context(), "n", "p")
		if err != nil || p.Status.Message != "Bearer from-file" {
			t.Errorf("got error %v: %+v", err, p)
		}
	})
	t.Run("Several", func(t *testing.T) { // the first that says something counts
		t.Setenv("KUBECONFIG", filepath.Join(dir, "none")+":"+write("one", "current-context: here")+":"+write("two", config(file, "token: abc")))
		if cfg, err := Find(Where{}); err != nil || cfg.Server != s.URL {
			t.Errorf("got %q, error %v", cfg.Server, err)
		}
	})
	t.Run("URL", func(t *testing.T) {
		t.Setenv("KUBECONFIG", "/nowhere")
		if cfg, err := Find(Where{API: "http://127.0.0.1:8001"}); err != nil || cfg.Server != "http://127.0.0.1:8001" || cfg.Auth != nil {
			t.Errorf("got %+v, error %v", cfg, err)
		}
		if _, err := Find(Where{}); err == nil {
			t.Error("no error for a kubeconfig that there is not")
		}
	})
	if _, err := New(Config{Server: "localhost:8080"}); err == nil {
		t.Error("no error for an address that is no URL")
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	b := Backoff{Min: time.Second, Max: 10 * time.Second}
	for i, most := range []time.Duration{1, 2, 4, 8, 10, 10} {
		if d := b.Next(nil); d > most*time.Second || d < most*time.Second/2 {
			t.Errorf("try %d: wait %s, want at most %d s and at least half of that", i, d, most)
		}
	}
	if d := b.Next(&Error{After: time.Minute}); d != time.Minute {
		t.Errorf("wait %s, although the server said a minute", d)
	}
	b.Reset()
	if d := b.Next(nil); d > time.Second {
		t.Errorf("wait %s after a success", d)
	}
}
