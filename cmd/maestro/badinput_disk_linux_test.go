package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestFullDisk fills the disk of a server and then makes room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	binary(t)
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const size = 140 << 20 // the log of the store alone may have 64 MB
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("cannot mount a small file system (needs root; TestFullFiles does not): %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	ballast := write(t, dir, "ballast", strings.Repeat("x", 100<<20))
	d := &daemon{t: t, dir: dir, args: []string{"server", "--listen", "127.0.0.1:0", "--store", "sqlite:m.db"}}
	d.start()
	fill(t, d, func() error { return os.Remove(ballast) })
}

// TestFullFiles limits the size of the files of a server, as a full disk or a quota does in other words, and then lifts
// the limit. It needs no rights.
func TestFullFiles(t *testing.T) {
	t.Parallel()
	d := serve(t)
	var without unix.Rlimit
	limited := func(size uint64) error {
		return unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: without.Max}, nil)
	}
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &without); err != nil {
		t.Fatal(err)
	}
	unlimited := without.Cur
	if err := limited(17 << 20); err != nil { // the log has 16 MB from the beginning
		t.Fatal(err)
	}
	fill(t, d, func() error { return limited(unlimited) })
}

// fill starts runs until the store has no room for any more. Starts are then refused with a reason, and reading goes on.
// When there is room again, so does writing. Nothing that was accepted is lost.
func fill(t *testing.T, d *daemon, makeRoom func() error) {
	t.Helper()
	d.push(fmt.Sprintf(shellStep, "full", `{"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"true"}}}},{"step":{"id":"b","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":1}}}}`))
	body := `{"initiator":{"type":"manual"},"run_params":{"p":{"type":"STRING","value":"` + strings.Repeat("0123456789abcdef", 10_000) + `"}}}`
	start := func() reply { return d.call("POST", "/api/v3/workflows/full/versions/active/actions/start", body) }
	var accepted []int64
	accept := func(r reply) { accepted = append(accepted, int64(r.json("workflow_instance_id").(float64))) }
	refused := 0 // in a row: the store may find room by copying its log
	for n := 0; refused < 50; n++ {
		r := start()
		if r.status == 200 {
			accept(r)
			refused = 0
			if n == 2000 {
				t.Fatal("the disk did not become full")
			}
			continue
		}
		if refused++; refused == 1 {
			t.Logf("after %d runs: %d %s", len(accepted), r.status, r.body)
			sayFull(t, r)
		}
		if r.status != 503 {
			t.Fatalf("start: %d %s", r.status, r.body)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if got := d.call("GET", fmt.Sprintf("/api/v3/workflows/full/instances/%d", accepted[0]), ""); got.status != 200 {
		t.Errorf("reading: %d %s", got.status, got.body)
	}
	d.refuses(false, "no space is left")
	large := strings.Replace(oneStep, `"steps"`, `"params":{"p":{"type":"STRING","value":"`+strings.Repeat("0123456789abcdef", 12000)+`"}},"steps"`, 1)
	if r := d.call("POST", "/api/v3/workflows", large); r.status != 503 {
		t.Errorf("push to a full disk: %d %s", r.status, r.body)
	} else {
		sayFull(t, r)
	}

	if err := makeRoom(); err != nil {
		t.Fatal(err)
	}
	d.ready()
	if r := start(); r.status == 200 {
		accept(r)
	} else {
		t.Errorf("the server is ready, but refuses a start: %d %s", r.status, r.body)
	}
	for _, n := range accepted {
		if got := d.ends("full", n); got != "SUCCEEDED" {
			t.Errorf("full/%d is %s", n, got)
		}
	}
	d.stop()
	d.start()
	for _, n := range accepted {
		if got := d.status("full", n); got != "SUCCEEDED" {
			t.Errorf("after a restart full/%d is %s", n, got)
		}
	}
	d.stop()
}

// sayFull checks that an answer names the reason.
func sayFull(t *testing.T, r reply) {
	t.Helper()
	wants(t, r.body, "no space is left")
}
