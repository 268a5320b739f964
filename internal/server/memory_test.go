package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
)

// TestWeight parses the texts that cost most memory for their size: what parsing allocates is not above their weight.
func TestWeight(t *testing.T) {
	list := func(item string, n int) string { return "[" + strings.TrimSuffix(strings.Repeat(item, n), ",") + "]" }
	names := make([]string, 20_000)
	for i := range names {
		names[i] = fmt.Sprintf(`"%d":0`, i)
	}
	for name, text := range map[string]string{
		"zeros": list("0,", 100_000), "lists": list("[],", 50_000), "lists of one": list("[0],", 50_000),
		"objects": list(`{"":0},`, 30_000), "names": "{" + strings.Join(names, ",") + "}",
		"text": `"` + strings.Repeat("x", 1_000_000) + `"`, "escapes": `"` + strings.Repeat(`\n`, 100_000) + `"`,
	} {
		wantWeight(t, name, "application/json", text, func(b []byte) error {
			_, err := doc.ParseJSON(b, doc.Limits{})
			return err
		})
	}
	for name, text := range map[string]string{
		"zeros": list("0,\n", 20_000), "empty": strings.Repeat("-\n", 20_000), "items": strings.Repeat("- 0\n", 20_000),
		"objects": list("{a: 0},\n", 10_000), "pairs": list("a: 0,\n", 10_000), "nested": strings.Repeat("- - - - - 0\n", 5000),
		"text": "a: |\n" + strings.Repeat("  "+strings.Repeat("x", 100)+"\n", 1000), "comments": strings.Repeat("- 0 #a\n", 10_000),
		"aliases": "a: &a [0,0,0,0,0,0,0,0,0,0]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n",
	} {
		wantWeight(t, name, "application/yaml", text, func(b []byte) error {
			_, err := yamldoc.Parse(b, doc.Limits{})
			return err
		})
	}
}

func wantWeight(t *testing.T, name, kind, text string, parse func([]byte) error) {
	t.Helper()
	var before, after runtime.MemStats
	b := []byte(text)
	runtime.ReadMemStats(&before)
	err := parse(b)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	allocated, weight := int64(after.TotalAlloc-before.TotalAlloc), weigh(b, kind)
	t.Logf("%s %s: %d bytes, weight %d, allocated %d", kind, name, len(b), weight, allocated)
	if allocated > weight {
		t.Errorf("%s %s of %d bytes: %d bytes are allocated, its weight is %d", kind, name, len(b), allocated, weight)
	}
}

// TestPool has many take and give back: never more than there is, in order, and bounded in time.
func TestPool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pool{size: 10}
		if err := p.acquire(t.Context(), 7, time.Minute); err != nil {
			t.Fatal(err)
		}
		var order []int
		var mu sync.Mutex
		var all sync.WaitGroup
		ask := func(ctx context.Context, i int, n int64, within time.Duration, want error) {
			all.Go(func() {
				err := p.acquire(ctx, n, within)
				if !errors.Is(err, want) {
					t.Errorf("%d: %v, want %v", i, err, want)
				}
				if err == nil {
					mu.Lock()
					order = append(order, i)
					mu.Unlock()
				}
			})
			synctest.Wait()
		}
		gone, leave := context.WithCancel(t.Context())
		ask(t.Context(), 1, 10, time.Second, context.DeadlineExceeded)
		ask(gone, 2, 5, time.Hour, context.Canceled)
		ask(t.Context(), 3, 3, time.Hour, nil) // would fit, and waits its turn
		ask(t.Context(), 4, 4, time.Hour, nil)
		time.Sleep(2 * time.Second)
		leave()
		synctest.Wait()
		if fmt.Sprint(order) != "[3]" {
			t.Errorf("in order: %v", order)
		}
		p.release(7)
		all.Wait()
		if fmt.Sprint(order) != "[3 4]" || p.inUse() != 7 || len(p.queue) != 0 {
			t.Errorf("in order: %v; %d are in use, %d wait", order, p.inUse(), len(p.queue))
		}
	})
}

// TestMemory sends bodies that weigh more than there is memory for, all at once, and light ones among them.
func TestMemory(t *testing.T) {
	t.Parallel()
	began, release := make(chan struct{}, 100), make(chan struct{})
	var held, most atomic.Int64
	heavy := "[" + strings.Repeat("0,", 3000) + "0]" // no light one, and far from all that there is
	l := serveLimited(t, Limits{Memory: 16 << 20, Wait: patience}, map[string]HandlerFunc{"POST /": func(w http.ResponseWriter, r *http.Request) error {
		n, err := decodeBody(w, r, pushLimit)
		if err != nil {
			return err
		}
		if len(n.Items) > 0 {
			defer held.Add(-1)
			most.Store(max(most.Load(), held.Add(1)))
			began <- struct{}{}
			<-release
		}
		return reply(w, 200, nil)
	}})
	post := func(body string, chunked bool) int {
		var from io.Reader = strings.NewReader(body)
		if chunked {
			from = struct{ io.Reader }{from} // of a length that is not known
		}
		resp, err := http.Post("http://"+l.addr+"/", "application/json", from)
		if err != nil {
			t.Error(err)
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if code := post(heavy, i%2 == 0); code != 200 {
				t.Errorf("got %d", code)
			}
		})
	}
	wait(t, began, "one is at work")
	for range 20 {
		if code := post(`{}`, false); code != 200 {
			t.Errorf("a light one among them: %d", code)
		}
	}
	close(release)
	all.Wait()
	if n := most.Load(); n > int64(max(2, runtime.GOMAXPROCS(0))) {
		t.Errorf("%d were at work at a time", n)
	}
}

// TestMemory_Wait turns away what has waited too long, and lets go of a client that is gone.
func TestMemory_Wait(t *testing.T) {
	t.Parallel()
	m := newMemory(16 << 20)
	full, err := m.work(t.Context(), 1<<40, time.Minute) // more than there is: all of it
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.work(t.Context(), 1<<20, 10*time.Millisecond)
	if e := refusal(err); e == nil || e.Code.Status() != 503 || !strings.Contains(e.Message, "limits.memory") {
		t.Errorf("got %v", err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err = m.work(gone, 1<<20, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	full.release()
	full.release() // counts once
	for range 3 {
		s, err := m.work(t.Context(), 1<<40, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		s.release()
	}
	if n := m.heavy.inUse(); n != 0 {
		t.Errorf("%d are in use", n)
	}
}

// TestGarbage has the collector run when memory that was given back is needed again, and only then.
func TestGarbage(t *testing.T) {
	var g garbage
	before := cycles()
	g.add(10)
	g.collect(10)
	if n := g.bytes; n != 10 {
		t.Errorf("%d bytes are left of 10, for which there is room", n)
	}
	g.collect(9)
	if n := cycles() - before; n == 0 || g.bytes != 0 {
		t.Errorf("the collector ran %d times, and %d bytes are left", n, g.bytes)
	}
}

// TestPool_More has shares that grow fill a pool, so that none can have what it needs: each gets it in the end, one at a
// time beyond the size of the pool.
func TestPool_More(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const size, need = 10, 6
		p := &pool{size: size}
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				var s share
				for range need {
					if err := p.more(t.Context(), &s, 1, time.Hour); err != nil {
						t.Errorf("%d: %v", i, err)
						return
					}
					if held := p.inUse(); held > size+need {
						t.Errorf("%d are in use of %d", held, size)
					}
					time.Sleep(time.Second) // all of them get as far as there is room
				}
				s.release()
			})
		}
		all.Wait()
		if p.inUse() != 0 || len(p.queue) != 0 || p.ahead != nil {
			t.Errorf("%d are in use, %d wait", p.inUse(), len(p.queue))
		}
	})
}
