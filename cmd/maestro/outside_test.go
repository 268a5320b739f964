package main

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"maestro/client"
	"maestro/internal/kube/kubetest"
)

// TestKillOutside tortures all runtimes at once. A real server with a real store works on a world in which whatever can
// go wrong does: an HTTP service and a cluster that answer late, wrongly, without end or not at all, pods that vanish,
// processes that do not listen. Meanwhile the server is killed with SIGKILL again and again, and users stop runs. Then
// the world calms down, everything must come to its end, and is judged:
//
//   - nothing is done twice that can be kept from it: an attempt has one pod, one process, one idempotency key
//   - nothing is lost: every acknowledged start ends, what is said to have succeeded has been done and left its output
//   - nothing hangs beyond its timeout, or until it, if its work ends by itself
//   - bodies of 10 GB take no memory
//   - no pod and no process goes on for nobody, or beside the next attempt
//   - the store is consistent
//
// All draws follow from a seed. MAESTRO_WORLDS says how many worlds there are, MAESTRO_SEED which is the first.
func TestKillOutside(t *testing.T) {
	if testing.Short() {
		t.Skip("kills real servers again and again")
	}
	if runtime.GOOS != "linux" {
		t.Skip("looks into /proc")
	}
	t.Parallel()
	worlds, seed := setting(t, "MAESTRO_WORLDS", 3), setting(t, "MAESTRO_SEED", time.Now().UnixNano()%1_000_000)
	for n := range worlds {
		t.Run(fmt.Sprint(seed+n), func(t *testing.T) {
			t.Parallel()
			torment(t, uint64(seed+n))
		})
	}
}

// calm is how long after the last trouble everything may take to end, and spare by how much an attempt may outlast its
// timeout: a server must come back, an API that fails must be asked again, a process has its grace.
const (
	calm  = 60 * time.Second
	spare = 15 * time.Second
)

func torment(t *testing.T, seed uint64) {
	o := newOutside(t, seed)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("for the same world: MAESTRO_SEED=%d MAESTRO_WORLDS=1 go test ./cmd/maestro -run KillOutside", seed)
		}
	})
	d := o.serve()
	c, err := client.New(d.url, client.WithUser("torture"), client.WithTimeout(5*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	u := &users{o: o, client: c}
	u.push(t)
	var working sync.WaitGroup
	working.Go(u.work)

	o.trouble(d)
	working.Wait()
	began := time.Now()
	u.await(t, calm)
	took := time.Since(began)
	j := &court{t: t, o: o, u: u}
	j.all(d)
	t.Logf("%d runs, %d attempts, calm after %s, at most %d MiB; %s", len(u.starts), len(j.attempts), took.Round(time.Millisecond), o.peak>>20, o.tally())
}

// outside is the world outside of the server. What goes wrong in it follows from a seed, and happens only while it is
// troubled.
type outside struct {
	t        *testing.T
	seed     uint64
	temper   int    // how troubled it is, in percent
	dir      string // of what processes write down
	troubled atomic.Bool

	service *service
	cluster *cluster

	mu     sync.Mutex
	server *proc
	peak   int64 // of the memory of any server
	asked  map[string]int
	drawn  map[string]int // mishaps, by name
	crimes []string       // what must never happen, as it was seen
}

func newOutside(t *testing.T, seed uint64) *outside {
	o := &outside{t: t, seed: seed, dir: t.TempDir(), asked: map[string]int{}, drawn: map[string]int{}}
	o.temper = 50 + o.draw("temper").IntN(150)
	o.troubled.Store(true)
	write(t, o.dir, "step.sh", stepScript)
	write(t, o.dir, "troubled", "")
	o.listen()
	o.service = newService(o)
	o.cluster = newCluster(o, kubetest.New(t))
	t.Cleanup(o.sweep)
	return o
}

// serve starts the server.
func (o *outside) serve() *daemon {
	d := serve(o.t, "--http-allow", "127.0.0.1", "--http-timeout", "2s", "--http-max-response-bytes", "64KiB",
		"--kubernetes-enabled", "--kubernetes-api", o.cluster.URL,
		"--shell-max-concurrent", "6", "--shell-max-output-bytes", "256KiB", "--engine-idle-after", "300ms")
	o.expose(d.proc)
	return d
}

// expose makes a server the one that can be struck, or none. It reports whether the one before was not.
func (o *outside) expose(server *proc) (spared bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	spared = o.server != nil
	o.server = server
	return spared
}

// trouble ends the server again and again: out of the blue, in order, or, as the world strikes it, in the middle of
// what it is doing there.
func (o *outside) trouble(d *daemon) {
	r := o.draw("kills")
	for end := time.Now().Add(between(r, 3000, 4500)); time.Now().Before(end); {
		select {
		case <-d.done:
		case <-time.After(between(r, 100, 1200)):
			switch spared := o.expose(nil); {
			case !spared:
				<-d.done
			case r.IntN(4) > 0:
				o.inspect(d)
				o.count("server killed")
				d.kill()
			default:
				o.inspect(d)
				o.count("server stopped")
				d.stop()
			}
		}
		time.Sleep(between(r, 0, 200))
		o.inspect(d)
		d.start()
		o.expose(d.proc)
	}
	o.troubled.Store(false)
	if err := os.Remove(filepath.Join(o.dir, "troubled")); err != nil {
		o.t.Error(err)
	}
	if spared := o.expose(nil); !spared {
		<-d.done
		d.start()
	}
}

// strike kills the server at this very moment.
func (o *outside) strike() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.server == nil || !o.troubled.Load() {
		return
	}
	o.drawn["server struck"]++
	o.remember(o.server)
	o.server.signal(syscall.SIGKILL)
	o.server = nil
}

// remember notes how much memory a server has used. o.mu is held.
func (o *outside) remember(p *proc) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if _, rest, ok := strings.Cut(string(text), "VmHWM:"); ok {
		kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		o.peak = max(o.peak, kb<<10)
	}
}

// inspect looks at a server before or after its end.
func (o *outside) inspect(d *daemon) {
	o.mu.Lock()
	o.remember(d.proc)
	o.mu.Unlock()
	for line := range strings.Lines(d.errs.String()) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") || strings.Contains(line, "DATA RACE") {
			o.t.Error("server: " + line)
		}
	}
}

// draw returns the luck of something, which is another each time it is asked for, and does not depend on what else
// happens.
func (o *outside) draw(what string) *rand.Rand {
	o.mu.Lock()
	o.asked[what]++
	n := o.asked[what]
	o.mu.Unlock()
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", what, n)
	return rand.New(rand.NewPCG(o.seed, h.Sum64()))
}

// mishap is something that may happen in place of what should.
type mishap[T any] struct {
	name   string
	chance int // in a thousand, in a world of medium temper
	do     T
}

// befalls picks a mishap, or none.
func befalls[T any](o *outside, r *rand.Rand, all []mishap[T]) (do T, ok bool) {
	n := r.IntN(1000)
	for _, m := range all {
		if n -= m.chance * o.temper / 100; n < 0 && o.troubled.Load() {
			o.count(m.name)
			return m.do, true
		}
	}
	return do, false
}

func (o *outside) count(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drawn[name]++
}

// crime notes what must never happen.
func (o *outside) crime(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.crimes = append(o.crimes, fmt.Sprintf(format, args...))
}

// tally says how often what went wrong.
func (o *outside) tally() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	total, text := 0, ""
	for _, name := range slices.Sorted(maps.Keys(o.drawn)) {
		total += o.drawn[name]
		text += fmt.Sprintf(", %s %d", name, o.drawn[name])
	}
	return fmt.Sprintf("%d mishaps%s", total, text)
}

// between returns a time between two numbers of milliseconds.
func between(r *rand.Rand, low, high int) time.Duration {
	return time.Duration(low+r.IntN(high-low)) * time.Millisecond
}
