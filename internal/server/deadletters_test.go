package server

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"maestro/internal/event"
	"maestro/internal/store"
)

// pickySink takes what it is told to.
type pickySink struct{ refuse map[string]bool }

func (*pickySink) Name() string { return "webhook" }
func (p *pickySink) Send(_ context.Context, e *event.Event, _ int) error {
	if p.refuse[e.Workflow] {
		return errors.New("not today")
	}
	return nil
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	h, sink := newHarness(t, nil), &pickySink{map[string]bool{"w1": true}}
	for i := range 6 {
		text := fmt.Sprintf(`{"id":"webhook-%d.0","sink":"webhook","workflow_id":"w%d","type":"T","event_id":"%d.0","attempts":20,"error":"x","event":{"n":1}}`, i, i%2, i)
		err := h.store.PutRecords(t.Context(), store.Record{Kind: "dead_letter", Key: fmt.Sprintf("webhook/%020d.%010d", i, 0), Value: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
	}
	DeadLetters{Letters: event.NewDeadLetters(h.store, sink), Sinks: func() []event.Status { return nil }}.Register(h.server.handle)
	const path = "/api/v3/events/dead-letters"

	h.call("GET", "/api/v3/events/sinks", "").want(t, 200, "[]")
	a := h.call("GET", path+"?first=2", "").want(t, 200, `"end_cursor":"webhook-1.0"`, `"has_next_page":true`, `"event":{"n":1}`)
	if n := len(a.json["elements"].([]any)); n != 2 {
		t.Errorf("%d letters", n)
	}
	h.call("GET", path+"?first=2&cursor=webhook-3.0", "").want(t, 200, `"end_cursor":"webhook-5.0"`, `"has_next_page":false`)
	a = h.call("GET", path+"?workflow_id=w1", "").want(t, 200)
	if n := len(a.json["elements"].([]any)); n != 3 {
		t.Errorf("%d letters of w1", n)
	}
	h.call("GET", path+"/webhook-4.0", "").want(t, 200, `"workflow_id":"w0"`)
	h.call("GET", path+"/webhook-9.0", "").want(t, 404, "no dead letter [webhook-9.0]")
	h.call("GET", path+"/nonsense", "").want(t, 404)
	h.call("GET", path+"?cursor=nonsense", "").want(t, 404)

	h.call("POST", path+"/webhook-0.0/actions/replay", "", "user", "").want(t, 400, "user")
	h.call("POST", path+"/webhook-0.0/actions/replay", "").want(t, 200, `{"id":"webhook-0.0","replayed":true}`)
	h.call("POST", path+"/webhook-0.0/actions/replay", "").want(t, 404)
	h.call("POST", path+"/webhook-1.0/actions/replay", "").want(t, 409, "stays", "not today")
	h.call("GET", path+"/webhook-1.0", "").want(t, 200, `"attempts":21`, "not today")
	h.call("POST", path+"/actions/replay", "").want(t, 200, `"replayed":0,"more":true`, "not today")
	h.call("POST", path+"/actions/replay?workflow_id=w0", "").want(t, 200, `"replayed":2,"more":false}`)
	sink.refuse = nil
	h.call("DELETE", path+"/webhook-1.0", "").want(t, 200)
	h.call("DELETE", path+"/webhook-1.0", "").want(t, 200)
	h.call("POST", path+"/actions/replay", "").want(t, 200, `"replayed":2,"more":false}`)
	h.call("DELETE", path, "").want(t, 400, "all=true")
	h.call("DELETE", path+"?all=true", "").want(t, 200, `{"deleted":0}`)
}
