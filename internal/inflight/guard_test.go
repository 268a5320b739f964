package inflight_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"maestro/internal/engine/enginetest"
	"maestro/internal/inflight"
)

// lives are processes on the same files, one after the other.
type lives struct {
	t    *testing.T
	path string
	disk *enginetest.Memory
	now  int64
}

func newLives(t *testing.T) *lives {
	t.Helper()
	return &lives{t: t, path: filepath.Join(t.TempDir(), "inflight"), disk: enginetest.NewMemory()}
}

// live begins a life. The one before has died: nobody has closed its guard.
func (l *lives) live() *inflight.Guard {
	l.t.Helper()
	l.now += 1000
	g, err := inflight.Open(l.t.Context(), l.path, l.disk, l.now, slog.New(slog.DiscardHandler))
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { g.Close() })
	return g
}

func (l *lives) want(g *inflight.Guard, m inflight.Mark, condemned bool) {
	l.t.Helper()
	if err := g.Condemned(m); errors.Is(err, inflight.ErrCondemned) != condemned {
		l.t.Errorf("%+v: %v, want condemned: %v", m, err, condemned)
	}
}

// TestTwoDeaths condemns what was under way at two deaths in a row, and nothing else.
func TestTwoDeaths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		first, second inflight.Mark
		want          bool
	}{
		{"same", inflight.Run(7, 3), inflight.Run(7, 3), true},
		{"got further", inflight.Run(7, 3), inflight.Run(7, 4), false},
		{"another run", inflight.Run(8, 3), inflight.Run(7, 3), false},
		{"loading", inflight.Run(7, -1), inflight.Run(7, -1), true},
		{"loading, then more", inflight.Run(7, -1), inflight.Run(7, 3), false},
		{"text", inflight.Text("a", "b"), inflight.Text("a", "b"), true},
		{"other text", inflight.Text("a", "b"), inflight.Text("ab", ""), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLives(t)
			g := l.live()
			g.Enter(inflight.Run(1, 1)).Leave()
			g.Enter(c.first)
			g = l.live()
			l.want(g, c.first, false)
			g.Enter(inflight.Run(1, 1)).Leave()
			g.Enter(c.second)
			for range 2 { // what is condemned stays so
				g = l.live()
				l.want(g, c.second, c.want)
				l.want(g, inflight.Run(1, 1), false)
			}
		})
	}
}

// TestInnocent lets go of a run that was not under way at the next death, and of what was evaluated in the end.
func TestInnocent(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	run, text := inflight.Run(7, 3), inflight.Text("definition")
	l.live().Enter(run)
	l.live()
	l.live().Enter(run)
	l.want(l.live(), run, false)

	l.live().Enter(text)
	l.live().Enter(text).Leave()
	l.live().Enter(text)
	l.want(l.live(), text, false)
}

// TestSuspectsAreAlone keeps other evaluations from being under way together with that of a suspect, so that a second death
// is its own.
func TestSuspectsAreAlone(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	g := l.live()
	g.Enter(inflight.Run(7, 3))
	g = l.live()
	pass := g.Enter(inflight.Run(7, 3))
	var at, entered atomic.Int64
	var others sync.WaitGroup
	for range 50 {
		others.Go(func() {
			at.Add(1)
			p := g.Enter(inflight.Run(8, 1))
			entered.Add(1)
			p.Leave()
		})
	}
	for at.Load() < 50 {
		runtime.Gosched()
	}
	for range 1000 { // in which all of them would get through
		runtime.Gosched()
	}
	if n := entered.Load(); n > 0 {
		t.Errorf("%d other evaluations are under way beside a suspect's", n)
	}
	pass.Leave()
	others.Wait()
}

// TestManyAtOnce has more evaluations under way than can be noted.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	g := newLives(t).live()
	var all []inflight.Pass
	for i := range int64(2000) {
		all = append(all, g.Enter(inflight.Mark{ID: i + 1}))
	}
	for _, p := range all {
		p.Leave()
	}
	(*inflight.Guard)(nil).Enter(inflight.Run(1, 1)).Leave()
}

func BenchmarkEnter(b *testing.B) {
	g, err := inflight.Open(b.Context(), filepath.Join(b.TempDir(), "inflight"), enginetest.NewMemory(), 1, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			g.Enter(inflight.Run(1, 1)).Leave()
		}
	})
}
