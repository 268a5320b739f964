package server

import (
	"bufio"
	"strings"
	"testing"
	"time"

	"maestro/internal/instance"
)

var noDeadline = time.Now().Add(time.Hour)

// waitFor waits until something is so.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never became so")
		}
	}
}

func TestLogs(t *testing.T) {
	s := newRunServer(t)
	s.apply(t, s.add(t, "wf", 1, 1, httpStep), instance.Start{At: 1010})
	path := firstPath + "/runs/1/steps/a/attempts/1/logs"
	long := strings.Repeat("0123456789", 20_000)
	s.write(long, false)
	if status, got := s.ask("GET", path, ""); status != 200 || got != long {
		t.Errorf("got %d, %d bytes", status, len(got))
	}
	if _, got := s.ask("GET", path+"?offset=199990", ""); got != "0123456789" {
		t.Errorf("from an offset: %q", got)
	}
	if _, got := s.ask("GET", path+"?offset=999999", ""); got != "" {
		t.Errorf("behind the end: %q", got)
	}
	s.want("GET", path+"?stream=stderr", "", 404, "no stream stderr")
	s.want("GET", path+"?offset=-1", "", 400, "negative")
	s.want("GET", firstPath+"/runs/1/steps/a/attempts/2/logs", "", 404, "not found")
}

func TestFollowLog(t *testing.T) {
	s := newRunServer(t)
	s.apply(t, s.add(t, "wf", 1, 1, httpStep), instance.Start{At: 1010})
	s.write("one\n", false)
	resp := s.open("GET", firstPath+"/runs/1/steps/a/attempts/latest/logs?follow=true", "")
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	for _, want := range []string{"one", "two", "three"} {
		if !in.Scan() || in.Text() != want {
			t.Fatalf("got %q, want %q", in.Text(), want)
		}
		switch want {
		case "one":
			s.write("two\n", false)
		case "two":
			s.write("three\n", true)
		}
	}
	if in.Scan() {
		t.Errorf("after the end: %q", in.Text())
	}
}

func TestNoLogs(t *testing.T) {
	s := newRunServer(t)
	f := s.add(t, "wf", 1, 1, httpStep)
	s.apply(t, f, instance.Start{At: 1010})
	a := NewRuns(RunsConfig{Reader: s})
	req := s.request("GET", "/")
	req.SetPathValue("id", "wf")
	req.SetPathValue("n", "1")
	req.SetPathValue("r", "1")
	req.SetPathValue("s", "a")
	req.SetPathValue("a", "1")
	if err := a.logs(nil, req); !isNotFound(err) {
		t.Errorf("got %v", err)
	}
}
