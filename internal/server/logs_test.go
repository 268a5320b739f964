package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"maestro/internal/instance"
	"maestro/internal/step"
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
	for query, says := range map[string]string{
		"stream=x":        `query parameter stream must be stdout or stderr, not \"x\"`,
		"stream=../begun": "must be stdout or stderr",
		"offset=-1":       "negative",
		"offset=x":        "query parameter offset must be an integer",
		"offset=1e3":      "must be an integer",
		"follow=maybe":    "query parameter follow must be true or false",
		"offset=%zz":      "cannot be read",
		"offset=1;x=2":    "cannot be read",
	} {
		s.want("GET", path+"?"+query, "", 400, says)
	}
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

// TestDroppedLog shows what is kept of a log, and how much is missing.
func TestDroppedLog(t *testing.T) {
	s := newRunServer(t)
	s.apply(t, s.add(t, "wf", 1, 1, httpStep), instance.Start{At: 1010})
	path := firstPath + "/runs/1/steps/a/attempts/1/logs"
	s.write(strings.Repeat("0123456789", 10), true)
	s.drop(93)
	const rest = "3456789"
	for query, want := range map[string]string{
		"":           "[maestro: 93 bytes of the log are not kept any more]\n" + rest,
		"?offset=90": "[maestro: 3 bytes of the log are not kept any more]\n" + rest,
		"?offset=95": rest[2:],
	} {
		if status, got := s.ask("GET", path+query, ""); status != 200 || got != want {
			t.Errorf("%q: %d %q, want %q", query, status, got, want)
		}
	}
	resp := s.open("GET", path, "", "X-Log-Notes: false")
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if string(got) != rest || err != nil || resp.Header.Get("X-Log-Offset") != "93" {
		t.Errorf("without notes: %q from %s, %v", got, resp.Header.Get("X-Log-Offset"), err)
	}
	s.want("GET", path, "", 200, "not kept")
	s.breakLog(step.ErrLogGone)
	s.want("GET", path, "", 404, "the log of step [a] attempt [1] is not kept any more")
	s.breakLog(errors.New("open x: permission denied"))
	s.want("GET", path, "", 500, "cannot be read: open x: permission denied")
}

// TestFollowerFallsBehind goes on with a note; without notes the answer is cut off, and the next one begins behind the gap.
func TestFollowerFallsBehind(t *testing.T) {
	for _, notes := range []bool{true, false} {
		s := newRunServer(t)
		s.apply(t, s.add(t, "wf", 1, 1, httpStep), instance.Start{At: 1010})
		s.write("one", false)
		path := firstPath + "/runs/1/steps/a/attempts/1/logs?follow=true"
		header := fmt.Sprintf("X-Log-Notes: %v", notes)
		resp := s.open("GET", path, "", header)
		defer resp.Body.Close()
		first := make([]byte, 3)
		if _, err := io.ReadFull(resp.Body, first); err != nil {
			t.Fatal(err)
		}
		s.drop(10)
		s.write("-------four\n", true)
		rest, err := io.ReadAll(resp.Body)
		if notes {
			if want := "\n[maestro: 7 bytes of the log are not kept any more]\nfour\n"; string(rest) != want || err != nil {
				t.Errorf("%q, %v, want %q", rest, err, want)
			}
			continue
		}
		if len(rest) > 0 || err == nil {
			t.Errorf("%q, %v, want that the answer is cut off", rest, err)
		}
		resp = s.open("GET", path+"&offset=3", "", header)
		defer resp.Body.Close()
		rest, err = io.ReadAll(resp.Body)
		if string(rest) != "four\n" || err != nil || resp.Header.Get("X-Log-Offset") != "10" {
			t.Errorf("%q from %s, %v", rest, resp.Header.Get("X-Log-Offset"), err)
		}
	}
}

// TestLogIsCutOff lets no answer look whole that is not: the log cannot be read on, or the server stops.
func TestLogIsCutOff(t *testing.T) {
	for name, end := range map[string]func(s *runServer){
		"it was removed":   func(s *runServer) { s.breakLog(step.ErrLogGone) },
		"the server stops": func(s *runServer) { close(s.stop) },
	} {
		s := newRunServer(t)
		s.apply(t, s.add(t, "wf", 1, 1, httpStep), instance.Start{At: 1010})
		s.write("one\n", false)
		resp := s.open("GET", firstPath+"/runs/1/steps/a/attempts/1/logs?follow=true", "")
		defer resp.Body.Close()
		in := bufio.NewReader(resp.Body)
		if line, err := in.ReadString('\n'); line != "one\n" || err != nil {
			t.Fatalf("%q, %v", line, err)
		}
		end(s)
		rest, err := io.ReadAll(in)
		if err == nil || strings.Contains(name, "removed") != strings.Contains(string(rest), "[maestro: ") {
			t.Errorf("%s: %q, %v", name, rest, err)
		}
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
