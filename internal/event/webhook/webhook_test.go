package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/event"
	"maestro/internal/event/webhook"
	"maestro/internal/view"
)

var sample = &event.Event{
	Cursor: view.Cursor{Pos: 12, Index: 1}, Type: "WORKFLOW_INSTANCE_STATUS_CHANGE_EVENT", Workflow: "wörk flow",
	Data: []byte(`{"workflow_id":"wörk flow","type":"WORKFLOW_INSTANCE_STATUS_CHANGE_EVENT"}`),
}

// serve starts a receiver and a sink that sends to it.
func serve(t *testing.T, h http.HandlerFunc, change func(*webhook.Config)) *webhook.Sink {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // only then is the server told that the client went away
		r.Body = io.NopCloser(bytes.NewReader(body))
		h(w, r)
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	cfg := webhook.Config{URL: s.URL + "/hook?key=geheim", Secret: "s3cret", Version: "1.0 (abc)"}
	if change != nil {
		change(&cfg)
	}
	sink, err := webhook.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sink.Close)
	return sink
}

func TestSend(t *testing.T) {
	t.Parallel()
	sink := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for name, want := range map[string]string{
			"Content-Type": "application/json", "Maestro-Event-Id": "12.1", "Maestro-Event-Type": sample.Type, "Maestro-Attempt": "3",
			"Maestro-Workflow-Id": "w%C3%B6rk%20flow", "User-Agent": "maestro/1.0-(abc)",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if r.Method != "POST" || r.URL.Path != "/hook" || string(body) != string(sample.Data) {
			t.Errorf("%s %s %s", r.Method, r.URL, body)
		}
		if err := webhook.Verify("s3cret", r.Header.Get(webhook.SignatureHeader), body, time.Now(), time.Minute); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
	}, nil)
	if err := sink.Send(t.Context(), sample, 3); err != nil {
		t.Error(err)
	}
}

func TestSignature(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_700_000_000, 0)
	head := webhook.Sign("key", at, []byte("body"))
	// printf 1700000000.body | openssl dgst -sha256 -hmac key
	if head != "t=1700000000,v1=47b6ce0fca59474308e2921c247cb2493dce6b8101d90ac05bd0c6a37d0e046e" {
		t.Errorf("signature is %s", head)
	}
	for what, bad := range map[string]error{
		"other secret": webhook.Verify("other", head, []byte("body"), at, time.Minute),
		"other body":   webhook.Verify("key", head, []byte("bodx"), at, time.Minute),
		"other time":   webhook.Verify("key", strings.Replace(head, "t=17", "t=18", 1), []byte("body"), time.Unix(1_800_000_000, 0), time.Minute),
		"old":          webhook.Verify("key", head, []byte("body"), at.Add(2*time.Minute), time.Minute),
		"none":         webhook.Verify("key", "", []byte("body"), at, time.Minute),
		"empty":        webhook.Verify("key", "t=1700000000,v1=", []byte("body"), at, time.Minute),
	} {
		if bad == nil {
			t.Errorf("%s: taken", what)
		}
	}
	if err := webhook.Verify("key", "v1=00,"+head, []byte("body"), at.Add(-30*time.Second), time.Minute); err != nil {
		t.Error(err)
	}
}

// TestRefusals has receivers that do not take an event, each in its way.
func TestRefusals(t *testing.T) {
	t.Parallel()
	var followed atomic.Int64
	for what, c := range map[string]struct {
		answer  http.HandlerFunc
		text    string
		after   time.Duration
		refused bool
	}{
		"500": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "out of\n order", 500) },
			"answered 500 Internal Server Error: out of order", 0, false},
		"429": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "7"); w.WriteHeader(429) }, "429", 7 * time.Second, false},
		"503 with a date": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			w.WriteHeader(503)
		}, "503", time.Hour, false},
		"422": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(422) }, "422", 0, true},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				followed.Add(1)
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusPermanentRedirect)
		}, "is not followed: set events.webhook.url", 0, false},
		"close": {func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, "no answer: EOF", 0, false},
		"slow":  {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer: ", 0, false},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(500)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 8<<10)); err != nil {
					return
				}
			}
		}, "answered 500", 0, false},
		"drip": {func(w http.ResponseWriter, r *http.Request) { // the event is taken, the answer never ends
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "", 0, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			sink := serve(t, c.answer, func(cfg *webhook.Config) { cfg.Timeout = 200 * time.Millisecond })
			err := sink.Send(t.Context(), sample, 1)
			if c.text == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "geheim") {
				t.Fatalf("got %v, want %s", err, c.text)
			}
			var s *event.SendError
			if errors.As(err, &s) {
				if d := c.after - s.After; d < 0 || d > 2*time.Second || s.Refused != c.refused {
					t.Errorf("got %+v", s)
				}
			} else if c.after > 0 || c.refused {
				t.Errorf("%v says too little", err)
			}
		})
	}
	if followed.Load() > 0 {
		t.Error("the redirect was followed")
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	sink := serve(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }, nil)
	if err := sink.Send(ctx, sample, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestBadURL(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"", "host:80", "ftp://host", "http://", "http://%zz"} {
		if _, err := webhook.New(webhook.Config{URL: u}); err == nil {
			t.Errorf("%q is taken", u)
		}
	}
}
