package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFullDisk fills the disk of a server. Starts are then refused with a reason, reading goes on, and when there is
// space again so does writing. Nothing that was accepted is lost.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	binary(t)
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const size = 140 << 20 // the log of the store alone may have 64 MB
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("cannot mount a small file system (needs root): %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	ballast := write(t, dir, "ballast", strings.Repeat("x", 100<<20))

	d := &daemon{t: t, dir: dir, args: []string{"server", "--listen", "127.0.0.1:0", "--store", "sqlite:m.db"}}
	d.start()
	d.push(fmt.Sprintf(shellStep, "full", `{"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"true"}}}},{"step":{"id":"b","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":1}}}}`))
	body := `{"initiator":{"type":"manual"},"run_params":{"p":{"type":"STRING","value":"` + strings.Repeat("0123456789abcdef", 8000) + `"}}}`
	start := func() reply { return d.call("POST", "/api/v3/workflows/full/versions/active/actions/start", body) }
	var accepted []int64
	accept := func(r reply) { accepted = append(accepted, int64(r.json("workflow_instance_id").(float64))) }
	refused := 0
	for range 2000 {
		r := start()
		if r.status == 200 {
			accept(r)
			continue
		}
		if refused++; refused == 1 {
			t.Logf("after %d runs: %d %s", len(accepted), r.status, r.body)
			sayFull(t, r)
		}
		if r.status < 500 {
			t.Fatalf("the client is blamed: %d %s", r.status, r.body)
		}
		if refused == 20 {
			break
		}
	}
	if refused < 20 {
		t.Fatal("the disk did not become full")
	}
	if got := d.call("GET", fmt.Sprintf("/api/v3/workflows/full/instances/%d", accepted[0]), ""); got.status != 200 {
		t.Errorf("reading: %d %s", got.status, got.body)
	}
	large := strings.Replace(oneStep, `"steps"`, `"params":{"p":{"type":"STRING","value":"`+strings.Repeat("0123456789abcdef", 12000)+`"}},"steps"`, 1)
	if r := d.call("POST", "/api/v3/workflows", large); r.status < 500 {
		t.Errorf("push to a full disk: %d %s", r.status, r.body)
	} else {
		sayFull(t, r)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "starts are accepted again", func() bool {
		r := start()
		if r.status != 200 {
			return false
		}
		accept(r)
		return true
	})
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
