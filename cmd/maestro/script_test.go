package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "accept what the program prints as what it should print")

// TestScripts runs the program against a server that says what the script says. A script is stanzas with empty lines
// between them:
//
//	serve METHOD URI [STATUS] [TYPE]   what the server answers; the lines below are the body
//	file NAME                          a file in the working directory; the lines below are its content
//	stdin                              what the next run reads
//	env NAME=VALUE                     of the runs that follow
//	tty WIDTHxHEIGHT                   the next run is on a terminal
//	run ARGUMENT...                    below are the requests the server got (<), the output (>), the error output (!)
//	                                   and the exit code if it is not 0
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range paths {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			compare(t, path, newScript(t).play(t, string(want)), string(want))
		})
	}
}

// compare fails when got is not want, or makes it so.
func compare(t *testing.T, path, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s differs; -rewrite accepts\n%s", filepath.Base(path), diff(got, want))
}

// diff shows the lines around the first difference.
func diff(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	from := max(0, i-3)
	return fmt.Sprintf("line %d\n--- got\n%s\n--- want\n%s", i+1,
		strings.Join(g[from:min(len(g), i+10)], "\n"), strings.Join(w[from:min(len(w), i+10)], "\n"))
}

// script is the state of one script: the server's answers and what the next run is given.
type script struct {
	url   string
	env   map[string]string
	stdin string
	tty   string

	mu      sync.Mutex
	answers map[string]scriptAnswer
	seen    []string
}

type scriptAnswer struct {
	status int
	kind   string
	body   string
}

func newScript(t *testing.T) *script {
	s := &script{env: map[string]string{"USER": "alice", "LANG": "C.UTF-8"}, answers: map[string]scriptAnswer{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// ServeHTTP answers as the script says.
func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	line := r.Method + " " + r.RequestURI
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.answers[line]
	if !ok {
		a = scriptAnswer{404, "application/json", `{"status":"NOT_FOUND","message":"there is no such thing"}`}
	}
	if len(text) > 0 {
		line += " " + strings.ReplaceAll(string(text), "\n", `\n`)
	}
	if user := r.Header.Get("User"); user != "alice" {
		line += " user=" + user
	}
	s.seen = append(s.seen, line)
	w.Header().Set("Content-Type", a.kind)
	w.WriteHeader(a.status)
	io.WriteString(w, a.body)
}

// play carries out a script and returns it with what has really happened.
func (s *script) play(t *testing.T, text string) string {
	t.Helper()
	var out []string
	for stanza := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n\n") {
		lines := strings.Split(stanza, "\n")
		head := 0
		for head < len(lines)-1 && strings.HasPrefix(lines[head], "#") {
			head++
		}
		words, body := fields(lines[head]), strings.Join(lines[head+1:], "\n")
		switch words[0] {
		case "serve":
			s.serve(t, words[1:], body)
		case "file":
			if err := os.WriteFile(words[1], []byte(body+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		case "stdin":
			s.stdin = body
		case "env":
			name, value, _ := strings.Cut(words[1], "=")
			s.env[name] = value
		case "tty":
			s.tty = words[1]
		case "run":
			stanza = strings.Join(slices.Concat(lines[:head+1], s.run(t, words[1:])), "\n")
		default:
			if !strings.HasPrefix(words[0], "#") {
				t.Fatalf("%q is no directive", words[0])
			}
		}
		out = append(out, stanza)
	}
	return strings.Join(out, "\n\n") + "\n"
}

func (s *script) serve(t *testing.T, words []string, body string) {
	t.Helper()
	a := scriptAnswer{status: 200, kind: "application/json", body: body}
	if len(words) > 2 {
		var err error
		if a.status, err = strconv.Atoi(words[2]); err != nil {
			t.Fatal(err)
		}
	}
	if len(words) > 3 {
		a.kind = words[3]
	}
	if a.kind == "text/event-stream" { // messages end with an empty line, which a script cannot have
		a.body = strings.ReplaceAll(body, "\nid:", "\n\nid:") + "\n\n"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[words[0]+" "+words[1]] = a
}

// run runs the program and returns what there is to see of it.
func (s *script) run(t *testing.T, args []string) []string {
	t.Helper()
	var stdout, stderr strings.Builder
	p := testProgram(&stdout, &stderr, s.tty)
	p.in = strings.NewReader(s.stdin)
	p.env = func(name string) string {
		if name == "MAESTRO_SERVER" && s.env[name] == "" {
			return s.url
		}
		return s.env[name]
	}
	s.stdin, s.tty = "", ""
	code := p.Run(t.Context(), args)
	if err := p.Close(); err != nil {
		t.Error(err)
	}

	s.mu.Lock()
	seen := s.seen
	s.seen = nil
	s.mu.Unlock()
	var out []string
	for _, r := range seen {
		out = append(out, "< "+r)
	}
	out = append(out, prefixed("> ", strings.ReplaceAll(stdout.String(), s.url, "SERVER"))...)
	out = append(out, prefixed("! ", strings.ReplaceAll(stderr.String(), s.url, "SERVER"))...)
	if code != 0 {
		out = append(out, fmt.Sprintf("exit %d", code))
	}
	return out
}

// testProgram returns a program at noon of 31 January 2024, on a terminal if tty has a size.
func testProgram(stdout, stderr io.Writer, tty string) *program {
	p := newProgram(nil, os.Stdout, os.Stderr)
	p.out, p.err = stdout, stderr
	p.now = func() time.Time { return time.Date(2024, 1, 31, 12, 0, 0, 0, time.UTC) }
	p.check = checkDefinition(p.now)
	p.zone = time.UTC
	p.http = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	p.screen = screen{size: func() (int, int) { return 80, 24 }}
	if tty != "" {
		var w, h int
		fmt.Sscanf(tty, "%dx%d", &w, &h)
		p.screen = screen{tty: true, size: func() (int, int) { return w, h }}
	}
	return p
}

func prefixed(prefix, text string) []string {
	if text == "" {
		return nil
	}
	var out []string
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		out = append(out, strings.TrimRight(prefix+visible(line), " "))
	}
	return out
}

// visible makes escape sequences readable.
func visible(s string) string {
	return strings.NewReplacer("\r\x1b[2K", "", "\x1b", "^").Replace(s)
}

// fields splits a line at spaces that are not inside single quotes.
func fields(line string) []string {
	var out []string
	var word strings.Builder
	quoted, has := false, false
	for _, r := range line {
		switch {
		case r == '\'':
			quoted, has = !quoted, true
		case r == ' ' && !quoted:
			if has {
				out = append(out, word.String())
			}
			word.Reset()
			has = false
		default:
			word.WriteRune(r)
			has = true
		}
	}
	if has {
		out = append(out, word.String())
	}
	return out
}
