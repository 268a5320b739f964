package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"maestro/api"
	"maestro/internal/signal"
	"maestro/spec"
)

// fakeBoard remembers the last announcement.
type fakeBoard struct{ last *signal.Announcement }

func (f *fakeBoard) Announce(_ context.Context, a *signal.Announcement) (*signal.Instance, error) {
	f.last = a
	i := &signal.Instance{Name: a.Name, Seq: 1, ID: a.Identity(), Params: a.Params, Payload: a.Payload, Requested: a.Requested, Created: 2}
	if a.Name == "twice" {
		i.Seq = 0
		return i, api.Errorf(api.Conflict, "Signal instance [%s] already exists", i.AppendJSON(nil))
	}
	return i, nil
}

func (f *fakeBoard) Instance(_ context.Context, name string, seq int64) (*signal.Instance, error) {
	if seq != 1 {
		return nil, nil
	}
	return &signal.Instance{Name: name, Seq: 1, ID: "i"}, nil
}

func (f *fakeBoard) Latest(_ context.Context, name string) (*signal.Instance, error) {
	return &signal.Instance{Name: name, Seq: 9, ID: "i"}, nil
}

func signalServer(t *testing.T) *Server {
	t.Helper()
	return New(Config{Register: NewSignals(&fakeBoard{}, spec.Rules{}).Register})
}

func ask(s *Server, method, path, body string) (int, string) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestAnnounceBody(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, want string }{
		{"All", `{"rows":7,"name":"db/x","params":{"p":5,"q":"x"},"request_id":"r","request_time":1,"nested":{"a":[1,null]}}`,
			`{"name":"db/x","seq_id":1,"instance_id":"r","params":{"p":5,"q":"x"},"payload":{"rows":7,"nested":{"a":[1,null]}},"request_time":1,"create_time":2}`},
		{"Numbers", `{"name":"s","request_id":5,"request_time":"1","params":{"a":1.9,"b":-1.9,"c":9007199254740993,"d":1e3,"e":1e-400,"f":0.99}}`,
			`{"name":"s","seq_id":1,"instance_id":"5","params":{"a":1,"b":-1,"c":9007199254740993,"d":1000,"e":0,"f":0},"request_time":1,"create_time":2}`},
		{"PayloadMerged", `{"name":"s","request_id":"r","payload":{"a":1,"b":2,"name":3},"b":4,"request_time":1}`,
			`{"name":"s","seq_id":1,"instance_id":"r","payload":{"a":1,"name":3,"b":4},"request_time":1,"create_time":2}`},
		{"Nulls", `{"name":"s","request_id":"r","params":null,"payload":null,"request_time":1}`,
			`{"name":"s","seq_id":1,"instance_id":"r","request_time":1,"create_time":2}`},
	} {
		if code, got := ask(signalServer(t), "POST", "/api/v3/signals", tt.body); code != http.StatusOK || got != tt.want {
			t.Errorf("%s: %d\ngot  %s\nwant %s", tt.name, code, got, tt.want)
		}
	}
}

func TestAnnounceRefused(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		`{}`: 400, `{"name":""}`: 400, `{"name":5}`: 400, `{"name":"maestro_x"}`: 400, `{"name":"x#"}`: 400,
		`{"name":"s","params":"x"}`: 400, `{"name":"s","params":{"a":true}}`: 400, `{"name":"s","params":{"a":null}}`: 400,
		`{"name":"s","params":{"a":[1]}}`: 400, `{"name":"s","params":{"a":1e30}}`: 400, `{"name":"s","params":{"a":1e999999999}}`: 400,
		`{"name":"s","request_time":"x"}`: 400, `{"name":"s","request_id":true}`: 400, `{"name":"s","payload":1}`: 400, `[]`: 400,
		`{"name":"twice"}`: 409,
	} {
		if code, got := ask(signalServer(t), "POST", "/api/v3/signals", body); code != want {
			t.Errorf("%s: got %d %s want %d", body, code, got, want)
		}
	}
}

func TestShowSignal(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{
		"s/instances/1": 200, "db%2Fx/instances/1": 200, "s/instances/latest": 200, "s/instances/LATEST": 200,
		"s/instances/2": 404, "s/instances/x": 400,
	} {
		code, got := ask(signalServer(t), "GET", "/api/v3/signals/"+path, "")
		if code != want {
			t.Errorf("%s: got %d %s want %d", path, code, got, want)
		}
		if strings.HasPrefix(path, "db") && !strings.Contains(got, `"db/x"`) {
			t.Errorf("%s: got %s", path, got)
		}
	}
}
