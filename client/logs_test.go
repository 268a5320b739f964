package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"maestro/client"
)

// logOf serves one log in answers that are made one after the other; each gets the offset that was asked for.
func logOf(t *testing.T, answers ...func(w http.ResponseWriter, offset string)) *client.Client {
	t.Helper()
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("X-Log-Notes"); got != "false" {
			t.Errorf("X-Log-Notes %q", got)
		}
		answer := answers[min(n, len(answers)-1)]
		n++
		answer(w, r.URL.Query().Get("offset"))
	}))
	t.Cleanup(s.Close)
	c, err := client.New(s.URL, client.WithReconnect(300*time.Millisecond, time.Millisecond, 10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// piece answers with some of the log, from a position on, and is cut off after it unless it is whole.
func piece(t *testing.T, asked, begins, text string, whole bool) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, offset string) {
		if offset != asked {
			t.Errorf("asked for offset %q, want %q", offset, asked)
		}
		w.Header().Set("X-Log-Offset", begins)
		io.WriteString(w, text)
		w.(http.Flusher).Flush()
		if !whole {
			panic(http.ErrAbortHandler)
		}
	}
}

func fails(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusServiceUnavailable) }

var attemptRef = client.StepRef{RunRef: client.RunRef{Workflow: "wf", Instance: 7, Run: 2}, Step: "s", Attempt: 1}

// TestLogs_Resume goes on after answers that were cut off, tells of what is missing, and ends where the log ends.
func TestLogs_Resume(t *testing.T) {
	t.Parallel()
	c := logOf(t, piece(t, "", "5", "abc", false), fails, piece(t, "8", "8", "de\x00\n", false), piece(t, "12", "20", "end", true))
	var told []string
	body, err := c.Logs(t.Context(), attemptRef, client.LogRequest{
		Follow: true,
		Missed: func(n int64) { told = append(told, fmt.Sprint(n)) },
		Lost:   func(error) { told = append(told, "lost") },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if string(got) != "abcde\x00\nend" || err != nil || strings.Join(told, " ") != "5 lost 8" {
		t.Errorf("%q, %v, told %v", got, err, told)
	}
}

// TestLogs_CutOff is an error, not the end, when the rest cannot be had: the server refuses, or stays away.
func TestLogs_CutOff(t *testing.T) {
	t.Parallel()
	gone := func(w http.ResponseWriter, _ string) {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"status":"NOT_FOUND","message":"removed"}`)
	}
	for want, second := range map[string]func(http.ResponseWriter, string){
		"NOT_FOUND: removed":             gone,
		"could not get it back in":       fails,
		"the server answered from \"1\"": piece(t, "4", "1", "xxx", true),
	} {
		body, err := logOf(t, piece(t, "", "0", "half", false), second).Logs(t.Context(), attemptRef, client.LogRequest{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		if string(got) != "half" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q, %v, want %s", got, err, want)
		}
		body.Close()
		if _, err := body.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
	}
}
