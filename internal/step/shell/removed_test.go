//go:build linux

package shell

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"maestro/internal/step"
	"maestro/internal/step/steptest"
)

// ruins are what may become of the directory of an attempt, or of all directories, while its process runs.
var ruins = map[string]func(t *testing.T, rt *Runtime, f folder) error{
	"removed":  func(_ *testing.T, _ *Runtime, f folder) error { return os.RemoveAll(string(f)) },
	"all gone": func(_ *testing.T, rt *Runtime, _ folder) error { return os.RemoveAll(rt.cfg.Dir) },
	"emptied": func(_ *testing.T, _ *Runtime, f folder) error {
		os.RemoveAll(string(f))
		return os.Mkdir(string(f), 0o700)
	},
	"a file in its place": func(_ *testing.T, _ *Runtime, f folder) error {
		os.RemoveAll(string(f))
		return os.WriteFile(string(f), []byte("x"), 0o600)
	},
	"a symlink in its place": func(t *testing.T, _ *Runtime, f folder) error {
		os.RemoveAll(string(f))
		return os.Symlink(t.TempDir(), string(f))
	},
	"a copy in its place": func(_ *testing.T, _ *Runtime, f folder) error {
		begun, err := os.ReadFile(f.path(fileBegun))
		if err != nil {
			return err
		}
		os.RemoveAll(string(f))
		os.Mkdir(string(f), 0o700)
		return os.WriteFile(f.path(fileBegun), begun, 0o600)
	},
	"no rights": func(_ *testing.T, _ *Runtime, f folder) error { return os.Chmod(string(f), 0) },
	"read only": func(_ *testing.T, _ *Runtime, f folder) error { return os.Chmod(string(f), 0o500) },
}

// ruined starts an attempt that ends with exit code 3 once it may, ruins its directory, and returns it with what it
// reports.
func ruined(t *testing.T, rt *Runtime, dir, ruin string) (*step.Attempt, *steptest.Recorder) {
	t.Helper()
	a := attempt("", shellParams("script", fmt.Sprintf("cd /; while [ ! -e %s/finish ]; do sleep 0.01; done; echo end; exit 3", dir)))
	r := steptest.NewRecorder(20 * time.Second)
	rt.Start(t.Context(), a, r)
	eventually(t, "it runs", func() bool { return len(r.All()) > 0 })
	if err := ruins[ruin](t, rt, rt.folder(a)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.WriteFile(filepath.Join(dir, "finish"), nil, 0o600) })
	return a, r
}

// later returns an attempt as a server sees it that was started meanwhile.
func later(a *step.Attempt, r *steptest.Recorder) *step.Attempt {
	c := *a
	c.Again, c.Artifacts = true, r.Artifacts()
	return &c
}

// TestRuinedDirectory has the process end by its own exit, and its exit code known, whatever becomes of its directory, also
// to a server that was started meanwhile. Attempts that are started afterwards run.
func TestRuinedDirectory(t *testing.T) {
	t.Parallel()
	for ruin := range ruins {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarted %v", ruin, restarted), func(t *testing.T) {
				t.Parallel()
				dir := tempDir(t)
				rt := open(t, dir)
				a, r := ruined(t, rt, dir, ruin)
				if restarted {
					rt.Close()
					rt = open(t, dir)
					a = later(a, r)
					r = steptest.NewRecorder(20 * time.Second)
					rt.Start(t.Context(), a, r)
				}
				next := steptest.NewRecorder(20 * time.Second)
				rt.Start(t.Context(), attempt("", shellParams("script", "true")), next)
				next.Want(t, step.Done)
				if r.Ended() {
					t.Fatalf("it has ended, and its process has not: %+v", r.All())
				}
				os.WriteFile(dir+"/finish", nil, 0o600)
				got := r.Want(t, step.UserError)
				if about := about(t, got); about.Exit == nil || *about.Exit != 3 || about.Stdout != "end\n" || !got.Begun {
					t.Errorf("artifact %+v", about)
				}
				again := steptest.NewRecorder(20 * time.Second) // what was decided stays decided
				open(t, dir).Start(t.Context(), later(a, r), again)
				again.Want(t, step.UserError)
			})
		}
	}
}

// TestStopInRuins stops a process whose directory is gone, from the server that started it and from another one.
func TestStopInRuins(t *testing.T) {
	t.Parallel()
	for ruin := range ruins {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarted %v", ruin, restarted), func(t *testing.T) {
				t.Parallel()
				dir := tempDir(t)
				rt := open(t, dir)
				a, r := ruined(t, rt, dir, ruin)
				if restarted {
					rt.Close()
					rt = open(t, dir)
				}
				stopped := steptest.NewRecorder(20 * time.Second)
				rt.Stop(t.Context(), later(a, r), stopped)
				stopped.Want(t, step.Stopped)
				if left := alive(a.UUID); len(left) > 0 {
					t.Errorf("processes are left: %v", left)
				}
			})
		}
	}
}

// TestNobodyKnows loses the directory and the supervisor: that is an error of the platform, not a step that runs for ever.
func TestNobodyKnows(t *testing.T) {
	t.Parallel()
	for _, ruin := range []string{"removed", "all gone", "emptied", "a file in its place", "a symlink in its place"} {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarted %v", ruin, restarted), func(t *testing.T) {
				t.Parallel()
				dir := tempDir(t)
				rt := open(t, dir)
				a, r := ruined(t, rt, dir, ruin)
				supervisors := supervisorsOf(string(rt.folder(a)))
				if len(supervisors) != 1 {
					t.Fatalf("supervisors %v", supervisors)
				}
				if restarted {
					rt.Close()
				}
				syscall.Kill(supervisors[0], syscall.SIGKILL)
				if restarted {
					rt = open(t, dir)
					a = later(a, r)
					r = steptest.NewRecorder(20 * time.Second)
					rt.Start(t.Context(), a, r)
				}
				got := r.Want(t, step.PlatformError)
				if text := got.Timeline[0].Message; !strings.Contains(text, "how") || !strings.Contains(text, "ended is not known") || !got.Begun {
					t.Errorf("%+v", got)
				}
				eventually(t, "no process is left", func() bool { return len(alive(a.UUID)) == 0 })
			})
		}
	}
}

// TestRemovesItsOwnDirectory has the script do it, as the first thing.
func TestRemovesItsOwnDirectory(t *testing.T) {
	t.Parallel()
	got := run(t, "script", `rm -rf "$(dirname "$MAESTRO_OUTPUT_FILE")"; echo gone; exit 4`)
	want(t, got, step.UserError)
	if a := about(t, got); a.Exit == nil || *a.Exit != 4 || a.Stdout != "gone\n" {
		t.Errorf("artifact %+v", a)
	}
}

// TestNumberOfAnotherProcess finds the number of its supervisor given to another process, here our own: that one is not
// waited for, nor ended, nor told to stop.
func TestNumberOfAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	rt := open(t, dir)
	for _, stop := range []bool{false, true} {
		a := attempt("", shellParams("script", "true"))
		f := rt.folder(a)
		if _, err := f.claim(a); err != nil {
			t.Fatal(err)
		}
		if err := f.begin(birth{Boot: bootID(), Supervisor: os.Getpid(), Start: startOf(os.Getpid()) - 1}); err != nil {
			t.Fatal(err)
		}
		r := steptest.NewRecorder(10 * time.Second)
		if stop {
			rt.Stop(t.Context(), a, r)
			r.Want(t, step.Stopped)
			continue
		}
		rt.Start(t.Context(), a, r)
		if got := r.Want(t, step.PlatformError); !strings.Contains(got.Timeline[0].Message, "was lost") {
			t.Errorf("%+v", got)
		}
	}
}
