package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// TestDamagedRuns damages what is stored of runs behind the back of a server that was killed. When it is back these runs
// fail, with the reason for everybody to read, and their processes, which have outlived the first server, are ended. The
// run beside them goes on.
func TestDamagedRuns(t *testing.T) {
	t.Parallel()
	damages := []string{
		"UPDATE journal SET data = substr(data, 1, length(data) - 1) WHERE run = (SELECT id FROM run WHERE instance = 1) AND seq = 2",
		"UPDATE journal SET data = x'01ffffffffffffffffffffff' WHERE run = (SELECT id FROM run WHERE instance = 2) AND seq = 2",
		"UPDATE run SET header = x'0105c8010101' WHERE instance = 3",
		"UPDATE run SET header = x'' WHERE instance = 4",
	}
	sound := len(damages) + 1 // the instance that nobody harms
	d := serve(t)
	d.push(fmt.Sprintf(shellStep, "hurt", shellJob("s", "echo $$$$ >"+filepath.Join(d.dir, "pid")+"$$MAESTRO_WORKFLOW_INSTANCE_ID; sleep 600", "")))
	show := func(path string) string { return d.call("GET", "/api/v3/workflows/hurt/instances"+path, "").body }
	pids := make([]int, sound+1)
	for n := 1; n <= sound; n++ {
		d.begin("hurt")
		eventually(t, "the process runs", func() bool {
			b, _ := os.ReadFile(filepath.Join(d.dir, fmt.Sprint("pid", n)))
			_, _ = fmt.Sscan(string(b), &pids[n])
			return pids[n] > 0 && strings.Contains(show(fmt.Sprintf("/%d/steps", n)), `"RUNNING"`)
		})
	}
	d.kill()
	c, err := sqlite3.Open(filepath.Join(d.dir, "m.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range damages {
		if err := c.Exec(sql); err != nil || c.Changes() != 1 {
			t.Fatal(sql, c.Changes(), err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}

	d.start()
	for n := 1; n < sound; n++ {
		eventually(t, fmt.Sprintf("process %d is ended", n), func() bool { return syscall.Kill(pids[n], 0) != nil })
		if got := d.ends("hurt", int64(n)); got != "FAILED" {
			t.Errorf("hurt/%d is %s", n, got)
		}
		wants(t, show(fmt.Sprintf("/%d", n)), "the run cannot go on", "run data is damaged")
		if body := show(fmt.Sprintf("/%d/steps", n)); strings.Contains(body, `"RUNNING"`) {
			t.Errorf("steps of hurt/%d: %s", n, body)
		}
	}
	if err := syscall.Kill(pids[sound], 0); err != nil || d.status("hurt", int64(sound)) != "IN_PROGRESS" {
		t.Errorf("the sound run: %v, %s", err, d.status("hurt", int64(sound)))
	}
	out, errs, code := d.cli("ls", "hurt")
	if code != 0 || strings.Count(out, "FAILED") != len(damages) || strings.Count(out, "IN_PROGRESS") != 1 {
		t.Errorf("ls: exit code %d\n%s%s", code, out, errs)
	}
	for n := 1; n <= sound; n++ {
		if out, errs, code := d.cli("get", fmt.Sprintf("hurt/%d", n)); code != 0 {
			t.Errorf("get hurt/%d: exit code %d\n%s%s", n, code, out, errs)
		}
	}
	wants(t, d.errs.String(), "run cannot be loaded and is failed")
	if log := d.errs.String(); strings.Contains(log, "panic") || strings.Contains(log, "request failed") {
		t.Errorf("the log has\n%s", log)
	}
	if _, _, code := d.cli("stop", fmt.Sprintf("hurt/%d", sound)); code != 0 {
		t.Errorf("stop: exit code %d", code)
	}
	d.stop()
}
