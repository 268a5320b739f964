package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/internal/view"
)

// feedPage is the answer of the feed.
type feedPage struct {
	Events []struct {
		Type string
		Flow string `json:"workflow_id"`
		New  string `json:"new_status"`
	}
	Next string
}

func (s *runServer) feed(query string) feedPage {
	s.t.Helper()
	status, body := s.ask("GET", "/api/v3/events?"+query, "")
	var p feedPage
	if err := json.Unmarshal([]byte(body), &p); status != 200 || err != nil {
		s.t.Fatalf("%s: %d %v %s", query, status, err, body)
	}
	return p
}

// twoFlows makes a run of each of two workflows, whose entries alternate, and an event about a definition.
func twoFlows(t *testing.T) *runServer {
	s := newRunServer(t)
	s.publish(store.Entry{At: 1, Data: []byte(`{"workflow_id":"wf","type":"WORKFLOW_DEFINITION_CHANGE_EVENT"}`)})
	f, g := s.add(t, "wf", 1, 1, httpStep), s.add(t, "other", 1, 1, httpStep)
	for i, run := range []*fakeRun{f, g, f, g} {
		if i < 2 {
			s.apply(t, run, instance.Start{At: 1010})
		} else {
			s.apply(t, run, instance.Reported{At: 1020, Attempt: 1, Outcome: instance.OutcomeDone})
		}
	}
	return s
}

func TestFeed(t *testing.T) {
	s := twoFlows(t)
	all := s.feed("limit=1000")
	if len(all.Events) != 13 { // a definition, and of each run: begun, created, prepared, run, done, ended
		t.Fatalf("%d events: %+v", len(all.Events), all)
	}
	if p := s.feed("limit=1000&workflow_id=wf"); len(p.Events) != 7 || p.Next != all.Next {
		t.Errorf("%d events of one workflow, next %s: %+v", len(p.Events), p.Next, p)
	}
	if p := s.feed("after=" + all.Next); len(p.Events) != 0 || p.Next != all.Next {
		t.Errorf("after the end: %+v", p)
	}
	if p := s.feed("workflow_id=none"); len(p.Events) != 0 {
		t.Errorf("of no workflow: %+v", p)
	}
	// One by one, each with a feed that has to find out what was before.
	var types []string
	next := ""
	for range len(all.Events) {
		p := s.feed("limit=1&after=" + next)
		if len(p.Events) != 1 {
			t.Fatalf("after %q: %+v", next, p)
		}
		types, next = append(types, p.Events[0].Flow+p.Events[0].Type+p.Events[0].New), p.Next
	}
	for i, e := range all.Events {
		if types[i] != e.Flow+e.Type+e.New {
			t.Errorf("event %d: got %s, want %+v", i, types[i], e)
		}
	}
	for query, part := range map[string]string{"limit=0": "from 1 to 1000", "limit=x": "integer", "after=-1": "not a cursor"} {
		s.want("GET", "/api/v3/events?"+query, "", 400, part)
	}
}

// TestFeedPages reads the feed as other lists are read.
func TestFeedPages(t *testing.T) {
	s := twoFlows(t)
	var p struct {
		Info struct {
			End  string `json:"end_cursor"`
			Next bool   `json:"has_next_page"`
		} `json:"page_info"`
		Elements []json.RawMessage
	}
	read := func(query string) {
		t.Helper()
		_, body := s.ask("GET", "/api/v3/events?"+query, "")
		p.Elements = nil
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
	}
	read("first=10")
	if len(p.Elements) != 10 || !p.Info.Next {
		t.Errorf("first page: %+v", p)
	}
	if !strings.HasPrefix(p.Info.End, "c1.") {
		t.Errorf("%q is not a cursor that says its form", p.Info.End)
	}
	read("first=10&cursor=" + p.Info.End)
	if len(p.Elements) != 3 || p.Info.Next {
		t.Errorf("second page: %+v", p)
	}
	end := p.Info.End
	read("first=1&cursor=1.0") // behind the event with this id
	second := string(p.Elements[0])
	read("first=2&cursor=0")
	if len(p.Elements) != 2 || string(p.Elements[1]) != second {
		t.Errorf("after the first event comes %s, and in order %s", second, p.Elements)
	}
	read("first=10&cursor=latest")
	if len(p.Elements) != 0 || p.Info.End != end {
		t.Errorf("the end: %+v, want %s", p, end)
	}
}

func TestFeedStream(t *testing.T) {
	s := twoFlows(t)
	c := s.stream("/api/v3/events?workflow_id=wf", "Accept: text/event-stream")
	var last string
	for i := range 7 {
		id, kind, data := c.next()
		if !strings.Contains(data, `"workflow_id":"wf"`) || !strings.Contains(data, `"type":"`+kind+`"`) {
			t.Fatalf("%d: %s %s %s", i, id, kind, data)
		}
		last = id
	}
	s.apply(t, s.add(t, "wf", 2, 1, noopStep), instance.Start{At: 1010})
	if id, kind, _ := c.next(); kind != "WORKFLOW_INSTANCE_STATUS_CHANGE_EVENT" {
		t.Errorf("got %s %s", id, kind)
	}
	again := s.stream("/api/v3/events?workflow_id=wf", "Accept: text/event-stream", "Last-Event-ID: "+last)
	if _, kind, data := again.next(); kind != "WORKFLOW_INSTANCE_STATUS_CHANGE_EVENT" || !strings.Contains(data, `"workflow_instance_id":2`) {
		t.Errorf("resumed: got %s %s", kind, data)
	}
	_ = c.resp.Body.Close()
	_ = again.resp.Body.Close()
	waitFor(t, func() bool { return s.watching() == 0 })
}

// TestFeedForgets has more runs under way than a feed keeps track of.
func TestFeedForgets(t *testing.T) {
	s := newRunServer(t)
	var runs []*fakeRun
	for i := range 5 {
		f := s.add(t, fmt.Sprintf("w%d", i), 1, 1, httpStep)
		s.apply(t, f, instance.Start{At: 1010})
		runs = append(runs, f)
	}
	for _, f := range runs {
		s.apply(t, f, instance.Reported{At: 1020, Attempt: 1, Outcome: instance.OutcomeDone})
	}
	a := NewRuns(RunsConfig{Reader: s, Journal: s})
	n := 0
	var at view.Cursor
	for {
		f := a.cfg.Events.Reader(at, nil) // which knows nothing of any run
		events, more, err := f.Read(t.Context(), 1, noDeadline)
		if err != nil {
			t.Fatal(err)
		}
		n += len(events)
		at = f.At()
		if !more {
			break
		}
	}
	if n != 30 {
		t.Errorf("%d events, want 30", n)
	}
}

// TestBadEventQueries are refused with what is allowed, as a page and as a stream.
func TestBadEventQueries(t *testing.T) {
	s := twoFlows(t)
	for query, says := range map[string]string{
		"limit=0":           "query parameter limit must be from 1 to 1000, not 0",
		"limit=x":           "query parameter limit must be an integer",
		"first=1001":        "query parameter first must be from 1 to 1000",
		"after=x":           "query parameter after: ",
		"first=5&cursor=":   "",
		"first=5&cursor=-1": "query parameter cursor: ",
		"after=c2.AAAA":     `query parameter after: \"c2.AAAA\" is a cursor of form 2`,
		"after=c1.AAAA":     `query parameter after: \"c1.AAAA\" is not a cursor`,
		"after=%zz":         "cannot be read",
	} {
		status := 400
		if says == "" {
			status = 200
		}
		s.want("GET", "/api/v3/events?"+query, "", status, says)
	}
	for _, path := range []string{"/api/v3/events", firstPath + "/events", firstPath + "/runs/1/events"} {
		for _, header := range []string{"Accept: text/event-stream", "Last-Event-ID: x"} {
			query, says := "?after=x", "query parameter after: "
			if strings.HasPrefix(header, "Last") {
				query, says = "", "Last-Event-ID: "
				if path == "/api/v3/events" {
					continue // a page does not read it
				}
			}
			if status, body := s.ask("GET", path+query, "", header); status != 400 || !strings.Contains(body, says) {
				t.Errorf("%s%s with %s: %d %s", path, query, header, status, body)
			}
		}
	}
}
