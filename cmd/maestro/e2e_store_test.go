package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// The tests here do to the file of a running server what backups, people and other servers do, from another process.

// sql runs SQL on a database. What is given back is the connection, which the test may keep to hold a lock.
func sql(t *testing.T, path, text string) *sqlite3.Conn {
	t.Helper()
	c, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Exec("PRAGMA busy_timeout = 10000; " + text); err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	startDemo = "/api/v3/workflows/demo/versions/active/actions/start"
	byHand    = `{"initiator":{"type":"manual"}}`
)

// refuses checks that whatever is to change something is refused with the reason, that the server says it is not ready,
// and whether it says that it must be restarted.
func (d *daemon) refuses(restart bool, reason string) {
	d.t.Helper()
	eventually(d.t, "the server is not ready", func() bool { return d.call("GET", "/readyz", "").status == 503 })
	for _, c := range []struct{ method, path, body string }{
		{"POST", startDemo, byHand},
		{"POST", "/api/v3/workflows", oneStep},
		{"PUT", "/api/v3/workflows/demo/actions/stop", ""},
		{"PUT", "/api/v3/workflows/demo/versions/1/actions/activate", ""},
		{"POST", "/api/v3/signals", `{"name":"s","params":{}}`},
		{"POST", "/api/v3/tag-permits", `{"tag":"t","max_allowed":1}`},
		{"DELETE", "/api/v3/workflows/demo", ""},
	} {
		r := d.call(c.method, c.path, c.body)
		if r.status != 503 {
			d.t.Errorf("%s %s: %d %s", c.method, c.path, r.status, r.body)
		}
		wants(d.t, r.body, "SERVICE_UNAVAILABLE", reason)
	}
	for _, path := range []string{"/readyz", "/api/v3/health", "/actuator/health"} {
		r := d.call("GET", path, "")
		if r.status != 503 {
			d.t.Errorf("%s: %d %s", path, r.status, r.body)
		}
		wants(d.t, r.body, reason)
	}
	alive := d.call("GET", "/healthz", "")
	if alive.status == 200 == restart {
		d.t.Errorf("/healthz: %d %s", alive.status, alive.body)
	}
	if restart {
		wants(d.t, alive.body, reason, "restart")
	}
	if r := d.call("PUT", "/api/v3/workflows/actions/validate", oneStep); r.status != 200 {
		d.t.Errorf("what changes nothing is refused: %d %s", r.status, r.body)
	}
}

func (d *daemon) ready() {
	d.t.Helper()
	eventually(d.t, "the server is ready", func() bool { return d.call("GET", "/readyz", "").status == 200 })
}

// TestBackupLocksTheStore holds a lock on the file of a server that drives runs, shortly and for longer than it waits.
func TestBackupLocksTheStore(t *testing.T) {
	t.Parallel()
	d := serve(t, "--store-lock-wait", "1s")
	path := filepath.Join(d.dir, "m.db")
	d.push(oneStep)
	d.push(fmt.Sprintf(shellStep, "naps", `{"step":{"id":"a","type":"Sleep","transition":{"successors":{"b":"true"}},"params":{"sleep_seconds":{"type":"LONG","value":1}}}},
		`+shellJob("b", "echo b >>"+filepath.Join(d.dir, "count"), "")))
	for _, lock := range []string{"BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"} {
		c := sql(t, path, lock)
		time.AfterFunc(50*time.Millisecond, func() { c.Close() })
		d.begin("demo")
	}

	nap := d.begin("naps")
	before := d.begin("demo")
	c := sql(t, path, "BEGIN EXCLUSIVE")
	req, _ := http.NewRequestWithContext(t.Context(), "POST", d.url+startDemo, strings.NewReader(byHand))
	req.Header.Set("user", "tester")
	req.Header.Set("Content-Type", "application/json")
	resp, err := patient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if after, _ := strconv.Atoi(resp.Header.Get("Retry-After")); resp.StatusCode != 503 || after < 1 {
		t.Errorf("start: %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	d.refuses(false, "another program holds a lock")
	if got := d.status("demo", before); got != "SUCCEEDED" {
		t.Errorf("what can be read is %q", got)
	}
	d.says("leases not renewed") // the engine has waited longer than a request does
	c.Close()
	d.ready()
	if got := d.ends("naps", nap); got != "SUCCEEDED" {
		t.Errorf("naps is %s", got)
	}
	if b, _ := os.ReadFile(filepath.Join(d.dir, "count")); string(b) != "b\n" {
		t.Errorf("the step was done as %q", b)
	}
	next := d.begin("demo")
	list := d.call("GET", "/api/v3/workflows/demo/instances?first=20", "")
	if n := strings.Count(list.body, `"workflow_instance_id"`); n != 4 {
		t.Errorf("%d runs of 4 that were accepted, the last being %d: %s", n, next, list.body)
	}
	d.stop()
}

// TestServerByAnotherPath starts a second server on the file of the first, by other paths, and one on a copy.
func TestServerByAnotherPath(t *testing.T) {
	t.Parallel()
	d := serve(t)
	d.push(oneStep)
	other := filepath.Join(d.dir, "other")
	for _, err := range []error{
		os.Symlink("m.db", filepath.Join(d.dir, "soft.db")), os.Link(filepath.Join(d.dir, "m.db"), filepath.Join(d.dir, "hard.db")),
		os.Symlink(d.dir, other), os.RemoveAll(filepath.Join(d.dir, "m.db.lock")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, store := range []string{"m.db", "soft.db", "hard.db", "other/m.db", filepath.Join(d.dir, "m.db")} {
		_, errs, code := maestro(t, d.dir, nil, "server", "--listen", "127.0.0.1:0", "--store", "sqlite:"+store)
		if code != 1 {
			t.Errorf("%s: exit code %d", store, code)
		}
		wants(t, errs, store, "another process has it open")
	}
	if got := d.ends("demo", d.begin("demo")); got != "SUCCEEDED" {
		t.Error(got)
	}
	d.stop()
	second := &daemon{t: t, dir: d.dir, args: []string{"server", "--listen", "127.0.0.1:0", "--store", "sqlite:soft.db"}}
	second.start()
	if got := second.status("demo", 1); got != "SUCCEEDED" {
		t.Errorf("the same store by a link: demo/1 is %q", got)
	}
	second.stop()
}

// TestLostStore takes the file of a server away.
func TestLostStore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		take    func(path string) error
		reason  string
		restart bool
	}{
		"deleted":   {os.Remove, "was deleted or moved away", false},
		"directory": {func(path string) error { return os.RemoveAll(filepath.Dir(path)) }, "was deleted or moved away", false},
		"replaced": {func(path string) error {
			b, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path+".new", b, 0o644)
			}
			if err == nil {
				err = os.Rename(path+".new", path)
			}
			return err
		}, "another file has taken the place", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "state")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			d := serve(t, "--store", "sqlite:"+filepath.Join(dir, "m.db"))
			d.push(oneStep)
			if got := d.ends("demo", d.begin("demo")); got != "SUCCEEDED" {
				t.Error(got)
			}
			if err := c.take(filepath.Join(dir, "m.db")); err != nil {
				t.Fatal(err)
			}
			if r := d.call("POST", startDemo, byHand); r.status != 503 { // at once, without anybody having asked /readyz
				t.Errorf("start: %d %s", r.status, r.body)
			}
			d.refuses(c.restart, c.reason)
		})
	}
}

// TestMovedStore renames the file of a server, and renames it back: what was accepted is there, and nothing else.
func TestMovedStore(t *testing.T) {
	t.Parallel()
	d := serve(t)
	path := filepath.Join(d.dir, "m.db")
	d.push(oneStep)
	d.begin("demo")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	d.refuses(false, "was deleted or moved away")
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	d.ready()
	d.begin("demo")
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
		d.begin("demo")
	}
	d.kill() // so that only what is at the path is left
	d.start()
	list := d.call("GET", "/api/v3/workflows/demo/instances?first=20", "")
	if n := strings.Count(list.body, `"workflow_instance_id"`); n != 4 {
		t.Errorf("%d runs of 4 that were accepted: %s", n, list.body)
	}
	d.stop()
}

// TestTakenOverServer has another process take the leases of a server, as a second server does that knows of no locks.
func TestTakenOverServer(t *testing.T) {
	t.Parallel()
	d := serve(t)
	d.push(oneStep)
	d.begin("demo")
	sql(t, filepath.Join(d.dir, "m.db"), "UPDATE lease SET epoch = epoch + 1, node = 'other'").Close()
	if r := d.call("POST", startDemo, byHand); r.status != 503 {
		t.Errorf("start: %d %s", r.status, r.body)
	}
	d.refuses(true, "taken it over")
}

// TestStepsDoNotKeepTheLock kills a server while a shell step runs: the step has none of the store's files, and the next
// server need not wait for it.
func TestStepsDoNotKeepTheLock(t *testing.T) {
	t.Parallel()
	d := serve(t)
	pid := filepath.Join(d.dir, "pid")
	d.push(fmt.Sprintf(shellStep, "long", shellJob("s", "echo $$$$ >"+pid+"; while test ! -e "+filepath.Join(d.dir, "end")+"; do sleep 0.1; done", "")))
	run := d.begin("long")
	eventually(t, "the step runs", func() bool { b, _ := os.ReadFile(pid); return strings.HasSuffix(string(b), "\n") })
	b, _ := os.ReadFile(pid)
	shell := strings.TrimSpace(string(b))
	for _, dir := range []string{"/proc/" + shell + "/fd", "/proc/" + parent(t, shell) + "/fd"} {
		fds, err := os.ReadDir(dir)
		if err != nil {
			t.Skipf("reads /proc: %v", err)
		}
		for _, fd := range fds {
			if to, _ := os.Readlink(filepath.Join(dir, fd.Name())); strings.Contains(to, "m.db") {
				t.Errorf("%s is open in %s", to, dir)
			}
		}
	}
	d.kill()
	d.start()
	write(t, d.dir, "end", "")
	if got := d.ends("long", run); got != "SUCCEEDED" {
		t.Error(got)
	}
	d.stop()
}

// parent returns the process that has started another one.
func parent(t *testing.T, pid string) string {
	t.Helper()
	b, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Skipf("reads /proc: %v", err)
	}
	_, rest, _ := strings.Cut(string(b), "PPid:")
	return strings.Fields(rest)[0]
}
