package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests in e2e*_test.go and badinput*_test.go run the program as its users do: as a process, over HTTP, with files
// on a disk. They check what is promised to survive; how long something took is logged and never asserted.

func TestMain(m *testing.M) {
	if file := os.Getenv(standsIn); file != "" {
		if err := standIn(file, filepath.Base(os.Args[0]), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

var built struct {
	once sync.Once
	dir  string
	exe  string
	err  error
}

// binary returns the file of the program, which is built once for all tests.
func binary(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the program as a process; not with -short")
	}
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "maestro-e2e-"); built.err != nil {
			return
		}
		built.exe = filepath.Join(built.dir, "maestro")
		if out, err := exec.Command("go", "build", "-o", built.exe, ".").CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.exe
}

// environ is the environment of processes in tests: nothing of the developer's settings.
func environ(more ...string) []string {
	env := []string{"USER=tester", "LANG=C.UTF-8", "TZ=UTC", "HOME=" + os.TempDir(), "PATH=" + os.Getenv("PATH")}
	return append(env, more...)
}

// output is a writer that can be read while it is written.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// proc is a running program.
type proc struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  output
	errs output
	done chan struct{} // closed when it has ended
}

// spawn starts the program in dir.
func spawn(t *testing.T, dir string, env []string, args ...string) *proc {
	t.Helper()
	p := &proc{t: t, cmd: exec.Command(binary(t), args...), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = dir, environ(env...), &p.out, &p.errs
	p.cmd.WaitDelay = time.Second // a supervisor of a shell step may hold the pipes open
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() && (args[0] == "server" || args[0] == "run") {
			t.Logf("maestro %s\n%s%s", strings.Join(args, " "), brief(p.out.String()), brief(p.errs.String()))
		}
	})
	return p
}

// maestro runs the program to its end and returns what it wrote and its exit code.
func maestro(t *testing.T, dir string, env []string, args ...string) (out, errs string, code int) {
	t.Helper()
	p := spawn(t, dir, env, args...)
	code = p.wait()
	return p.out.String(), p.errs.String(), code
}

// wait returns the exit code, -1 after a signal.
func (p *proc) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(40 * time.Second):
		p.t.Fatalf("%v is still running\n%s%s", p.cmd.Args, p.out.String(), p.errs.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *proc) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill ends the process as a crash of it would.
func (p *proc) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// says waits until the process has written text that matches, on either output, and returns the match.
func (p *proc) says(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	eventually(p.t, "the program says "+pattern, func() bool {
		found = re.FindStringSubmatch(p.errs.String() + p.out.String())
		return found != nil
	})
	return found
}

// eventually polls until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited 30 s in vain: %s", what)
}

// daemon is a server that is stopped and started again on the same files.
type daemon struct {
	*proc
	t    *testing.T
	dir  string
	url  string
	args []string
}

// serve starts a server with its state in a directory of its own. More arguments override the usual ones.
func serve(t *testing.T, args ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, dir: t.TempDir(), args: append([]string{
		"server", "--listen", "127.0.0.1:0", "--store", "sqlite:m.db", "--shell-enabled", "--log-level", "info",
	}, args...)}
	d.start()
	return d
}

// start starts the server, on the address it had before.
func (d *daemon) start() {
	d.t.Helper()
	d.proc = spawn(d.t, d.dir, nil, d.args...)
	d.url = d.says(`msg=serving url=(\S+)`)[1]
	for i, a := range d.args {
		if a == "127.0.0.1:0" {
			d.args[i] = strings.TrimPrefix(d.url, "http://")
		}
	}
}

// stop asks the server to stop and checks that it does so without complaint.
func (d *daemon) stop() {
	d.t.Helper()
	began := time.Now()
	d.signal(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		d.t.Errorf("stopped with exit code %d\n%s", code, d.errs.String())
	}
	d.t.Logf("stopped after %s", time.Since(began).Round(time.Millisecond))
}

// reply is a response with its body read.
type reply struct {
	status int
	body   string
}

// json returns a field of the answer, by its path.
func (r reply) json(path ...any) any { return dig(r.body, path...) }

func dig(text string, path ...any) any {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return nil
	}
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

var patient = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// try sends a request, and may fail.
func (d *daemon) try(method, path, kind string, body io.Reader) (reply, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, d.url+path, body)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("user", "tester")
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := patient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, string(text)}, err
}

// call sends a request with a JSON body, if there is one.
func (d *daemon) call(method, path, body string) reply {
	d.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	got, err := d.try(method, path, "application/json", r)
	if err != nil {
		d.t.Fatal(err)
	}
	return got
}

// push stores a definition.
func (d *daemon) push(definition string) {
	d.t.Helper()
	if r := d.call("POST", "/api/v3/workflows", definition); r.status != 200 {
		d.t.Fatalf("push: %d %s", r.status, r.body)
	}
}

// begin starts a run and returns its instance number.
func (d *daemon) begin(workflow string) int64 {
	d.t.Helper()
	r := d.call("POST", "/api/v3/workflows/"+workflow+"/versions/active/actions/start", `{"initiator":{"type":"manual"}}`)
	n, ok := r.json("workflow_instance_id").(float64)
	if r.status != 200 || !ok {
		d.t.Fatalf("start: %d %s", r.status, r.body)
	}
	return int64(n)
}

func (d *daemon) status(workflow string, instance int64) string {
	d.t.Helper()
	s, _ := d.call("GET", fmt.Sprintf("/api/v3/workflows/%s/instances/%d", workflow, instance), "").json("status").(string)
	return s
}

// ends waits for the end of a run and returns its status.
func (d *daemon) ends(workflow string, instance int64) string {
	d.t.Helper()
	status := ""
	eventually(d.t, fmt.Sprintf("%s/%d ends", workflow, instance), func() bool {
		status = d.status(workflow, instance)
		switch status {
		case "SUCCEEDED", "FAILED", "STOPPED", "TIMED_OUT":
			return true
		}
		return false
	})
	return status
}

// cli runs a command against the server.
func (d *daemon) cli(args ...string) (out, errs string, code int) {
	d.t.Helper()
	return maestro(d.t, d.dir, []string{"MAESTRO_SERVER=" + d.url}, args...)
}

// memory returns the server's resident set in bytes, now and at most so far.
func (d *daemon) memory() (now, peak int64) {
	d.t.Helper()
	if runtime.GOOS != "linux" {
		d.t.Skip("reads /proc")
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		name, rest, _ := strings.Cut(s.Text(), ":")
		kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			now = kb << 10
		case "VmHWM":
			peak = kb << 10
		}
	}
	return now, peak
}

// write makes a file and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// wants reports the texts that are missing.
func wants(t *testing.T, got string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(got, text) {
			t.Errorf("got %q\nwant it to say %q", got, text)
		}
	}
}

// oneDocument checks that text is one JSON document and nothing else.
func oneDocument(t *testing.T, text string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	var v any
	if err := d.Decode(&v); err != nil {
		t.Errorf("no JSON: %v in %q", err, text)
		return
	}
	if err := d.Decode(&v); !errors.Is(err, io.EOF) {
		t.Errorf("more than one JSON document: %q", text)
	}
}

// brief returns the beginning and the end of a long output.
func brief(text string) string {
	const part = 3000
	if len(text) <= 2*part {
		return text
	}
	return text[:part] + "\n[...]\n" + text[len(text)-part:]
}

func toNumber(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// show returns the value at a path such as steps.0.id as JSON.
func show(text, path string) string {
	var steps []any
	for word := range strings.SplitSeq(path, ".") {
		if i, err := strconv.Atoi(word); err == nil {
			steps = append(steps, i)
		} else {
			steps = append(steps, word)
		}
	}
	b, err := json.Marshal(dig(text, steps...))
	if err != nil {
		return err.Error()
	}
	return string(b)
}
