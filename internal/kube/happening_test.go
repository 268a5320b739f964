package kube

import (
	"fmt"
	"io"
	"net/http"
	"testing"
)

// TestHappenings reads what a cluster has told about a pod: in the order of time, nothing of an earlier pod of the name,
// and no answer that is not a list of events.
func TestHappenings(t *testing.T) {
	t.Parallel()
	var asked, answer string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.Path + " " + r.URL.Query().Get("fieldSelector")
		io.WriteString(w, answer)
	})
	const about = `"involvedObject":{"uid":"u"}`
	answer = `{"kind":"EventList","items":[
		{"type":"Warning","reason":"FailedMount","message":"no volume","series":{"lastObservedTime":"2026-01-01T00:00:09.5Z"},"eventTime":"2026-01-01T00:00:01Z",` + about + `},
		{"type":"Normal","reason":"Scheduled","message":"on n1","lastTimestamp":null,"eventTime":"2026-01-01T00:00:02.000001Z",` + about + `},
		{"type":"Normal","reason":"Pulling","message":"image","lastTimestamp":"2026-01-01T00:00:03Z","eventTime":null,` + about + `},
		{"type":"Warning","reason":"Killing","message":"of an earlier one","lastTimestamp":"2026-01-01T00:00:03Z","involvedObject":{"uid":"v"}}]}`
	got, err := c.Happenings(t.Context(), "n", "p", "u")
	if err != nil {
		t.Fatal(err)
	}
	if want := "GET /api/v1/namespaces/n/events involvedObject.kind=Pod,involvedObject.name=p,involvedObject.uid=u"; asked != want {
		t.Errorf("asked %s, want %s", asked, want)
	}
	var text string
	for _, h := range got {
		text += fmt.Sprintf("%t %s %s\n", h.Warning, h.Reason, h.Message)
	}
	if want := "false Scheduled on n1\nfalse Pulling image\ntrue FailedMount no volume\n"; text != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}
	for _, answer = range []string{`{"kind":"PodList","items":[]}`, "<html>"} {
		if _, err := c.Happenings(t.Context(), "n", "p", "u"); err == nil {
			t.Errorf("no error for %s", answer)
		}
	}
}
