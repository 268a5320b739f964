//go:build linux

package shell

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"maestro/internal/step"
	"maestro/internal/step/steptest"
)

func stdout(t *testing.T, rt *Runtime, a *step.Attempt) string {
	t.Helper()
	data, _, err := rt.ReadLog(t.Context(), a, "stdout", 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestFollow reads a log while it grows, as `maestro logs -f` does, from another runtime.
func TestFollow(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	rt, other := open(t, dir), open(t, dir)
	a := attempt("", shellParams("script", "for i in 1 2 3 4 5; do echo line $i; sleep 0.03; done; printf end"))
	r := steptest.NewRecorder(10 * time.Second)
	rt.Start(t.Context(), a, r)
	var got []byte
	eventually(t, "first bytes", func() bool {
		got, _, _ = other.ReadLog(t.Context(), a, "stdout", 0, 3)
		return len(got) == 3
	})
	for more, pieces := true, 0; more; pieces++ {
		var data []byte
		var err error
		if data, more, err = other.ReadLog(t.Context(), a, "stdout", int64(len(got)), 4); err != nil {
			t.Fatal(err)
		}
		got = append(got, data...)
		if len(data) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	if want := "line 1\nline 2\nline 3\nline 4\nline 5\nend"; string(got) != want {
		t.Errorf("followed %q, want %q", got, want)
	}
	r.Want(t, step.Done)
	streams, err := rt.LogStreams(t.Context(), a)
	if want := []step.Log{{Name: "stdout", Size: 38}, {Name: "stderr"}}; err != nil || fmt.Sprint(streams) != fmt.Sprint(want) {
		t.Errorf("streams %v (%v), want %v", streams, err, want)
	}
	if _, _, err := rt.ReadLog(t.Context(), a, "../begun", 0, 10); err == nil {
		t.Error("a stream of any name can be read")
	}
	if data, more, err := rt.ReadLog(t.Context(), a, "stdout", 1000, 10); len(data) > 0 || more || err != nil {
		t.Errorf("beyond the end: %q, more %v, err %v", data, more, err)
	}
	if data, more, err := rt.ReadLog(t.Context(), attempt("", nil), "stdout", 0, 10); len(data) > 0 || more || err != nil {
		t.Errorf("of an attempt that never began: %q, more %v, err %v", data, more, err)
	}
}

// TestEnormousOutput writes much more than is kept: the process is not held up, storage is bounded, the end is there.
func TestEnormousOutput(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	rt := open(t, dir)
	const limit = 1 << 20
	a := attempt("", shellParams("script", "yes 0123456789 | head -c 50000000; echo THE END", "max_output_bytes", int64(limit)))
	r := steptest.NewRecorder(20 * time.Second)
	most := int64(0)
	rt.Start(t.Context(), a, r)
	for !r.Ended() {
		most = max(most, stored(t, rt, a))
		time.Sleep(5 * time.Millisecond)
	}
	got := r.Want(t, step.Done)
	if out := about(t, got).Stdout; !strings.HasSuffix(out, "THE END\n") || len(out) > tailBytes {
		t.Errorf("stdout_tail has %d bytes and ends with %q", len(out), out[len(out)-20:])
	}
	if most = max(most, stored(t, rt, a)); most > limit*5/4 {
		t.Errorf("%d bytes were stored", most)
	}
	logs, err := rt.LogStreams(t.Context(), a)
	if err != nil || logs[0].Size != 50000008 || logs[0].Size-logs[0].Start < limit {
		t.Fatalf("streams %+v, %v", logs, err)
	}
	_, _, err = rt.ReadLog(t.Context(), a, "stdout", 10, 10)
	if gap, ok := errors.AsType[*step.DroppedError](err); !ok || gap.Next != logs[0].Start {
		t.Errorf("at 10: %v, want to be told that it is kept from %d on", err, logs[0].Start)
	}
	data, more, err := rt.ReadLog(t.Context(), a, "stdout", logs[0].Start, 3*minSegment)
	if err != nil || !more || len(data) != 3*minSegment || string(data[:22]) != strings.Repeat("0123456789\n", 4)[logs[0].Start%11:][:22] {
		t.Errorf("from the start: %d bytes %q, more %v, err %v", len(data), data[:22], more, err)
	}
}

// TestDamagedLog reads a log from which files were taken away, and into which others were put.
func TestDamagedLog(t *testing.T) {
	t.Parallel()
	rt := open(t, tempDir(t))
	a := attempt("", shellParams("script", "head -c 300000 /dev/zero | tr '\\0' x; echo no >&2"))
	r := steptest.NewRecorder(10 * time.Second)
	rt.Start(t.Context(), a, r)
	r.Want(t, step.Done)
	a.Artifacts = r.Artifacts()
	dir := string(rt.folder(a))
	parts, err := segments(dir, "stdout")
	if err != nil || len(parts) < 1 {
		t.Fatal(parts, err)
	}
	// Three files of 100 bytes, of which the second is missing, and a fifo in the place of another stream's first.
	os.Remove(segmentPath(dir, "stdout", 0))
	for _, at := range []int64{0, 200} {
		os.WriteFile(segmentPath(dir, "stdout", at), bytes.Repeat([]byte("y"), 100), 0o600)
	}
	os.Remove(segmentPath(dir, "stderr", 0))
	if err := syscall.Mkfifo(segmentPath(dir, "stderr", 0), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(stream string, at int64) string {
		data, more, err := rt.ReadLog(t.Context(), a, stream, at, 1000)
		if gap, ok := errors.AsType[*step.DroppedError](err); ok {
			return fmt.Sprint("goes on at ", gap.Next)
		}
		if errors.Is(err, step.ErrLogGone) {
			return "gone"
		}
		return fmt.Sprint(len(data), more, err)
	}
	for at, want := range map[int64]string{0: "100 true <nil>", 50: "50 true <nil>", 100: "goes on at 200", 199: "goes on at 200", 200: "100 false <nil>", 300: "0 false <nil>"} {
		if got := read("stdout", at); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
	if got := read("stderr", 0); got != "gone" {
		t.Errorf("a fifo: %s", got)
	}
	os.RemoveAll(dir)
	eventually(t, "nobody cares for it", func() bool { return !rt.cares(a.Identity()) })
	for _, at := range []int64{0, 100} {
		if got := read("stdout", at); got != "gone" {
			t.Errorf("at %d of a log that was removed: %s", at, got)
		}
	}
}

// stored returns how many bytes are on the disk. A file that comes or goes while they are counted would count beside the
// one that it replaces, so it is done again then.
func stored(t *testing.T, rt *Runtime, a *step.Attempt) (n int64) {
	t.Helper()
	list := func() (at []int64, size int64) {
		parts, err := segments(string(rt.folder(a)), "stdout")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range parts {
			at, size = append(at, s.at), size+s.size
		}
		return at, size
	}
	for {
		before, n := list()
		if after, _ := list(); slices.Equal(before, after) {
			return n
		}
	}
}

// TestLogThatCannotBeStored goes on without the log, and says so.
func TestLogThatCannotBeStored(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	rt := open(t, dir)
	a := attempt("", shellParams("script", "yes | head -c 3000000; echo end"))
	os.Mkdir(string(rt.folder(a)), 0o700)
	os.Mkdir(segmentPath(string(rt.folder(a)), "stdout", 0), 0o700)
	r := steptest.NewRecorder(10 * time.Second)
	rt.Start(t.Context(), a, r)
	got := r.Want(t, step.Done)
	if !strings.HasSuffix(about(t, got).Stdout, "y\nend\n") || !strings.Contains(fmt.Sprint(got.Timeline), "log is not complete: store stdout") {
		t.Errorf("timeline %+v", got.Timeline)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	tl := tail{max: 10}
	tl.Write([]byte("äöü"))
	if got := tl.String(); got != "äöü" {
		t.Errorf("%q", got)
	}
	tl.Write(bytes.Repeat([]byte("€"), 3)) // 9 bytes: the last byte of ü stays, and is no character
	if got := tl.String(); got != "€€€" {
		t.Errorf("%q", got)
	}
}
