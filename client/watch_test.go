package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maestro/client"
)

// stream starts a server whose connections each do what the next function says; it returns what Watch yields, as text.
func stream(t *testing.T, connections ...func(w http.ResponseWriter, r *http.Request)) []string {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := int(n.Add(1)) - 1
		connections[min(i, len(connections)-1)](w, r)
	}))
	t.Cleanup(s.Close)
	c := open(t, s.URL, client.WithReconnect(100*time.Millisecond, time.Millisecond, 5*time.Millisecond))
	var got []string
	for ev, err := range c.Watch(t.Context(), "wf", 7) {
		got = append(got, line(ev, err))
	}
	return got
}

func line(ev client.Event, err error) string {
	switch {
	case err != nil:
		if e, ok := errors.AsType[*client.Error](err); ok {
			return "error " + e.Status
		}
		return "error " + err.Error()
	case ev.Step != nil:
		return fmt.Sprintf("%s step %s %s/%d %s", ev.Cursor, ev.Step.StepID, ev.Step.Status, ev.Step.Attempt, ev.Step.Message)
	case ev.Run != nil:
		return fmt.Sprintf("%s run %s", ev.Cursor, ev.Run.Status)
	case ev.Line != nil:
		return fmt.Sprintf("%s line %s %s", ev.Cursor, ev.Line.Level, ev.Line.Message)
	case ev.Kind == client.Reconnecting:
		return "reconnecting after " + ev.Cursor
	}
	return ev.Cursor + " " + string(ev.Kind)
}

func send(text string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		io.WriteString(w, strings.ReplaceAll(text, "LAST", r.Header.Get("Last-Event-ID")))
	}
}

func refuse(status int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	const step = "id: 1\nevent: step\ndata: {\"step_id\":\"a\",\"status\":\"RUNNING\",\"step_attempt_id\":1}\n\n"
	tests := map[string]struct {
		connections []func(http.ResponseWriter, *http.Request)
		want        []string
	}{
		"everything": {
			[]func(http.ResponseWriter, *http.Request){send(": keep-alive\n\n" + step +
				"id: 2\r\nevent: timeline\r\ndata: {\"level\":\"INFO\",\ndata: \"message\":\"hello\"}\r\n\r\n" +
				"id: 3\nevent: novelty\ndata: {}\n\n" +
				"id: 4\nevent: run\ndata: {\"status\":\"SUCCEEDED\"}\n\nid: 5\nevent: end\ndata: {}\n\nid: 6\nevent: run\ndata: {}\n\n")},
			[]string{"1 step a RUNNING/1 ", "2 line INFO hello", "3 novelty", "4 run SUCCEEDED", "5 end"},
		},
		"end without data": {
			[]func(http.ResponseWriter, *http.Request){send("event: end\n\n")},
			[]string{" end"},
		},
		"goes on after the last event": {
			[]func(http.ResponseWriter, *http.Request){
				send(step + "id: 2\nevent: step\ndata: cut off"),
				refuse(503, ""),
				send("id: 2\nevent: timeline\ndata: {\"level\":\"I\",\"message\":\"after LAST\"}\n\nevent: end\ndata: {}\n\n"),
			},
			[]string{"1 step a RUNNING/1 ", "reconnecting after 1", "reconnecting after 1", "2 line I after 1", "2 end"},
		},
		"refused at once": {
			[]func(http.ResponseWriter, *http.Request){refuse(404, `{"status":"NOT_FOUND","message":"x"}`)},
			[]string{"error NOT_FOUND"},
		},
		"not available at first": {
			[]func(http.ResponseWriter, *http.Request){refuse(503, "")},
			[]string{"error SERVICE_UNAVAILABLE"},
		},
		"deleted meanwhile": {
			[]func(http.ResponseWriter, *http.Request){send(step), refuse(404, `{"status":"NOT_FOUND","message":"x"}`)},
			[]string{"1 step a RUNNING/1 ", "reconnecting after 1", "error NOT_FOUND"},
		},
		"broken data": {
			[]func(http.ResponseWriter, *http.Request){send("event: step\ndata: {\n\n")},
			[]string{`error client: read a "step" event: unexpected end of JSON input`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := stream(t, test.connections...); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestWatchGivesUp(t *testing.T) {
	t.Parallel()
	got := stream(t, send("id: 1\nevent: timeline\ndata: {}\n\n"), refuse(500, ""))
	last := got[len(got)-1]
	if want := "error INTERNAL_ERROR"; last != want || len(got) < 3 {
		t.Errorf("got %q, want some reconnecting and then %s", got, want)
	}
}

func TestWatchSomethingElse(t *testing.T) {
	t.Parallel()
	got := stream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
	})
	if len(got) != 1 || !strings.Contains(got[0], "instead of an event stream") {
		t.Errorf("got %q", got)
	}
}

// TestWatchStops checks that a caller that has seen enough leaves no connection behind.
func TestWatchStops(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		send("id: 1\nevent: timeline\ndata: {}\n\n")(w, r)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	}))
	t.Cleanup(s.Close)
	for _, err := range open(t, s.URL).Watch(t.Context(), "wf", 7) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Fatal("the connection is still open")
	}
}
