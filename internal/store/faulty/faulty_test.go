package faulty_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"maestro/internal/store"
	"maestro/internal/store/faulty"
	"maestro/internal/store/sqlite"
	"maestro/internal/store/storetest"
)

func open(t *testing.T) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestStore: without faults it is a store like the one it wraps.
func TestStore(t *testing.T) {
	t.Parallel()
	storetest.All(t, func(t *testing.T) store.Store { return faulty.New(open(t), nil) })
}

// TestFaults has the third write, after the claim and the insert, meet each fault, and looks at what is there then.
func TestFaults(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for _, c := range []struct {
		name    string
		fault   faulty.Fault
		want    error
		entries int
		after   error // of the next read through the store
	}{
		{"none", faulty.Fault{}, nil, 2, nil},
		{"fails", faulty.Fault{Err: boom}, boom, 1, nil},
		{"applied and fails", faulty.Fault{Err: boom, Apply: true}, boom, 2, nil},
		{"dies before", faulty.Fault{Die: true}, faulty.ErrDead, 1, faulty.ErrDead},
		{"dies after", faulty.Fault{Die: true, Apply: true}, faulty.ErrDead, 2, faulty.ErrDead},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			real := open(t)
			s := faulty.New(real, func(w faulty.Write) faulty.Fault {
				if w.N == 3 && w.Method == "Commit" && w.First().Seq == 2 {
					return c.fault
				}
				return faulty.Fault{}
			})
			leases, err := s.Claim(t.Context(), "node", 1, 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			r := store.Run{ID: 1, Workflow: 1, Instance: 1, Run: 1}
			first := store.Change{Epoch: leases[0].Epoch, Runs: []store.RunChange{{ID: 1, Insert: &r, Entry: []byte("1"), Seq: 1}}}
			second := store.Change{Epoch: leases[0].Epoch, Runs: []store.RunChange{{ID: 1, Entry: []byte("2"), Seq: 2}}}
			if errs := s.Commit(t.Context(), []store.Change{first}); errs[0] != nil {
				t.Fatal(errs[0])
			}

			got := s.Commit(t.Context(), []store.Change{second})[0]

			if !errors.Is(got, c.want) {
				t.Errorf("commit: got %v, want %v", got, c.want)
			}
			if _, _, err := s.Load(t.Context(), 1); !errors.Is(err, c.after) {
				t.Errorf("load: got %v, want %v", err, c.after)
			}
			_, entries, err := real.Load(t.Context(), 1)
			if err != nil || len(entries) != c.entries {
				t.Errorf("there are %d entries, want %d: %v", len(entries), c.entries, err)
			}
		})
	}
}

func TestDelayIsInTheBubblesTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := faulty.New(open(t), func(faulty.Write) faulty.Fault { return faulty.Fault{Delay: time.Minute} })
		start := time.Now()
		if _, err := s.Publish(t.Context(), 1, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != time.Minute {
			t.Errorf("took %v", d)
		}
	})
}
