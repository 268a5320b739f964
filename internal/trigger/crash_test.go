package trigger_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"maestro/internal/catalog"
	"maestro/internal/signal"
)

// TestCrash lets the process die at every write there is, before or after it has happened, goes on with another process,
// and holds that in the end each complete trigger has started exactly one run.
func TestCrash(t *testing.T) {
	t.Parallel()
	triggers := []string{
		one, `{"definitions":{"s":{"join_keys":["n"]},"z":{"join_keys":["n"]}}}`,
		`{"definitions":{"s":{"match_params":{"n":{"value":2,"operator":">="}}}},"condition":"params.getFromSignal('s','n') != 3"}`,
	}
	play := func(t *testing.T, w *world) {
		t.Helper()
		p := w.open(t, nil)
		defer func() { p.close() }()
		v1 := definition(t, "w", triggers...)
		revive := func(ok bool) bool {
			w.mu.Lock()
			dead := w.dead
			w.mu.Unlock()
			if !dead {
				return ok
			}
			p.close()
			w.dead, w.dieAt = false, 0
			p = w.open(t, p)
			return false
		}
		for !revive(p.change(t, "w", catalog.Pushed, v1, false)) {
		}
		for n := range 4 {
			for _, name := range []string{"s", "z"} {
				for !revive(p.say(t, name, "n", n)) {
				}
				if n%2 == 0 { // else they overlap
					p.settle()
					revive(true)
				}
			}
		}
		p.settle()
		revive(true)
		p.settle()
		want := map[string]int{
			"s=1": 1, "s=2": 1, "s=3": 2, "s=4": 1, "s=1 z=1": 1, "s=2 z=2": 1, "s=3 z=3": 1, "s=4 z=4": 1,
		}
		got := map[string]int{}
		for _, r := range w.started("w") {
			got[r]++
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("runs were started by %v, want %v", got, want)
		}
		for _, kind := range []string{"signal_news", "signal_fire"} {
			if rows, _ := w.store.Scan(t.Context(), kind, "", "", 100); len(rows) != 0 {
				t.Errorf("%d records of %s are left", len(rows), kind)
			}
		}
	}
	whole := newWorld()
	play(t, whole)
	if whole.writes < 20 {
		t.Fatalf("only %d writes", whole.writes)
	}
	for at := 1; at <= whole.writes; at++ {
		for _, applied := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d applied=%v", at, applied), func(t *testing.T) {
				w := newWorld()
				w.dieAt, w.applied = at, applied
				play(t, w)
			})
		}
	}
}

// TestEqualsReference holds that triggers start what the rules of spec 5.4, followed by hand, start.
func TestEqualsReference(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 4))
			w := newWorld()
			p := w.open(t, nil)
			defer p.close()
			var refs []*reference
			for n := range 8 {
				ref, text := someTrigger(r)
				ref.workflow = fmt.Sprint("w", n)
				refs = append(refs, ref)
				p.push(t, ref.workflow, text)
			}
			all := make(map[string][]*signal.Instance)
			for range 120 {
				name := fmt.Sprint("s", r.IntN(3))
				pairs := []any{"u", r.IntN(1 << 30)}
				for _, k := range []string{"a", "b"} {
					if r.IntN(5) > 0 {
						pairs = append(pairs, k, r.IntN(3))
					}
				}
				p.announce(t, name, pairs...)
				i := &signal.Instance{Name: name, Seq: int64(len(all[name]) + 1), Params: params(pairs...)}
				all[name] = append(all[name], i)
				for _, ref := range refs {
					ref.take(i, all)
				}
			}
			total := 0
			for _, ref := range refs {
				check(t, w, ref.workflow, ref.fired...)
				total += len(ref.fired)
			}
			if total == 0 && seed == 0 {
				t.Error("nothing was started at all")
			}
		})
	}
}

// reference follows the rules by looking at every instance.
type reference struct {
	workflow    string
	signals     []string
	matches     []signal.Matches
	joins       [][]string
	checkpoints []int64
	fired       []string
}

func someTrigger(r *rand.Rand) (*reference, string) {
	ref := &reference{}
	text := ""
	join := r.IntN(2) == 0
	for n := range 3 {
		if n > 0 && r.IntN(2) == 0 {
			continue
		}
		name := fmt.Sprint("s", n)
		var m signal.Matches
		def := ""
		if r.IntN(2) == 0 {
			op, v := signal.Op(r.IntN(5)), int64(r.IntN(3))
			m = signal.Matches{{Param: "b", Op: op, Value: signal.Long(v)}}
			def = fmt.Sprintf(`"match_params":{"b":{"value":%d,"operator":%q}}`, v, op)
		}
		var joins []string
		if join {
			joins = []string{"a"}
			if def != "" {
				def += ","
			}
			def += `"join_keys":["a"]`
		}
		if text != "" {
			text += ","
		}
		text += fmt.Sprintf(`%q:{%s}`, name, def)
		ref.signals, ref.matches, ref.joins = append(ref.signals, name), append(ref.matches, m), append(ref.joins, joins)
	}
	ref.checkpoints = make([]int64, len(ref.signals))
	return ref, `{"definitions":{` + text + `}}`
}

func (ref *reference) take(i *signal.Instance, all map[string][]*signal.Instance) {
	n := slices.Index(ref.signals, i.Name)
	if n < 0 || ref.checkpoints[n] >= i.Seq || !ref.matches[n].Hold(i.Params) {
		return
	}
	var values []signal.Value
	for _, k := range ref.joins[n] {
		v, ok := i.Params.Get(k)
		if !ok {
			return
		}
		values = append(values, v)
	}
	seqs := make([]int64, len(ref.signals))
	for k, name := range ref.signals {
		if k == n {
			seqs[k] = i.Seq
			continue
		}
		for _, o := range all[name] {
			fits := o.Seq > ref.checkpoints[k] && ref.matches[k].Hold(o.Params)
			for j, param := range ref.joins[k] {
				v, ok := o.Params.Get(param)
				fits = fits && ok && v == values[j]
			}
			if fits {
				seqs[k] = o.Seq
				break
			}
		}
		if seqs[k] == 0 {
			return
		}
	}
	ref.checkpoints = seqs
	text := ""
	for k, name := range ref.signals {
		if k > 0 {
			text += " "
		}
		text += fmt.Sprintf("%s=%d", name, seqs[k])
	}
	ref.fired = append(ref.fired, text)
}
