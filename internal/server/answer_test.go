package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestLargePages reads lists whose elements are large: a page ends early, and the next goes on where it did.
func TestLargePages(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	const versions = 60
	for i := range versions {
		h.call("POST", "/api/v3/workflows", strings.Replace(noop, `"id":"w",`, fmt.Sprintf(`"id":"w","description":"%d","params":{"p":{"type":"STRING","value":%q}},`, i, strings.Repeat("x", 200_000)), 1)).want(t, 200)
	}
	for _, c := range []struct{ way, from string }{{"first", "end_cursor"}, {"last", "start_cursor"}} {
		seen, pages, cursor := map[float64]bool{}, 0, ""
		for more := true; more; pages++ {
			a := h.call("GET", "/api/v3/workflows/w/versions/pagination?"+c.way+"=200"+cursor, "").want(t, 200)
			if len(a.text) > pageBytes+1<<20 {
				t.Errorf("a page has %d bytes", len(a.text))
			}
			var page struct {
				Elements []struct {
					Metadata struct {
						Version float64 `json:"workflow_version_id"`
					}
				}
			}
			if err := json.Unmarshal([]byte(a.text), &page); err != nil || len(page.Elements) == 0 {
				t.Fatalf("%v in %.200s", err, a.text)
			}
			for i, e := range page.Elements {
				if seen[e.Metadata.Version] || i > 0 && e.Metadata.Version >= page.Elements[i-1].Metadata.Version {
					t.Errorf("version %v comes twice, or not in order", e.Metadata.Version)
				}
				seen[e.Metadata.Version] = true
			}
			cursor = "&cursor=" + fmt.Sprint(a.dig("page_info."+c.from))
			next := "has_next_page"
			if c.way == "last" {
				next = "has_previous_page"
			}
			more = a.dig("page_info."+next) == true
		}
		if len(seen) != versions || pages < 2 {
			t.Errorf("%s: %d versions on %d pages", c.way, len(seen), pages)
		}
	}
}

// TestLargePages_NoMemory gives a list that has no memory for more than one element one element.
func TestLargePages_NoMemory(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	busy, err := s.memory.answers.take(t.Context(), s.memory.answers.size-1<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	x := &exchange{server: s}
	p := &elements{x: x}
	for i, want := range []bool{true, false} {
		if fits, err := p.add(t.Context(), make([]byte, 900<<10)); fits != want || err != nil {
			t.Errorf("element %d: %t, %v", i, fits, err)
		}
	}
	x.answer.release()
	busy.release()
	if n := s.memory.answers.inUse(); n != 0 {
		t.Errorf("%d are in use", n)
	}
}

// TestOddQueries asks lists for what they do not have: each time 400, with what is allowed, and no more of the text than
// a line.
func TestOddQueries(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.call("POST", "/api/v3/workflows", noop).want(t, 200)
	s := newRunServer(t)
	s.add(t, "w", 1, 1, noopStep)
	long := strings.Repeat("9", 5000)
	for _, list := range []string{"/api/v3/workflows/w/versions/pagination", "/api/v3/workflows/w/instances", "/api/v3/workflows/w/instances/1/runs"} {
		for query, want := range map[string]string{
			"first=1000000000": "from 1 to 200", "first=-1": "from 1 to 200", "first=0": "from 1 to 200", "first=NaN": "must be an integer", "first=1e3": "must be an integer",
			"last=201": "from 1 to 200", "first=" + long: "must be an integer", "first=1&last=1": "not both", "": "both cannot be null",
			"first=1&cursor=x": "start_cursor", "first=1&cursor=-1": "start_cursor", "last=1&cursor=-9223372036854775808": "start_cursor", "first=1&cursor=" + long: "start_cursor",
		} {
			status, text := 0, ""
			if strings.Contains(list, "instances") {
				status, text = s.ask("GET", list+"?"+query, "")
			} else {
				a := h.call("GET", list+"?"+query, "")
				status, text = a.status, a.text
			}
			if status != 400 || !strings.Contains(text, want) || len(text) > 1000 {
				t.Errorf("%s?%.100s: %d %.300s", list, query, status, text)
			}
		}
	}
	for query, want := range map[string]string{"limit=1000000000": "from 1 to 1000", "limit=-1": "from 1 to 1000", "first=x": "integer", "after=" + long: "cursor", "after=x": "cursor"} {
		if status, text := s.ask("GET", "/api/v3/events?"+query, ""); status != 400 || !strings.Contains(text, want) || len(text) > 1000 {
			t.Errorf("events?%.100s: %d %.300s", query, status, text)
		}
	}
	for _, cursor := range []string{"9223372036854775807", "9223372036854775000", "0"} {
		for _, way := range []string{"first", "last"} {
			h.call("GET", "/api/v3/workflows/w/versions/pagination?"+way+"=200&cursor="+cursor, "").want(t, 200)
		}
	}
}
