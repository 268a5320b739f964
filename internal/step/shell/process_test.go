//go:build linux

package shell

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"maestro/internal/step"
	"maestro/internal/step/steptest"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	codes := []any{"success_exit_codes", []int64{0, 4}, "skip_exit_code", int64(99), "fatal_exit_codes", []int64{5}, "platform_exit_codes", []int64{6, 7}}
	for exit, want := range map[int]step.State{
		0: step.Done, 4: step.Done, 99: step.Done, 5: step.FatalError, 7: step.PlatformError, 1: step.UserError, 137: step.UserError,
	} {
		t.Run(fmt.Sprint(exit), func(t *testing.T) {
			t.Parallel()
			got := run(t, append([]any{"script", fmt.Sprintf("echo out; echo why >&2; exit %d", exit)}, codes...)...)
			if got.State != want || !got.Begun {
				t.Fatalf("exit code %d: %s (begun %v), want %s", exit, got.State, got.Begun, want)
			}
			a := about(t, got)
			if a.Exit == nil || *a.Exit != exit || a.Pid == 0 || a.Host != "here" || a.Stdout != "out\n" || a.Stderr != "why\n" || a.Start == 0 || a.End < a.Start {
				t.Errorf("artifact %+v", a)
			}
			if a.Skip != (exit == 99) {
				t.Errorf("skipped %v", a.Skip)
			}
			line := got.Timeline[0]
			if want != step.Done && (line.Level != step.Err || len(line.Errors) != 2 || line.Errors[1] != "why" || !strings.Contains(line.Errors[0], fmt.Sprint("exit code ", exit))) {
				t.Errorf("timeline %+v", line)
			}
		})
	}
}

// TestSaysWhyOnStdout has a process that tells nothing on stderr.
func TestSaysWhyOnStdout(t *testing.T) {
	t.Parallel()
	got := run(t, "script", "echo why; exit 1")
	want(t, got, step.UserError)
	if errs := got.Timeline[0].Errors; len(errs) != 2 || errs[1] != "why" {
		t.Errorf("timeline %q", errs)
	}
	if a := about(t, got); !strings.HasSuffix(a.Dir, "/work") {
		t.Errorf("working directory %q", a.Dir)
	}
}

func TestKilledBySignal(t *testing.T) {
	t.Parallel()
	got := run(t, "script", "kill -9 $$")
	want(t, got, step.UserError)
	if a := about(t, got); a.Signal != "SIGKILL" || a.Exit != nil {
		t.Errorf("artifact %+v", a)
	}
	if text := got.Timeline[0].Message; !strings.Contains(text, "SIGKILL") || !strings.Contains(text, "memory") {
		t.Errorf("timeline %q", text)
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	if fd, err := syscall.Dup(2); err == nil { // something that the server passes on without knowing
		t.Cleanup(func() { syscall.Close(fd) })
	}
	for name, c := range map[string]struct {
		params []any
		want   string
	}{
		"script":           {[]any{"script", "echo $0"}, "/bin/sh\n"},
		"interpreter":      {[]any{"script", "set -o | grep pipefail", "interpreter", "bash -euo 'pipefail'"}, "pipefail       \ton\n"},
		"command":          {[]any{"command", "printf", "args", []string{"%s|", "a b", "$HOME"}}, "a b|$HOME|"},
		"stdin":            {[]any{"command", "cat", "stdin", strings.Repeat("x", 5000)}, strings.Repeat("x", 5000)},
		"no stdin":         {[]any{"script", "cat; echo end"}, "end\n"},
		"unread":           {[]any{"script", "echo end", "stdin", strings.Repeat("x", 1<<20)}, "end\n"},
		"dir":              {[]any{"script", "pwd; echo $PWD", "working_dir", "/usr"}, "/usr\n/usr\n"},
		"own dir":          {[]any{"script", "touch x && ls && basename $PWD"}, "x\nwork\n"},
		"no files of ours": {[]any{"script", "exec ls /proc/self/fd"}, "0\n1\n2\n3\n"},
		"long script":      {[]any{"script", "# " + strings.Repeat("x", 300<<10) + "\necho end"}, "end\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, c.params...)
			want(t, got, step.Done)
			if out := about(t, got).Stdout; out != c.want {
				t.Errorf("stdout %q, want %q", out, c.want)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("MAESTRO_SECRET", "s3cret")
	t.Setenv("OTHER", "other")
	t.Setenv("LANG", "xx")
	own := map[string]string{"MINE": "m=1", "MAESTRO_STEP_ID": "forged", "LANG": "yy"}
	got := run(t, "command", "env", "env", own)
	want(t, got, step.Done)
	vars := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(about(t, got).Stdout), "\n") {
		name, value, _ := strings.Cut(line, "=")
		vars[name] = value
	}
	for name, want := range map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": os.Getenv("HOME"), "LANG": "yy", "MINE": "m=1", "OTHER": "", "MAESTRO_SECRET": "",
		"MAESTRO_WORKFLOW_ID": "wf", "MAESTRO_WORKFLOW_INSTANCE_ID": "7", "MAESTRO_WORKFLOW_RUN_ID": "2",
		"MAESTRO_STEP_ID": "job", "MAESTRO_STEP_ATTEMPT_ID": "3", "GOMAXPROCS": "",
	} {
		if vars[name] != want {
			t.Errorf("%s=%q, want %q", name, vars[name], want)
		}
	}
	if !strings.HasSuffix(vars["MAESTRO_OUTPUT_FILE"], "/output") || len(vars["MAESTRO_STEP_INSTANCE_UUID"]) < 5 {
		t.Errorf("environment %v", vars)
	}

	got = run(t, "script", "echo $OTHER/$MAESTRO_SECRET", "inherit_env", true)
	if out := about(t, got).Stdout; out != "other/\n" {
		t.Errorf("inherited %q, want %q", out, "other/\n")
	}
}

func TestCannotStart(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	os.WriteFile(dir+"/no-interpreter", []byte("#!/no/such/thing\n"), 0o700)
	os.WriteFile(dir+"/not-executable", []byte("#!/bin/sh\n"), 0o600)
	for name, c := range map[string]struct {
		params []any
		want   string
	}{
		"missing program":     {[]any{"command", "no-such-program"}, `"no-such-program": executable file not found in $PATH`},
		"missing file":        {[]any{"command", "/no/such"}, "/no/such"},
		"not executable":      {[]any{"command", dir + "/not-executable"}, "permission denied"},
		"missing #!":          {[]any{"command", dir + "/no-interpreter"}, "first line"},
		"missing interpreter": {[]any{"script", "x", "interpreter", "zsh5 -e"}, `"zsh5"`},
		"missing dir":         {[]any{"script", "x", "working_dir", "/no/such"}, "go to the working directory: chdir /no/such"},
		"huge argument":       {[]any{"command", "echo", "args", []string{strings.Repeat("x", 300<<10)}}, "argument list too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, c.params...)
			want(t, got, step.FatalError)
			if got.Begun {
				t.Error("reported as begun")
			}
			if text := got.Timeline[0].Message; !strings.Contains(text, "could not be started") || !strings.Contains(text, c.want) {
				t.Errorf("timeline %q, want it to hold %q", text, c.want)
			}
		})
	}
}

func TestStopIsGentleFirst(t *testing.T) {
	t.Parallel()
	rt := open(t, tempDir(t))
	a := attempt("", shellParams("script", "trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.02; done"))
	started, stopped := steptest.NewRecorder(10*time.Second), steptest.NewRecorder(10*time.Second)
	rt.Start(t.Context(), a, started)
	eventually(t, "ready", func() bool { return strings.Contains(stdout(t, rt, a), "ready") })
	rt.Stop(t.Context(), a, stopped)
	got := about(t, stopped.Want(t, step.Stopped))
	if got.Exit == nil || *got.Exit != 9 || got.Stdout != "ready\nbye\n" {
		t.Errorf("artifact %+v", got)
	}
}

// TestStopIsFirmThen stops a process that does not listen, with children in the group, in groups of their own, and one
// that is suspended.
func TestStopIsFirmThen(t *testing.T) {
	t.Parallel()
	rt := open(t, tempDir(t))
	script := "trap '' TERM; set -m; (trap '' TERM; sleep 600; sleep 600) & sh -c 'kill -STOP $$' & set +m; sleep 600 & echo ready; wait; sleep 600"
	a := attempt("", shellParams("script", script, "interpreter", "bash", "kill_grace_seconds", int64(1)))
	started, stopped := steptest.NewRecorder(10*time.Second), steptest.NewRecorder(10*time.Second)
	rt.Start(t.Context(), a, started)
	eventually(t, "ready", func() bool { return strings.Contains(stdout(t, rt, a), "ready") })
	if n := len(alive(a.UUID)); n < 4 {
		t.Fatalf("%d processes, want at least 4", n)
	}
	from := time.Now()
	rt.Stop(t.Context(), a, stopped)
	stopped.Want(t, step.Stopped)
	if d := time.Since(from); d < 900*time.Millisecond {
		t.Errorf("stopped after %s, before the grace was over", d)
	}
	if left := alive(a.UUID); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	started.Want(t, step.Stopped)
}

// TestLeftBehind ends the main process while others go on: the step ends with it, and they end with the step.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script string
		least  time.Duration
		most   time.Duration
		out    string
		killed bool
	}{
		"holds stdout":     {"sleep 600 & echo end", drainTime, 8 * time.Second, "end\n", true},
		"own output":       {"sleep 600 >/dev/null 2>&1 & echo end", 0, 1500 * time.Millisecond, "end\n", true},
		"still writes":     {"exec > >(sleep 0.3; sed s/^/:/); echo end", 250 * time.Millisecond, 8 * time.Second, ":end\n", false},
		"left the session": {"setsid sleep 5 & echo end", 0, 1900 * time.Millisecond, "end\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := open(t, tempDir(t))
			a := attempt("", shellParams("script", c.script, "interpreter", "bash"))
			r := steptest.NewRecorder(10 * time.Second)
			from := time.Now()
			rt.Start(t.Context(), a, r)
			got := r.Want(t, step.Done)
			if d := time.Since(from); d < c.least || d > c.most {
				t.Errorf("took %s, want %s to %s", d, c.least, c.most)
			}
			if out := about(t, got).Stdout; out != c.out {
				t.Errorf("stdout %q, want %q", out, c.out)
			}
			if killed := strings.Contains(fmt.Sprint(got.Timeline), "left behind"); killed != c.killed {
				t.Errorf("timeline %+v, want a note: %v", got.Timeline, c.killed)
			}
			left := alive(a.UUID)
			if name != "left the session" && len(left) > 0 {
				t.Errorf("processes are left: %v", left)
			}
		})
	}
}

func TestDeadlineThatNobodyEnforced(t *testing.T) {
	t.Parallel()
	a := attempt("", shellParams("script", "sleep 600"))
	a.Deadline = time.Now().Add(300*time.Millisecond - lateness)
	r := steptest.NewRecorder(10 * time.Second)
	open(t, tempDir(t)).Start(t.Context(), a, r)
	r.Want(t, step.TimedOut)
}

// TestKilledSupervisor kills the supervisor: the process dies with it, and what is left is ended before the attempt is
// reported lost, so that the next attempt does not run beside it.
func TestKilledSupervisor(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	rt := open(t, dir)
	a := attempt("", shellParams("script", "echo some; echo output >&2; sleep 600 & echo ready; sleep 600"))
	r := steptest.NewRecorder(10 * time.Second)
	rt.Start(t.Context(), a, r)
	f := rt.folder(a)
	eventually(t, "ready", func() bool { // each stream is stored by somebody else
		return strings.Contains(stdout(t, rt, a), "ready") && lastOf(string(f), "stderr") == "output\n"
	})
	b, err := readRecord[birth](f, fileBegun)
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(b.Supervisor, syscall.SIGKILL)
	got := r.Want(t, step.PlatformError)
	if left := alive(a.UUID); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	if text := got.Timeline[0].Message; !strings.Contains(text, "supervisor") || !got.Begun {
		t.Errorf("timeline %q, begun %v", text, got.Begun)
	}
	if out := about(t, got); out.Stdout != "some\nready\n" || out.Stderr != "output\n" {
		t.Errorf("artifact %+v", out)
	}
	_, more, err := rt.ReadLog(t.Context(), a, "stdout", 0, 100)
	if more || err != nil {
		t.Errorf("more %v, err %v", more, err)
	}
}

func TestRestartedMachine(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	rt := open(t, dir)
	a := attempt("", shellParams("script", "true"))
	f := rt.folder(a)
	os.Mkdir(string(f), 0o700)
	f.begin(birth{Boot: "another", Supervisor: os.Getpid()})
	r := steptest.NewRecorder(10 * time.Second)
	rt.Start(t.Context(), a, r)
	if got := r.Want(t, step.PlatformError); !strings.Contains(got.Timeline[0].Message, "the machine was restarted") {
		t.Errorf("timeline %+v", got.Timeline)
	}
}

func TestOtherHost(t *testing.T) {
	t.Parallel()
	for host, reason := range map[string]string{"there": "ran on host there", "here": "directory"} {
		a := attempt("", shellParams("script", "true"))
		a.Again = true
		a.Artifacts = map[string][]byte{artifactKey: []byte(`{"host":"` + host + `","pid":1}`)}
		r := steptest.NewRecorder(10 * time.Second)
		rt := open(t, tempDir(t))
		rt.Start(t.Context(), a, r)
		if got := r.Want(t, step.PlatformError); !strings.Contains(got.Timeline[0].Message, reason) {
			t.Errorf("timeline %+v", got.Timeline)
		}
		r = steptest.NewRecorder(10 * time.Second)
		rt.Stop(t.Context(), a, r)
		if got := r.Want(t, step.Stopped); (len(got.Timeline) > 1) != (host == "there") {
			t.Errorf("timeline %+v", got.Timeline)
		}
	}
}

func TestBadDirectories(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	os.WriteFile(dir+"/data", nil, 0o600)
	if _, err := New(config(dir)); err == nil || !strings.Contains(err.Error(), dir+"/data") {
		t.Errorf("New in a file: %v", err)
	}
	os.Remove(dir + "/data")
	rt := open(t, dir)
	os.Remove(rt.attempts())
	os.WriteFile(rt.attempts(), nil, 0o600)
	a := attempt("", shellParams("script", "true"))
	r := steptest.NewRecorder(10 * time.Second)
	rt.Start(t.Context(), a, r)
	if got := r.Want(t, step.PlatformError); !strings.Contains(got.Timeline[0].Message, "make the directory of the attempt") {
		t.Errorf("timeline %+v", got.Timeline)
	}
	r = steptest.NewRecorder(10 * time.Second)
	rt.Stop(t.Context(), a, r)
	r.Want(t, step.Stopped)

	for uuid, want := range map[string]step.State{"": step.Internal, "..": step.Done, "a/b": step.Done, "-x": step.Done, strings.Repeat("x", 1000): step.Done} {
		r := steptest.NewRecorder(10 * time.Second)
		b := *a
		b.UUID = uuid
		open(t, tempDir(t)).Start(t.Context(), &b, r)
		r.Want(t, want)
	}
}

func TestNoSupervisor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		supervisor []string
		want       string
	}{
		"missing": {[]string{"/no/such/maestro"}, "start the supervisor /no/such/maestro"},
		"other":   {[]string{"/bin/true"}, "supervisor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(tempDir(t))
			cfg.Supervisor = c.supervisor
			r := steptest.NewRecorder(10 * time.Second)
			openWith(t, cfg).Start(t.Context(), attempt("", shellParams("script", "true")), r)
			if got := r.Want(t, step.PlatformError); !strings.Contains(got.Timeline[0].Message, c.want) || got.Begun {
				t.Errorf("begun %v, timeline %+v", got.Begun, got.Timeline)
			}
		})
	}
}

func TestBinaryOutput(t *testing.T) {
	t.Parallel()
	got := run(t, "script", `printf 'a\000b\377c'; head -c 100000 /dev/urandom >&2`)
	want(t, got, step.Done)
	a := about(t, got)
	if a.Stdout != "a\uFFFDb\uFFFDc" || !utf8.ValidString(a.Stderr) || len(a.Stderr) > 3*tailBytes {
		t.Errorf("stdout %q, %d bytes of stderr", a.Stdout, len(a.Stderr))
	}
}
