//go:build linux

package shell

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"maestro/internal/step"
	"maestro/internal/step/steptest"
)

// engine is a server that starts (or stops) one attempt and prints its reports: what to do, its directory, the
// identity, the script, the arguments of the supervisor.
func engine(args []string, at func(string)) int {
	cfg := config(args[1], args[4:]...)
	rt, err := New(cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	rt.at = at
	a := attempt(args[2], shellParams("script", args[3]))
	reports := make(chan step.Report, 10)
	do := rt.Start
	if args[0] == "stop" {
		do = rt.Stop
	}
	do(rt.ctx, a, reporter(func(r step.Report) { reports <- r }))
	for r := range reports {
		fmt.Println(r.State)
		if r.State.Final() {
			break
		}
	}
	rt.Close()
	return 0
}

type reporter func(step.Report)

func (f reporter) Report(r step.Report) { f(r) }

// launchEngine starts a server process. Each is killed at the end of the test.
func launchEngine(t *testing.T, args ...string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"engine"}, args...)...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, out
}

// TestKilledServer kills a server with SIGKILL while its process runs: the process does not notice, and the next
// server finds it.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	began, finish := filepath.Join(dir, "began"), filepath.Join(dir, "finish")
	script := fmt.Sprintf("echo x >> %s; while [ ! -e %s ]; do sleep 0.02; done; echo well", began, finish)
	server, out := launchEngine(t, "start", dir, "killed", script)
	if line := make([]byte, 8); !reads(out, line) || string(line) != "CONTINUE" {
		t.Fatalf("the server reports %q, want CONTINUE", line)
	}
	syscall.Kill(-server.Process.Pid, syscall.SIGKILL) // as a terminal or a service manager does: the whole group
	server.Wait()
	if len(alive("killed")) == 0 {
		t.Fatal("the process died with the server")
	}
	rt := open(t, dir)
	a := attempt("killed", shellParams("script", script))
	a.Again = true
	r := steptest.NewRecorder(10 * time.Second)
	rt.Start(t.Context(), a, r)
	eventually(t, "reported running", func() bool { return len(r.All()) > 0 })
	os.WriteFile(finish, nil, 0o600)
	got := r.Want(t, step.Done)
	if out := about(t, got).Stdout; out != "well\n" {
		t.Errorf("stdout_tail %q, want %q", out, "well\n")
	}
	if n := strings.Count(read(began), "x"); n != 1 {
		t.Errorf("began %d times", n)
	}
}

func reads(r io.Reader, buf []byte) bool {
	_, err := io.ReadFull(r, buf)
	return err == nil
}

// TestCrashBetweenSteps kills server or supervisor between any two of their steps. Whatever happened, the next server
// brings the attempt to an end, and the process has begun at most once; if it is reported done, exactly once.
func TestCrashBetweenSteps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		who, point string
		want       step.State
		began      int
	}{
		{"server", "made", step.Done, 1},
		{"server", "look", step.Done, 1},
		{"server", "locked", step.Done, 1},
		{"server", "launched", step.Done, 1},
		{"server", "told", step.Done, 1},
		{"supervisor", "told", step.PlatformError, 0},
		{"supervisor", "begun", step.PlatformError, 0},
		{"supervisor", "started", step.PlatformError, -1},
		{"supervisor", "recorded", step.PlatformError, -1},
		{"supervisor", "ended", step.PlatformError, 1},
	} {
		t.Run(c.who+"/"+c.point, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			uuid := c.who + "-" + c.point
			began := filepath.Join(dir, "began")
			script := fmt.Sprintf("echo x >> %s; sleep 0.05", began)
			crash := "crash=" + c.point
			if c.who == "server" {
				server, _ := launchEngine(t, crash, "start", dir, uuid, script)
				server.Wait()
				if server.ProcessState.Success() {
					t.Fatal("the server did not crash")
				}
				crash = ""
			}
			cfg := config(dir)
			if crash != "" {
				cfg = config(dir, crash)
			}
			rt := openWith(t, cfg)
			a := attempt(uuid, shellParams("script", script))
			a.Again = true
			for range 2 { // the second time finds what the first recorded
				r := steptest.NewRecorder(10 * time.Second)
				rt.Start(t.Context(), a, r)
				r.Want(t, c.want)
			}
			if n := strings.Count(read(began), "x"); n != c.began && (c.began >= 0 || n > 1) {
				t.Errorf("began %d times, want %d", n, c.began)
			}
			if left := alive(uuid); len(left) > 0 {
				t.Errorf("processes are left: %v", left)
			}
		})
	}
}

// TestCrashWhileStopping kills a server between marking an attempt stopped and looking after it.
func TestCrashWhileStopping(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	server, _ := launchEngine(t, "crash=marked", "stop", dir, "marked", "true")
	server.Wait()
	r := steptest.NewRecorder(10 * time.Second)
	open(t, dir).Start(t.Context(), attempt("marked", shellParams("script", "echo x > "+dir+"/began")), r)
	r.Want(t, step.Stopped)
	if read(dir+"/began") != "" {
		t.Error("it began after it was marked as stopped")
	}
}
