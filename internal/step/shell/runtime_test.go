//go:build linux

package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"maestro/internal/step"
	"maestro/internal/step/steptest"
)

// TestQueue runs more attempts than may run at a time: they take turns in order, one of them is stopped while it
// waits, and one too many is refused.
func TestQueue(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	cfg := config(dir)
	cfg.MaxProcesses, cfg.MaxWaiting = 1, 3
	rt := openWith(t, cfg)
	began := filepath.Join(dir, "began")
	var all []*step.Attempt
	var recorders []*steptest.Recorder
	for i := range 5 {
		script := fmt.Sprintf("echo %d >> %s; while [ ! -e %s/%d ]; do sleep 0.01; done", i, began, dir, i)
		a := attempt("", shellParams("script", script))
		r := steptest.NewRecorder(10 * time.Second)
		rt.Start(t.Context(), a, r)
		all, recorders = append(all, a), append(recorders, r)
		if i == 0 {
			eventually(t, "the first begins", func() bool { return read(began) != "" })
		} else if i < 4 {
			eventually(t, "it waits", func() bool { return waiting(rt) == i })
		}
	}
	if got := recorders[4].Want(t, step.PlatformError); !strings.Contains(got.Timeline[0].Message, "1 shell steps run on this server and 3 wait") {
		t.Errorf("timeline %+v", got.Timeline)
	}
	stopped := steptest.NewRecorder(10 * time.Second)
	rt.Stop(t.Context(), all[1], stopped)
	stopped.Want(t, step.Stopped)
	recorders[1].Want(t, step.Stopped)
	for i := 3; i >= 0; i-- {
		os.WriteFile(fmt.Sprint(dir, "/", i), nil, 0o600)
	}
	for _, i := range []int{0, 2, 3} {
		recorders[i].Want(t, step.Done)
	}
	if got := read(began); got != "0\n2\n3\n" {
		t.Errorf("began in order %q", got)
	}
	eventually(t, "all slots free", func() bool {
		rt.slots.mu.Lock()
		defer rt.slots.mu.Unlock()
		return len(rt.slots.held) == 0
	})
}

func waiting(rt *Runtime) int {
	rt.slots.mu.Lock()
	defer rt.slots.mu.Unlock()
	return len(rt.slots.queue)
}

// TestFoundAgainNeverWaits finds more running processes than may run: all are found, and new ones wait.
func TestFoundAgainNeverWaits(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	one := open(t, dir)
	var all []*step.Attempt
	for range 3 {
		a := attempt("", shellParams("script", fmt.Sprintf("while [ ! -e %s/finish ]; do sleep 0.01; done", dir)))
		r := steptest.NewRecorder(10 * time.Second)
		one.Start(t.Context(), a, r)
		eventually(t, "it runs", func() bool { return len(r.All()) > 0 })
		all = append(all, a)
	}
	one.Close()
	cfg := config(dir)
	cfg.MaxProcesses = 1
	two := openWith(t, cfg)
	var recorders []*steptest.Recorder
	for _, a := range all {
		r := steptest.NewRecorder(10 * time.Second)
		two.Start(t.Context(), a, r)
		eventually(t, "it is found", func() bool { return len(r.All()) > 0 })
		recorders = append(recorders, r)
	}
	next := steptest.NewRecorder(10 * time.Second)
	two.Start(t.Context(), attempt("", shellParams("script", "true")), next)
	eventually(t, "it waits", func() bool { return waiting(two) == 1 })
	os.WriteFile(dir+"/finish", nil, 0o600)
	for _, r := range append(recorders, next) {
		r.Want(t, step.Done)
	}
}

// TestWaitsForAPlace says what an attempt waits for, and then that it runs.
func TestWaitsForAPlace(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	cfg := config(dir)
	cfg.MaxProcesses = 1
	rt := openWith(t, cfg)
	script := func(name string) *step.Attempt {
		return attempt("", shellParams("script", fmt.Sprintf("while [ ! -e %s/%s ]; do sleep 0.01; done", dir, name)))
	}
	one, two := steptest.NewRecorder(10*time.Second), steptest.NewRecorder(10*time.Second)
	rt.Start(t.Context(), script("one"), one)
	eventually(t, "the first runs", func() bool { return len(one.All()) > 0 })
	rt.Start(t.Context(), script("two"), two)
	eventually(t, "the second says that it waits", func() bool { return len(two.All()) == 1 })
	got := two.All()[0]
	if want := "one of 1 places of shell steps (shell.max_concurrent)"; got.State != step.Continue || got.Waits != want || got.Timeline[0].Message != "Waits for "+want {
		t.Errorf("it waits as %+v", got)
	}
	os.WriteFile(dir+"/one", nil, 0o600)
	one.Want(t, step.Done)
	eventually(t, "the second runs", func() bool { return len(two.All()) > 1 })
	if got := two.All()[1]; got.State == step.Continue && got.Waits != "" {
		t.Errorf("it runs as %+v", got)
	}
	os.WriteFile(dir+"/two", nil, 0o600)
	two.Want(t, step.Done)
	a := attempt("", shellParams("script", "true"))
	a.Deadline = time.UnixMilli(1000)
	cmd, err := decode(a.Params, &rt.cfg)
	if err != nil {
		t.Fatal(err)
	}
	todo, err := (&life{rt: rt, a: a, cmd: cmd, waited: time.Hour}).task()
	if want := a.Deadline.Add(time.Hour + lateness).UnixMilli(); err != nil || todo.Deadline != want {
		t.Errorf("its supervisor ends it at %d, want %d: %v", todo.Deadline, want, err)
	}
}

// TestOwnPanic has a bug of the runtime end one attempt and nothing else, and no process behind it.
func TestOwnPanic(t *testing.T) {
	t.Parallel()
	rt := open(t, tempDir(t))
	rt.at = func(point string) {
		if point == "told" {
			panic("bug")
		}
	}
	a := attempt("", shellParams("script", "sleep 600"))
	r := steptest.NewRecorder(10 * time.Second)
	rt.Start(t.Context(), a, r)
	if got := r.Want(t, step.PlatformError); !strings.Contains(got.Timeline[0].Message, "bug") {
		t.Errorf("timeline %+v", got.Timeline)
	}
	r = steptest.NewRecorder(10 * time.Second)
	rt.at = func(string) {}
	rt.Stop(t.Context(), a, r)
	r.Want(t, step.Stopped)
}

// TestCleanUp removes what ended before the TTL, whole, and nothing else.
func TestCleanUp(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	rt := open(t, dir)
	old := attempt("old", shellParams("script", "mkdir -p d/e; touch d/e/f; chmod 500 d/e d"))
	fresh := attempt("fresh", shellParams("script", "true"))
	running := attempt("running", shellParams("script", fmt.Sprintf("while [ ! -e %s/finish ]; do sleep 0.01; done", dir)))
	var last *steptest.Recorder
	for _, a := range []*step.Attempt{old, fresh, running} {
		last = steptest.NewRecorder(10 * time.Second)
		rt.Start(t.Context(), a, last)
		if a != running {
			last.Want(t, step.Done)
		}
	}
	eventually(t, "it runs", func() bool { return len(last.All()) > 0 })
	eventually(t, "nobody cares for the others", func() bool { return !rt.cares(old.Identity()) && !rt.cares(fresh.Identity()) })
	os.Mkdir(filepath.Join(rt.attempts(), "unborn"), 0o700)
	os.MkdirAll(filepath.Join(rt.trash(), "half", "work"), 0o700)
	past := time.Now().Add(-time.Hour)
	os.Mkdir(filepath.Join(rt.attempts(), "waiting"), 0o700) // for its turn, for very long
	rt.active["waiting"] = 1
	os.WriteFile(filepath.Join(rt.attempts(), "removed.ending"), nil, 0o600)
	os.WriteFile(filepath.Join(rt.attempts(), "lately.ending"), nil, 0o600)
	for _, name := range []string{old.Identity() + "/ending", "unborn", running.Identity(), "waiting", "removed.ending"} {
		if err := os.Chtimes(filepath.Join(rt.attempts(), name), past, past); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		rt   *Runtime
		want []string
	}{
		{rt, []string{fresh.Identity(), running.Identity(), "waiting", "lately.ending"}},
		{open(t, dir), []string{fresh.Identity(), running.Identity(), "lately.ending"}}, // it does not care for the running attempt, and leaves it alone all the same
	} {
		if err := c.rt.cleanUp(t.Context(), past.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		slices.Sort(c.want)
		if got := names(rt.attempts()); got != strings.Join(c.want, " ") {
			t.Errorf("%q are left, want %q", got, c.want)
		}
	}
	if got := names(rt.trash()); got != "" {
		t.Errorf("%q is left in the trash", got)
	}
	// An attempt whose directory is gone does not begin again.
	again := *old
	again.Artifacts = map[string][]byte{artifactKey: []byte(`{"host":"here"}`)}
	r := steptest.NewRecorder(10 * time.Second)
	rt.Start(t.Context(), &again, r)
	r.Want(t, step.PlatformError)
	os.WriteFile(dir+"/finish", nil, 0o600)
	last.Want(t, step.Done)
}

func names(dir string) string {
	entries, _ := os.ReadDir(dir)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

// TestFullDisk fills the disk while the process writes its log: the process goes on, and its end is known.
func TestFullDisk(t *testing.T) {
	dir := tempDir(t)
	if syscall.Mount("none", dir, "tmpfs", 0, "size=1m") != nil {
		t.Skip("no small disk can be mounted here")
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
	rt := open(t, dir)
	t.Cleanup(rt.Close)
	r := steptest.NewRecorder(10 * time.Second)
	rt.Start(t.Context(), attempt("", shellParams("script", "yes | head -c 5000000; cat /dev/zero > big; echo end")), r)
	got := r.Final(t)
	want(t, got, step.Done)
	if text := fmt.Sprint(got.Timeline); !strings.Contains(text, "no space left") {
		t.Errorf("timeline %s", text)
	}
	if a := about(t, got); a.Exit == nil || a.Pid == 0 {
		t.Errorf("artifact %+v", a)
	}
	// And with nothing left, an attempt fails so that it is tried again later.
	r = steptest.NewRecorder(20 * time.Second)
	os.WriteFile(dir+"/fill", make([]byte, 4<<20), 0o600)
	rt.Start(t.Context(), attempt("", shellParams("script", "true")), r)
	if got := r.Want(t, step.PlatformError); !strings.Contains(fmt.Sprint(got.Timeline), "no space left") {
		t.Errorf("timeline %+v", got.Timeline)
	}
}

// TestNothingLeaks runs alone: after many attempts there are no more files, zombies or goroutines than before.
func TestNothingLeaks(t *testing.T) {
	dir := tempDir(t)
	rt := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	goroutines, files := runtime.NumGoroutine(), countFiles()
	for i := range 12 {
		script := []string{"true", "exit 3", "sleep 600 & sleep 600", "sleep 0.1"}[i%4]
		a := attempt("", shellParams("script", script))
		r := steptest.NewRecorder(10 * time.Second)
		rt.Start(ctx, a, r)
		if i%4 == 2 {
			rt.Stop(ctx, a, r)
		}
		r.Final(t)
	}
	held := attempt("", shellParams("script", "sleep 0.3"))
	r := steptest.NewRecorder(10 * time.Second)
	rt.Start(ctx, held, r)
	eventually(t, "it runs", func() bool { return len(r.All()) > 0 })
	cancel() // lets go of it: its supervisor is a child that only the next to find it can take leave of
	eventually(t, "files and goroutines are given back", func() bool {
		return runtime.NumGoroutine() <= goroutines && countFiles() <= files
	})
	r = steptest.NewRecorder(10 * time.Second)
	rt.Start(t.Context(), held, r)
	r.Want(t, step.Done)
	eventually(t, "no child is left", func() bool { return len(children()) == 0 })
	eventually(t, "files and goroutines are given back", func() bool {
		return runtime.NumGoroutine() <= goroutines && countFiles() <= files
	})
}

func countFiles() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

// children returns the children of this process, zombies among them.
func children() (out []string) {
	entries, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, e := range entries {
		text := read(e)
		f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(f) > 1 && f[1] == fmt.Sprint(os.Getpid()) {
			out = append(out, text)
		}
	}
	return out
}

func TestClosedRuntimeDoesNothing(t *testing.T) {
	t.Parallel()
	rt := open(t, tempDir(t))
	rt.Close()
	rt.Close()
	r := steptest.NewRecorder(10 * time.Second)
	rt.Start(t.Context(), attempt("", shellParams("script", "true")), r)
	rt.Stop(t.Context(), attempt("", shellParams("script", "true")), r)
	if len(r.All()) > 0 {
		t.Errorf("reports %+v", r.All())
	}
}

func TestSlots(t *testing.T) {
	t.Parallel()
	s := &slots{max: 1, maxWaiting: 1, held: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	if err := errors.Join(s.acquire(ctx, "a", false), s.acquire(ctx, "a", false), s.acquire(ctx, "b", true)); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error)
	go func() { waited <- s.acquire(ctx, "c", false) }()
	eventually(t, "it waits", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.queue) == 1 })
	if err := s.acquire(ctx, "d", false); err == nil {
		t.Error("more wait than may")
	}
	cancel()
	if err := <-waited; !errors.Is(err, context.Canceled) {
		t.Errorf("waited for a slot: %v", err)
	}
	for _, uuid := range []string{"a", "b", "a"} {
		s.release(uuid)
	}
	if len(s.held) != 0 || len(s.queue) != 0 {
		t.Errorf("%v are held, %d wait", s.held, len(s.queue))
	}
}
