package server

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"maestro/internal/instance"
	"maestro/internal/view"
)

// sseClient reads a stream message by message.
type sseClient struct {
	t    *testing.T
	resp *http.Response
	in   *bufio.Reader
}

func (s *runServer) stream(path string, header ...string) *sseClient {
	s.t.Helper()
	resp := s.open("GET", path, "", header...)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		text, _ := io.ReadAll(resp.Body)
		s.t.Fatalf("%s: %d %s %s", path, resp.StatusCode, resp.Header.Get("Content-Type"), text)
	}
	c := &sseClient{t: s.t, resp: resp, in: bufio.NewReader(resp.Body)}
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	return c
}

// next returns the next message that is no comment: id, kind and data. All are empty at the end of the stream.
func (c *sseClient) next() (id, kind, data string) {
	c.t.Helper()
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return "", "", ""
		}
		switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); name {
		case "id":
			id = value
		case "event":
			kind = value
		case "data":
			data = value
		case "":
			if kind != "" {
				return id, kind, data
			}
		}
	}
}

// placeOf returns the place in the journal that a token means.
func placeOf(t *testing.T, token string) string {
	t.Helper()
	c, err := view.ParseToken(token)
	if err != nil || c.Token() != token {
		t.Fatalf("%q is no token: %v", token, err)
	}
	return c.String()
}

// tokenOf is the reverse.
func tokenOf(t *testing.T, place string) string {
	t.Helper()
	c, err := view.ParseCursor(place)
	if err != nil {
		t.Fatal(err)
	}
	return c.Token()
}

// rest returns the places and kinds up to the end of the stream.
func (c *sseClient) rest() (out []string) {
	c.t.Helper()
	for {
		id, kind, _ := c.next()
		if kind == "" {
			return out
		}
		out = append(out, placeOf(c.t, id)+" "+kind)
	}
}

func TestFollowFinishedRun(t *testing.T) {
	s := newRunServer(t)
	s.apply(t, s.add(t, "wf", 1, 1, noopStep), instance.Start{At: 1010})
	all := s.stream(firstPath + "/events").rest()
	if len(all) != 13 || all[0] != "1.0 run" || all[len(all)-1] != "2 end" {
		t.Fatalf("got %v", all)
	}
	for i, last := range all {
		id, _, _ := strings.Cut(last, " ")
		got := s.stream(firstPath+"/runs/1/events", "Last-Event-ID: "+tokenOf(t, id)).rest()
		want := all[i+1:]
		if len(want) == 0 {
			want = all[len(all)-1:] // a stream that has ended ends again
		}
		if !slices.Equal(got, want) {
			t.Errorf("after %s: got %v, want %v", id, got, want)
		}
	}
	s.want("GET", firstPath+"/events?after=x", "", 400, "not a cursor")
	s.want("GET", flowPath+"/instances/9/events", "", 404, "not found")
	s.want("GET", firstPath+"/runs/2/events", "", 404, "not found")
	if status, body := s.ask("HEAD", firstPath+"/events", ""); status != 200 || body != "" {
		t.Errorf("HEAD: %d %q", status, body)
	}
}

func TestFollowLiveRun(t *testing.T) {
	s := newRunServer(t)
	f := s.add(t, "wf", 1, 1, httpStep)
	c := s.stream(firstPath + "/events")
	if id, kind, data := c.next(); placeOf(t, id) != "1.0" || kind != "run" || !strings.Contains(data, `"status":"CREATED"`) {
		t.Fatalf("got %s %s %s", id, kind, data)
	}
	s.apply(t, f, instance.Start{At: 1010})
	for range 7 { // it begins, and the step goes from CREATED to STARTING
		if _, kind, _ := c.next(); kind == "" {
			t.Fatal("the stream ended early")
		}
	}
	s.apply(t, f, instance.Reported{At: 1020, Attempt: 1, Outcome: instance.OutcomeFatalError, Lines: []instance.Line{instance.WarnLine("out of luck")}})
	want := []string{"3.0 timeline", "3.1 step", "3.2 run", "3 end"}
	if got := c.rest(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestFollowStops checks that a server that stops ends its streams without saying that the runs have ended.
func TestFollowStops(t *testing.T) {
	s := newRunServer(t)
	s.add(t, "wf", 1, 1, httpStep)
	c := s.stream(firstPath + "/events")
	c.next()
	close(s.stop)
	if got := c.rest(); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

// TestSlowReaderHoldsUpNobody has one client that never reads, while another follows the same run.
func TestSlowReaderHoldsUpNobody(t *testing.T) {
	s := newRunServer(t)
	f := s.add(t, "wf", 1, 1, httpStep)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(1024)
	if _, err := io.WriteString(conn, "GET "+firstPath+"/events HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	c := s.stream(firstPath + "/events")
	s.apply(t, f, instance.Start{At: 1010})
	began := time.Now()
	var lines []instance.Line
	for range 40 {
		lines = append(lines, instance.WarnLine(strings.Repeat("x", 100_000)))
	}
	s.apply(t, f, instance.Reported{At: 1020, Attempt: 1, Outcome: instance.OutcomeFatalError, Lines: lines})
	if got := c.rest(); len(got) == 0 || !strings.HasSuffix(got[len(got)-1], "end") {
		t.Errorf("the reader got %v", got)
	}
	if took := time.Since(began); took >= (Limits{}).orDefaults().Stall {
		t.Errorf("it took %v", took)
	}
}
