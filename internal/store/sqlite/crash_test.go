package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// crashEnv tells the test binary to be the process that is killed, and on which database.
const crashEnv = "MAESTRO_CRASH_DB"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		if err := commitForever(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if sql := os.Getenv(holdEnv); sql != "" {
		if err := hold(os.Args[len(os.Args)-1], sql); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// twin is how far the two runs of a change are apart.
const twin = 1000

// commitForever goes on where the database ends, adds entries to a few pairs of runs, a few per commit, and prints the
// first one's run and number once it is committed.
func commitForever(path string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	leases, err := s.Claim(ctx, "child", 1, 1, 1)
	if err != nil {
		return err
	}
	const runs = 5
	var seq [runs + 1]int64
	for n := int64(1); n <= runs; n++ {
		_, entries, err := s.Load(ctx, store.RunID(n))
		if err == nil {
			seq[n] = int64(len(entries))
		}
	}
	out := bufio.NewWriter(os.Stdout)
	for {
		var changes []store.Change
		for n := int64(1); n <= runs; n++ {
			ch := store.Change{Epoch: leases[0].Epoch}
			for _, id := range []int64{n, n + twin} {
				part := store.RunChange{ID: store.RunID(id), Seq: seq[n] + 1, Entry: make([]byte, 2000)}
				if part.Seq == 1 {
					part.Insert = &store.Run{ID: part.ID, Workflow: 10_000, Instance: id, Run: 1}
				}
				ch.Runs = append(ch.Runs, part)
			}
			ch.Records = []store.Record{{Kind: "seq", Key: strconv.FormatInt(n, 10), Value: strconv.AppendInt(nil, seq[n]+1, 10)}}
			changes = append(changes, ch)
		}
		for i, err := range s.Commit(ctx, changes) {
			if err != nil {
				return fmt.Errorf("commit: %w", err)
			}
			seq[i+1]++
			fmt.Fprintln(out, i+1, seq[i+1])
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

// TestKilledProcess kills a process that commits, again and again, at some moment, and looks each time whether
// everything that it reported as committed is there, and nothing in part. The store is opened with full sync, but what
// a kill can show is what happens to the process, not to the machine.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	acked := map[int64]int64{}
	for range 10 {
		killOnce(t, path, acked)
		checkAcked(t, path, acked)
	}
	if acked[1] == 0 {
		t.Error("nothing was ever committed")
	}
}

// killOnce starts a process, kills it, and writes down what it reported.
func killOnce(t *testing.T, path string, acked map[int64]int64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	alive := lines.Scan() // the first line: it is at work
	time.AfterFunc(time.Duration(rand.IntN(150_000))*time.Microsecond, func() { cmd.Process.Kill() })
	for ok := alive; ok; ok = lines.Scan() {
		run, seq, _ := strings.Cut(lines.Text(), " ")
		r, err1 := strconv.ParseInt(run, 10, 64)
		n, err2 := strconv.ParseInt(seq, 10, 64)
		if err1 == nil && err2 == nil { // the last line may be cut short
			acked[r] = max(acked[r], n)
		}
	}
	cmd.Wait()
	if stderr.Len() > 0 {
		t.Fatalf("child: %s", stderr.String())
	}
}

// checkAcked opens the database and compares it with what was reported.
func checkAcked(t *testing.T, path string, acked map[int64]int64) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for n, want := range acked {
		_, entries, err := s.Load(t.Context(), store.RunID(n))
		if err != nil || int64(len(entries)) < want {
			t.Errorf("run %d: %d entries, %d were reported: %v", n, len(entries), want, err)
		}
		if r, err := s.Row(t.Context(), store.RunID(n+twin)); err != nil || r.Entries != int64(len(entries)) {
			t.Errorf("run %d has %d entries, the other run of its changes %+v: %v", n, len(entries), r, err)
		}
		value, err := s.Record(t.Context(), "seq", strconv.FormatInt(n, 10))
		if err != nil || string(value) != strconv.Itoa(len(entries)) {
			t.Errorf("run %d: %d entries, but the record of the last says %s: %v", n, len(entries), value, err)
		}
	}
}
