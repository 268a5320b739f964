//go:build unix

package sqlite

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"maestro/internal/store"
)

// load makes changes as an engine under load does: a journal entry of 150 to 400 bytes each, and for every sixth one a
// new run with a header of 700 bytes, for another sixth an end of a run.
type load struct {
	rnd   *rand.Rand
	noise []byte
	epoch int64
	next  int64
	n     int
	live  []store.RunChange // the last change of each live run
}

func newLoad(epoch int64) *load {
	l := &load{rnd: rand.New(rand.NewPCG(1, 2)), noise: make([]byte, 4096), epoch: epoch, next: 1 << 44}
	for i := range l.noise {
		l.noise[i] = byte(l.rnd.Int())
	}
	return l
}

func (l *load) changes(n int) []store.Change {
	list := make([]store.Change, n)
	used := 0
	for i := range list {
		from := l.rnd.IntN(2000)
		ch := store.RunChange{Entry: l.noise[from : from+150+l.rnd.IntN(250)], At: 1764000000000 + int64(l.n)}
		l.n++
		if l.n%6 == 1 || used >= len(l.live) {
			l.next += 1 + int64(l.rnd.IntN(100))
			r := &store.Run{ID: store.RunID(l.next), Workflow: 10000, Instance: int64(l.n), Run: 1, Version: 1, Created: ch.At, Header: l.noise[:700], Status: 1}
			for k := range r.UUID {
				r.UUID[k] = byte(l.rnd.Int())
			}
			ch.ID, ch.Insert, ch.Seq = r.ID, r, 1
			l.live = append(l.live, ch)
		} else {
			k := used
			used++
			ch.ID, ch.Seq = l.live[k].ID, l.live[k].Seq+1
			if l.n%6 == 0 {
				ch.Update = &store.Update{Status: 5, Ended: ch.At}
				l.live[k] = l.live[len(l.live)-1]
				l.live = l.live[:len(l.live)-1]
			} else {
				l.live[k] = ch
			}
		}
		list[i] = store.Change{Epoch: l.epoch, Runs: []store.RunChange{ch}}
	}
	l.rnd.Shuffle(len(l.live), func(i, j int) { l.live[i], l.live[j] = l.live[j], l.live[i] })
	return list
}

func openBench(b *testing.B, opt Options) (*Store, *load) {
	b.Helper()
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), opt)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	leases, err := s.Claim(b.Context(), "bench", 1, 0, 1)
	if err != nil {
		b.Fatal(err)
	}
	return s, newLoad(leases[0].Epoch)
}

func commitAll(b *testing.B, s *Store, changes []store.Change) {
	for i, err := range s.Commit(b.Context(), changes) {
		if err != nil {
			b.Fatalf("change %d: %v", i, err)
		}
	}
}

// BenchmarkCommit measures commits of different sizes, durable and not. It reports rows and not commits per second, and
// what the slowest commits take.
func BenchmarkCommit(b *testing.B) {
	for _, noSync := range []bool{false, true} {
		for _, size := range []int{1, 10, 100, 1000} {
			b.Run(fmt.Sprintf("sync=%v/size=%d", !noSync, size), func(b *testing.B) {
				s, l := openBench(b, Options{NoSync: noSync})
				took := make([]time.Duration, 0, 1<<16)
				var cpu time.Duration
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					b.StopTimer()
					changes := l.changes(size)
					b.StartTimer()
					start, used := time.Now(), cpuTime()
					commitAll(b, s, changes)
					took = append(took, time.Since(start))
					cpu += cpuTime() - used
				}
				b.StopTimer()
				b.ReportMetric(float64(cpu.Nanoseconds())/1000/float64(size)/float64(b.N), "cpu-µs/row")
				report(b, took)
				b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
				b.ReportMetric(float64(s.Stats().Statements)/float64(l.n), "stmts/row")
			})
		}
	}
}

// BenchmarkChildren measures the launch of runs that have ended already, as many in one change, against a change for each.
func BenchmarkChildren(b *testing.B) {
	const children = 500
	for _, whole := range []bool{true, false} {
		b.Run(fmt.Sprintf("one=%v", whole), func(b *testing.B) {
			s, l := openBench(b, Options{NoSync: true})
			before := s.Stats().Statements
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				var changes []store.Change
				for range children {
					l.next++
					ch := store.RunChange{ID: store.RunID(l.next), Seq: 1, Entry: l.noise[:300]}
					ch.Insert = &store.Run{ID: ch.ID, Workflow: 10000, Instance: l.next, Run: 1, Header: l.noise[:700], Status: 7, Ended: 1}
					changes = append(changes, store.Change{Epoch: l.epoch, Runs: []store.RunChange{ch}})
				}
				if whole {
					for i := 1; i < children; i++ {
						changes[0].Runs = append(changes[0].Runs, changes[i].Runs...)
					}
					changes = changes[:1]
				}
				b.StartTimer()
				commitAll(b, s, changes)
			}
			b.ReportMetric(float64(s.Stats().Statements-before)/float64(b.N), "stmts/op")
		})
	}
}

// report adds percentiles.
func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	for _, p := range []struct {
		name string
		of   int
	}{{"p50-µs", 500}, {"p99-µs", 990}, {"p99.9-µs", 999}, {"max-µs", 1000}} {
		b.ReportMetric(float64(took[min(len(took)*p.of/1000, len(took)-1)].Microseconds()), p.name)
	}
}

// cpuTime returns how much time the process has spent on all cores, which tells more than the clock on a busy machine.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRead measures reads of a database of 20,000 changes, while nobody writes.
func BenchmarkRead(b *testing.B) {
	s, l := openBench(b, Options{NoSync: true})
	var ids []store.RunID
	for range 200 {
		changes := l.changes(100)
		for i, ch := range changes {
			if r := ch.Runs[0].Insert; r != nil {
				ids = append(ids, r.ID)
				r.Wake = int64(i + 1)
			}
		}
		commitAll(b, s, changes)
	}
	ctx := b.Context()
	read := func(name string, f func(i int) error) {
		b.Run(name, func(b *testing.B) {
			took := make([]time.Duration, 0, 1<<16)
			b.ReportAllocs()
			for i := range b.N {
				start := time.Now()
				if err := f(i); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			report(b, took)
		})
	}
	read("Load", func(i int) error {
		_, _, err := s.Load(ctx, ids[i*7919%len(ids)])
		return err
	})
	read("Due100", func(int) error {
		_, err := s.Due(ctx, 0, 50, 100)
		return err
	})
	read("Live100", func(i int) error {
		_, err := s.Live(ctx, 0, ids[i%len(ids)], 100)
		return err
	})
	read("List100", func(i int) error {
		_, err := s.List(ctx, store.RunQuery{Workflow: 10000, From: int64(i % 10000), Limit: 100, Latest: true})
		return err
	})
	read("After100", func(i int) error {
		_, err := s.After(ctx, int64(i*100%19000), 0, 100)
		return err
	})
	read("Counts", func(int) error {
		_, err := s.Counts(ctx, 10000)
		return err
	})
}
