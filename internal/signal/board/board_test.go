package board_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"maestro/api"
	"maestro/internal/engine/enginetest"
	"maestro/internal/signal"
	"maestro/internal/signal/board"
	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// rig is a board over a store in memory.
type rig struct {
	*board.Board
	store *enginetest.Memory

	mu     sync.Mutex
	woken  map[board.Waiter][]int64
	heard  []int64
	commit func() error // asked before records are written
	lie    func() error // asked afterwards
}

func newRig(t testing.TB, s *enginetest.Memory) *rig {
	t.Helper()
	if s == nil {
		s = enginetest.NewMemory()
	}
	r := &rig{store: s, woken: make(map[board.Waiter][]int64)}
	r.Board = board.New(board.Config{Reader: s, Commit: r.write, Wake: r.wake})
	r.Listen(func(i *signal.Instance) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.heard = append(r.heard, i.Seq)
	})
	t.Cleanup(r.Close)
	return r
}

func (r *rig) write(_ string, records []store.Record, _ int64) error {
	if r.commit != nil {
		if err := r.commit(); err != nil {
			return err
		}
	}
	if err := r.store.PutRecords(context.Background(), records...); err != nil {
		return err
	}
	if r.lie != nil {
		return r.lie()
	}
	return nil
}

func (r *rig) wake(w board.Waiter, i *signal.Instance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.woken[w] = append(r.woken[w], i.Seq)
}

func (r *rig) wokenBy(w board.Waiter) []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.woken[w])
}

func params(pairs ...any) (p signal.Params) {
	for i := 0; i < len(pairs); i += 2 {
		v, ok := pairs[i+1].(string)
		value := signal.Text(v)
		if !ok {
			value = signal.Long(int64(pairs[i+1].(int)))
		}
		p = append(p, signal.Param{Name: pairs[i].(string), Value: value})
	}
	return p
}

func (r *rig) announce(t testing.TB, name string, p signal.Params) *signal.Instance {
	t.Helper()
	i, err := r.Announce(t.Context(), &signal.Announcement{Name: name, Params: p})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func waiter(n int) board.Waiter { return board.Waiter{Run: store.RunID(n), Attempt: 1} }

func TestNumbersAndDuplicates(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for n := range int64(70) { // more than the distance between two notes of the highest number
		if i := r.announce(t, "s", params("n", int(n))); i.Seq != n+1 {
			t.Fatalf("got number %d want %d", i.Seq, n+1)
		}
	}
	if i := r.announce(t, "other/name", nil); i.Seq != 1 {
		t.Errorf("got number %d want 1: numbers are per name", i.Seq)
	}
	i, err := r.Announce(t.Context(), &signal.Announcement{Name: "s", Params: params("n", 3), Payload: []byte(`{"k":1}`)})
	if !errors.Is(err, api.Conflict) || i.Seq != 0 {
		t.Errorf("got %v, %v", i, err)
	}
	if i, err := r.Announce(t.Context(), &signal.Announcement{Name: "s", ID: "r", Params: params("n", 3)}); err != nil || i.Seq != 71 {
		t.Errorf("another request id: got %v, %v", i, err)
	}
	latest, err := r.Latest(t.Context(), "s")
	if err != nil || latest.Seq != 71 || latest.ID != "r" {
		t.Errorf("got %v, %v", latest, err)
	}
	for _, seq := range []int64{0, -1, 72} {
		if i, err := r.Instance(t.Context(), "s", seq); i != nil || err != nil {
			t.Errorf("number %d: got %v, %v", seq, i, err)
		}
	}
	// Another board, as after a restart, goes on.
	again := newRig(t, r.store)
	if i := again.announce(t, "s", params("n", 1000)); i.Seq != 72 {
		t.Errorf("got number %d want 72", i.Seq)
	}
}

// TestConcurrentAnnouncements holds that numbers are distinct and without gaps, and that of equal announcements one wins.
func TestConcurrentAnnouncements(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	const writers, each = 16, 60
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := make(map[int64]bool)
	refused := 0
	for range writers {
		wg.Go(func() {
			for n := range each {
				i, err := r.Announce(t.Context(), &signal.Announcement{Name: "s", Params: params("n", n)})
				mu.Lock()
				if err == nil && !seen[i.Seq] {
					seen[i.Seq] = true
				} else if errors.Is(err, api.Conflict) {
					refused++
				} else {
					t.Errorf("got %v, %v", i, err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != each || refused != (writers-1)*each {
		t.Errorf("%d announced and %d refused, want %d and %d", len(seen), refused, each, (writers-1)*each)
	}
	for n := range int64(each) {
		if !seen[n+1] {
			t.Errorf("nobody has number %d", n+1)
		}
	}
}

// TestReserveInOneSet holds that announcements made together get numbers in their order, and equal ones just one.
func TestReserveInOneSet(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	list := []*signal.Announcement{
		{Name: "z", Params: params("p", 2)}, {Name: "a"}, {Name: "z", Params: params("p", 1)}, {Name: "z", Params: params("p", 2)},
	}
	res, err := r.Reserve(t.Context(), list, 5)
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, i := range res.Instances {
		got = append(got, i.Seq)
	}
	if want := []int64{1, 1, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("got numbers %v want %v", got, want)
	}
	if err := r.store.PutRecords(t.Context(), res.Records()...); err != nil {
		t.Fatal(err)
	}
	res.Settle(nil)
	if i, _ := r.Latest(t.Context(), "z"); i.Seq != 2 || i.Params[0].Value.Long != 1 {
		t.Errorf("got %v", i)
	}
}

// TestFailedCommits holds that a number whose transaction failed is given out again, and that after one of unknown fate
// the store is asked.
func TestFailedCommits(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.commit = func() error { return store.ErrStale }
	if _, err := r.Announce(t.Context(), &signal.Announcement{Name: "s"}); !errors.Is(err, store.ErrStale) {
		t.Fatalf("got %v", err)
	}
	r.commit = func() error { return errors.New("disk on fire") }
	if _, err := r.Announce(t.Context(), &signal.Announcement{Name: "s"}); err == nil {
		t.Fatal("got no error")
	}
	r.commit = nil
	if i, err := r.Announce(t.Context(), &signal.Announcement{Name: "s"}); err != nil || i.Seq < 1 || i.Seq > 2 {
		t.Fatalf("got %v, %v", i, err)
	}
	w := waiter(1)
	r.Await(w, &signal.Dependency{Name: "s", Match: signal.Matches{{Param: "n", Value: signal.Long(1)}}})
	r.lie = func() error { return errors.New("connection lost") } // but it was written
	if _, err := r.Announce(t.Context(), &signal.Announcement{Name: "s", Params: params("n", 1)}); err == nil {
		t.Fatal("got no error")
	}
	r.lie = nil
	for len(r.wokenBy(w)) == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := r.Announce(t.Context(), &signal.Announcement{Name: "s", Params: params("n", 1)}); !errors.Is(err, api.Conflict) {
		t.Errorf("got %v", err)
	}
}

// TestHeardInOrder holds that the listener is told of instances in the order of their numbers, whatever the order in which
// they become durable, and that one that failed holds up nobody.
func TestHeardInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	if _, err := r.Subscribe(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	var all []*board.Reservation
	for n := range 4 {
		res, err := r.Reserve(t.Context(), []*signal.Announcement{{Name: "s", Params: params("n", n)}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, res)
	}
	write := func(n int) {
		if err := r.store.PutRecords(t.Context(), all[n].Records()...); err != nil {
			t.Fatal(err)
		}
		all[n].Settle(nil)
	}
	write(3)
	write(1)
	if len(r.heard) != 0 {
		t.Errorf("heard %v before number 1 is settled", r.heard)
	}
	if i, err := r.Oldest(t.Context(), "s", 0, nil); i != nil || err != nil {
		t.Errorf("got %v, %v before number 1 is settled", i, err)
	}
	write(0)
	if i, err := r.Oldest(t.Context(), "s", 2, nil); i != nil || err != nil {
		t.Errorf("got %v, %v before number 3 is settled", i, err)
	}
	all[2].Settle(store.ErrStale)
	if want := []int64{1, 2, 4}; !slices.Equal(r.heard, want) {
		t.Errorf("heard %v want %v", r.heard, want)
	}
	if i, err := r.Oldest(t.Context(), "s", 2, nil); err != nil || i == nil || i.Seq != 4 {
		t.Errorf("got %v, %v", i, err)
	}
	news, err := r.store.Scan(t.Context(), board.KindNews, "", "", 10)
	if err != nil || len(news) != 3 {
		t.Errorf("%d notes, want 3", len(news))
	}
}

// TestWait holds that a waiter is woken once: by the newest instance there is, or else by the first that comes.
func TestWait(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for n := range 300 {
		r.announce(t, "s", params("n", n, "k", n%3))
	}
	for _, tt := range []struct {
		match signal.Matches
		want  int64
	}{
		{nil, 300},
		{signal.Matches{{Param: "k", Value: signal.Long(1)}}, 299},
		{signal.Matches{{Param: "n", Op: signal.Less, Value: signal.Long(10)}}, 10},
		{signal.Matches{{Param: "n", Op: signal.LessOrEqual, Value: signal.Long(10)}, {Param: "k", Value: signal.Long(0)}}, 10},
		{signal.Matches{{Param: "n", Op: signal.Greater, Value: signal.Long(298)}}, 300},
		{signal.Matches{{Param: "n", Op: signal.Greater, Value: signal.Long(299)}}, 0},
		{signal.Matches{{Param: "n", Op: signal.Less, Value: signal.Text("z")}}, 0},
		{signal.Matches{{Param: "k", Value: signal.Long(5)}}, 0},
	} {
		w := waiter(int(tt.want) + 1000)
		r.Await(w, &signal.Dependency{Name: "s", Match: tt.match})
		got := r.wokenBy(w)
		if tt.want == 0 && len(got) > 0 || tt.want != 0 && !slices.Equal(got, []int64{tt.want}) {
			t.Errorf("%v: woken by %v want %d", tt.match, got, tt.want)
		}
		r.Forget(w)
		clear(r.woken)
	}
	w := waiter(1)
	d := &signal.Dependency{Name: "later", Match: signal.Matches{{Param: "n", Op: signal.GreaterOrEqual, Value: signal.Long(5)}}}
	r.Await(w, d)
	r.Await(w, d)
	if r.Waiting() != 1 {
		t.Errorf("%d wait, want 1: registering twice is registering once", r.Waiting())
	}
	r.announce(t, "later", params("n", 4))
	r.announce(t, "later", params("n", 5))
	r.announce(t, "later", params("n", 6))
	if got := r.wokenBy(w); !slices.Equal(got, []int64{2}) {
		t.Errorf("woken by %v want 2, once", got)
	}
	r.Await(waiter(2), &signal.Dependency{Name: "never"})
	r.Forget(waiter(2))
	r.announce(t, "never", nil)
	if got := r.wokenBy(waiter(2)); len(got) > 0 {
		t.Errorf("woken by %v although forgotten", got)
	}
}

// TestLongLookUp holds that a name with many instances is looked through in the background.
func TestLongLookUp(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "b.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	woken := make(chan int64, 1)
	b := board.New(board.Config{Reader: s, Wake: func(_ board.Waiter, i *signal.Instance) { woken <- i.Seq }})
	defer b.Close()
	var list []*signal.Announcement
	for n := range 3000 {
		list = append(list, &signal.Announcement{Name: "s", Params: params("n", n, "k", 1)})
	}
	res, err := b.Reserve(t.Context(), list, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutRecords(t.Context(), res.Records()...); err != nil {
		t.Fatal(err)
	}
	res.Settle(nil)
	for n, m := range map[int64]signal.Matches{
		3000: {{Param: "k", Value: signal.Long(1)}},
		12:   {{Param: "k", Value: signal.Long(1)}, {Param: "n", Op: signal.LessOrEqual, Value: signal.Long(11)}},
	} {
		b.Await(waiter(int(n)), &signal.Dependency{Name: "s", Match: m})
		if got := <-woken; got != n {
			t.Errorf("%v: woken by %d want %d", m, got, n)
		}
	}
}

// TestLookUpEqualsScan holds that what the store's index gives is what looking at every instance gives.
func TestLookUpEqualsScan(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 9))
		r := newRig(t, nil)
		var all []*signal.Instance
		for n := range 400 {
			p := params("u", n, "k", rng.IntN(4))
			switch rng.IntN(3) {
			case 0:
				p = append(p, params("x", rng.IntN(60)-30)...)
			case 1:
				p = append(p, params("x", string(rune('a'+rng.IntN(5))))...)
			}
			all = append(all, r.announce(t, "s", p))
		}
		for range 300 {
			var m signal.Matches
			if rng.IntN(2) == 0 {
				m = append(m, signal.Match{Param: "k", Value: signal.Long(int64(rng.IntN(5)))})
			}
			if rng.IntN(3) > 0 {
				v := signal.Long(int64(rng.IntN(70) - 35))
				if rng.IntN(3) == 0 {
					v = signal.Text(string(rune('a' + rng.IntN(6))))
				}
				m = append(m, signal.Match{Param: "x", Op: signal.Op(rng.IntN(5)), Value: v})
			}
			after := int64(rng.IntN(420))
			var oldest, newest int64
			for _, i := range all {
				if m.Hold(i.Params) {
					newest = i.Seq
					if oldest == 0 && i.Seq > after {
						oldest = i.Seq
					}
				}
			}
			i, err := r.Oldest(t.Context(), "s", after, m)
			if err != nil || (i == nil) != (oldest == 0) || i != nil && i.Seq != oldest {
				t.Fatalf("seed %d: oldest above %d of %v: got %v, %v want %d", seed, after, m, i, err, oldest)
			}
			w := waiter(1)
			r.Await(w, &signal.Dependency{Name: "s", Match: m})
			var want []int64
			if newest != 0 {
				want = []int64{newest}
			}
			if got := r.wokenBy(w); !slices.Equal(got, want) {
				t.Fatalf("seed %d: newest of %v: got %v want %v", seed, m, got, want)
			}
			r.Forget(w)
			clear(r.woken)
		}
	}
}

// TestAnnounceWhileRegistering holds that nobody falls between the look-up and the arrival.
func TestAnnounceWhileRegistering(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	const n = 400
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range n {
			if _, err := r.Announce(t.Context(), &signal.Announcement{Name: fmt.Sprint("s", i%7), Params: params("n", i)}); err != nil {
				t.Error(err)
			}
		}
	})
	for part := range 4 {
		wg.Go(func() {
			for i := part; i < n; i += 4 {
				r.Await(waiter(i), &signal.Dependency{Name: fmt.Sprint("s", i%7), Match: signal.Matches{{Param: "n", Value: signal.Long(int64(i))}}})
			}
		})
	}
	wg.Wait()
	for i := range n {
		if got := r.wokenBy(waiter(i)); len(got) != 1 {
			t.Errorf("waiter %d was woken %d times", i, len(got))
		}
	}
	if r.Waiting() != 0 {
		t.Errorf("%d still wait", r.Waiting())
	}
}
