package sel_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maestro/internal/meter"
	"maestro/sel"
)

// TestPure keeps the package away from everything that could reach the world.
func TestPure(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}}", ".").Output()
	if err != nil {
		t.Skip("no go command: ", err)
	}
	for _, banned := range []string{"os", "net", "os/exec", "log/slog", "database/sql", "math/rand", "reflect", "fmt"} {
		if slices.Contains(strings.Fields(string(out)), banned) {
			t.Errorf("the expression language must not depend on %s", banned)
		}
	}
}

// TestConcurrentRuns runs one script on many goroutines, each with its own inputs.
func TestConcurrentRuns(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"s = ''; for (i = 0; i < 50; i += 1) { s += n; } return s",
		"m = new Map(); x = n; m.put('x', x); x += 1; return m.get('x')",
		"'a1b2c3'.replaceAll('(\\\\d)', '<$1>').length() + n + DateTimeFormat.forPattern('yyyy').print(0)",
	} {
		s, err := sel.CompileEngine(text)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				env := &sel.Env{Lookup: inputs(map[string]sel.Value{"n": sel.Long(int64(g))})}
				first, err := s.Run(env)
				if err != nil {
					t.Error(err)
					return
				}
				for range 100 {
					if v, err := s.Run(env); err != nil || v.Text() != first.Text() {
						t.Errorf("got %s, %v; want %s", v.Text(), err, first.Text())
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestResultOutlivesRun makes sure that a later run of the script does not change an earlier result.
func TestResultOutlivesRun(t *testing.T) {
	t.Parallel()
	s := mustCompile(t, "m = new Map(); x = n; m.put('x', x); a = new int[]{n}; m.put('a', a); return m;")
	var results []sel.Value
	for n := range 3 {
		v, err := s.Run(&sel.Env{Lookup: inputs(map[string]sel.Value{"n": sel.Long(int64(n))})})
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, v)
	}
	for n, v := range results {
		if got, want := v.Text(), fmt.Sprintf("{a=[%d], x=%d}", n, n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestInputsAreNotChanged(t *testing.T) {
	t.Parallel()
	in := map[string]sel.Value{"a": sel.Longs([]int64{1}), "m": sel.Map(sel.Entry{Key: "k", Value: sel.Longs([]int64{2})})}
	s := mustCompile(t, "a[0] = 9; m.put('x', 1); b = m.get('k'); b[0] = 9; params.a[0] + params.m.size();")
	v, err := s.Run(&sel.Env{Lookup: inputs(in)})
	if err != nil {
		t.Fatal(err)
	}
	if v.Int64() != 2 || in["a"].Text() != "[1]" || in["m"].Text() != "{k=[2]}" {
		t.Errorf("got %s, and inputs %s and %s", v.Text(), in["a"].Text(), in["m"].Text())
	}
}

// TestLookupOnce counts how often the host is asked: once for a bare name, each time for params.
func TestLookupOnce(t *testing.T) {
	t.Parallel()
	calls := map[string]int{}
	env := &sel.Env{Lookup: func(name string) (sel.Value, bool, error) {
		calls[name]++
		return sel.Long(1), name == "a", nil
	}}
	s := mustCompile(t, "a + a + a; b == b; params.a + params['a'];")
	for range 2 {
		if _, err := s.Run(env); err != nil {
			t.Fatal(err)
		}
	}
	if calls["a"] != 2*3 || calls["b"] != 2*1 {
		t.Errorf("got %v", calls)
	}
}

func TestHostErrors(t *testing.T) {
	t.Parallel()
	cause := context.DeadlineExceeded
	env := &sel.Env{Lookup: func(string) (sel.Value, bool, error) { return sel.Value{}, false, cause }}
	_, err := mustCompile(t, "1 +\n  n;").Run(env)
	e, ok := errors.AsType[*sel.Error](err)
	if !ok || e.Kind != sel.FailCallFailed || !errors.Is(err, cause) || e.Line != 2 || e.Column != 3 {
		t.Errorf("got %#v", err)
	}
	env = &sel.Env{Call: func(string, []sel.Value) (sel.Value, error) {
		return sel.Value{}, fmt.Errorf("wrapped: %w", &sel.Error{Kind: sel.FailUnsupported, Message: "no"})
	}}
	_, err = mustCompile(t, "params.f();").Run(env)
	if e, ok := errors.AsType[*sel.Error](err); !ok || e.Kind != sel.FailUnsupported {
		t.Errorf("got %#v", err)
	}
}

func TestWithoutClock(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"System.currentTimeMillis();", "new DateTime();", "Math.random();", "UUID.randomUUID();"} {
		_, err := mustCompile(t, text).Run(nil)
		if e, ok := errors.AsType[*sel.Error](err); !ok || e.Kind != sel.FailUnsupported {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	asked := 0
	env := &sel.Env{
		Limits: sel.Limits{Loop: 1 << 30},
	}
	for _, text := range []string{"while (true) {}", "s = Util.intsBetween(0, 1000000, 1); while (true) String.valueOf(s);", "'" + strings.Repeat("a", 5000) + "'.split('(a*)*b');"} {
		asked = 0
		env.Meter = meter.New(meter.Limits{Work: 1 << 40, Memory: 1 << 40}).Until(func() bool { asked++; return asked > 3 })
		_, err := mustCompile(t, text).Run(env)
		if e, ok := errors.AsType[*sel.Error](err); !ok || e.Kind != sel.FailTimeout {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// TestHostileScripts are scripts that try to take time or memory out of proportion. All must fail, and soon.
func TestHostileScripts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"s = 'aaaaaaaaaaaaaaaa'; for (i = 0; i < 40; i += 1) s += s; s.length();",
		"s = 'aaaaaaaaaaaaaaaa'; for (i = 0; i < 20; i += 1) s += s; for (i = 0; i < 20000; i += 1) { s.contains('b'); s == s + ''; }",
		"for (i = 0; i < 25000; i += 1) for (j = 0; j < 25000; j += 1) {}",
		"String.format('%2147483647d%2147483647d', 1, 2);",
		"String.format('%.2147483647f', 1.5);",
		"'" + strings.Repeat("a", 5000) + "'.replaceAll('(a*)*b', '');",
		"'" + strings.Repeat("a", 5000) + "'.split('(x+x+)+y|(.*)*z');",
		"s = '" + strings.Repeat("ab", 4000) + "'; for (i = 0; i < 20; i += 1) s = s.replace('a', s);",
		"'" + strings.Repeat("x", 30) + "'.replaceAll('" + strings.Repeat("(x|", 100) + "y" + strings.Repeat(")*", 100) + "z', '');",
		"'x'.replaceAll('" + strings.Repeat("(", 50) + "x" + strings.Repeat("){100}", 50) + "', '');",
		"for (i = 0; i < 25000; i += 1) new int[25000];",
		"Util.dateIntsBetween(19700101, '9999991231', 1);",
		"m = new Map(); for (i = 0; i < 25000; i += 1) for (j = 0; j < 25000; j += 1) m.put('' + i + ',' + j, 1);",
		"DateTimeFormat.forPattern('" + strings.Repeat("S", 9000) + "').print(0).length(); for (;;) DateTimeFormat.forPattern('" + strings.Repeat("y-", 300) + "');",
	} {
		start := time.Now()
		s, err := sel.Compile(text)
		if err == nil {
			// A tenth of the default steps, for the race detector's sake.
			_, err = s.Run(&sel.Env{Limits: sel.Limits{Visits: 10_000_000}})
		}
		if err == nil {
			t.Errorf("%.60s: no error", text)
		}
		d := time.Since(start)
		t.Logf("%.40s: %v, %v", text, err, d)
		if d > 20*time.Second {
			t.Errorf("%.60s: took %v", text, d)
		}
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	c := sel.NewCache(2, 1<<20)
	one, err := c.Compile("1;")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := c.Compile("1;"); again != one {
		t.Error("the script was compiled twice")
	}
	if engine, _ := c.CompileEngine("1;"); engine == one {
		t.Error("the two ways to compile share an entry")
	}
	if _, err := c.Compile("1 +"); err == nil {
		t.Error("got no error")
	}
	if _, err := c.Compile("2;"); err != nil || c.Len() != 2 {
		t.Errorf("got %d entries, %v", c.Len(), err)
	}
	if again, _ := c.Compile("1;"); again == one {
		t.Error("the oldest entry was kept")
	}
	small := sel.NewCache(10, 1000)
	for _, text := range []string{"1;", "2;", "'" + strings.Repeat("x", 1000) + "';"} {
		if _, err := small.Compile(text); err != nil {
			t.Fatal(err)
		}
	}
	if small.Len() != 1 {
		t.Errorf("got %d entries, want 1", small.Len())
	}
}

func TestTemplateReuse(t *testing.T) {
	t.Parallel()
	tm := sel.CompileTemplate("${a}-$b-${a}")
	for i := range 3 {
		got, err := tm.Expand(nil, inputs(map[string]sel.Value{"a": sel.Long(int64(i)), "b": sel.String("$a")}))
		if want := fmt.Sprintf("%d-$a-%d", i, i); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestInvalidUTF8(t *testing.T) {
	t.Parallel()
	env := &sel.Env{Lookup: inputs(map[string]sel.Value{"s": sel.String("a\xffb")})}
	v, err := mustCompile(t, "s + '\xff' + s.length();").Run(env)
	if err != nil || v.Str() != "a\uFFFDb\uFFFD3" {
		t.Errorf("got %q, %v", v.Str(), err)
	}
}

// TestMapOrder compares with the order of a Java HashMap of twenty entries, which has 32 buckets.
func TestMapOrder(t *testing.T) {
	t.Parallel()
	var entries []sel.Entry
	for i := range 20 {
		entries = append(entries, sel.Entry{Key: fmt.Sprint("k", i), Value: sel.Long(int64(i))})
	}
	var keys []string
	for k := range sel.Map(entries...).Entries() {
		keys = append(keys, k)
	}
	got := strings.Join(keys, " ")
	want := "k0 k1 k2 k3 k4 k5 k11 k6 k10 k7 k13 k8 k12 k9 k15 k14 k17 k16 k19 k18"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
