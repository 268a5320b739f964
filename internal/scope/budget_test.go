package scope_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"maestro/internal/meter"
	"maestro/internal/scope"
	"maestro/param"
)

// ten writes a reference ten times.
func ten(name string) string { return strings.Repeat("${"+name+"}", 10) }

// chained are params of one type of which each repeats the one before ten times, ten levels deep.
func chained(first, format string) string {
	var b strings.Builder
	b.WriteString(`{"a0":` + first)
	for i := 1; i <= 10; i++ {
		fmt.Fprintf(&b, `,"a%d":`+format, i, ten(fmt.Sprint("a", i-1)))
	}
	return b.String() + "}"
}

// long is a text of half a million characters, an eighth of what it takes to write it.
const long = `"big":{"type":"STRING","expression":"s = 'abcdefgh'; for (i = 0; i < 16; i += 1) s += s; return s"}`

// multiplying are params whose results are out of proportion to what is written, and the param that is to be blamed.
var multiplying = []struct{ name, defs, blamed string }{
	{"texts of texts", chained(`{"type":"STRING","value":"xxxxxxxxxx"}`, `{"type":"STRING","value":"%s"}`), "a5"},
	{"arrays of texts", chained(`{"type":"STRING","value":"xxxxxxxxxx"}`, `{"type":"STRING_ARRAY","value":["%s"]}`), "a5"},
	{"values of maps", chained(`{"type":"STRING","value":"xxxxxxxxxx"}`, `{"type":"STRING_MAP","value":{"k":"%s"}}`), "a5"},
	{"keys of maps", chained(`{"type":"STRING","value":"xxxxxxxxxx"}`, `{"type":"STRING_MAP","value":{"%s":"v"}}`), "a6"},
	{"entries of maps", chained(`{"type":"STRING","value":"xxxxxxxxxx"}`, `{"type":"MAP","value":{"k":{"type":"STRING","value":"%s"}}}`), "a5"},
	{"nested maps", chained(`{"type":"STRING","value":"xxxxxxxxxx"}`, `{"type":"MAP","value":{"k":{"type":"MAP","value":{"l":{"type":"STRING_ARRAY","value":["%s"]}}}}}`), "a5"},
	{"quotes in JSON", chained(`{"type":"STRING_ARRAY","value":["\"\"\"\"\"\"\"\""]}`, `{"type":"STRING_ARRAY","value":["%s"]}`), "a4"},
	{"backwards", func() string { // the last is written first, and evaluated first
		var b strings.Builder
		for i := 10; i > 0; i-- {
			fmt.Fprintf(&b, `"a%d":{"type":"STRING","value":"%s"},`, i, ten(fmt.Sprint("a", i-1)))
		}
		return "{" + b.String() + `"a0":{"type":"STRING","value":"xxxxxxxxxx"}}`
	}(), "a5"},
	{"one long text often", `{` + long + `,"b":{"type":"STRING","value":"` + strings.Repeat("$big ", 10_000) + `"}}`, "b"},
	{"in an array", `{` + long + `,"b":{"type":"STRING_ARRAY","value":[` + strings.Repeat(`"$big",`, 999) + `"$big"]}}`, "b"},
	{"in a map", `{` + long + `,"b":{"type":"MAP","value":{` + entries(300, `{"type":"STRING","value":"$big$big"}`) + `}}}`, "b"},
	{"with an expression", `{` + long + `,"b":{"type":"STRING","expression":"t = big; while (true) t = t + big"}}`, "b"},
	{"an array of one text", `{` + long + `,"b":{"type":"STRING_ARRAY","expression":"t = new String[25000]; for (i = 0; i < 25000; i += 1) t[i] = big; return t"}}`, "b"},
	{"a map of one text", `{` + long + `,"b":{"type":"MAP","expression":"m = new Map(); for (i = 0; i < 20000; i += 1) m.put('k' + i, big); return m"}}`, "b"},
	{"a map of one map", `{"b":{"type":"MAP","expression":"` + nested(30) + ` return m30"}}`, "b"},
	{"JSON of one map", `{"b":{"type":"STRING","expression":"` + nested(30) + ` return Util.toJson(m30)"}}`, "b"},
	{"text of one map", `{"b":{"type":"STRING","expression":"` + nested(30) + ` return '' + m30"}}`, "b"},
	{"hash of one map", `{"b":{"type":"STRING","expression":"` + nested(30) + ` return String.format('%h', m30)"}}`, "b"},
	{"a map to texts", `{"b":{"type":"STRING_MAP","expression":"m = new Map(); for (i = 0; i < 25000; i += 1) { m.put('a' + i, 'xxxxxxxxxxxxxxxxxxxxx'); m.put('b' + i, i); } return m"}}`, "b"},
	{"numbers to texts", `{"b":{"type":"STRING_ARRAY","expression":"Util.intsBetween(1000000000000, 1000000300000, 1)"}}`, "b"},
	{"wide fields", `{"b":{"type":"STRING","expression":"String.format('` + strings.Repeat("%1$9999999d", 300) + `', 1)"}}`, "b"},
	{"matches of nothing", `{` + long + `,"b":{"type":"STRING","expression":"while (true) big.replaceAll('x*', '')"}}`, "b"},
	{"many at the limit", `{` + entries(300, `{"type":"LONG","expression":"s = 0; for (i = 0; i < 24000; i += 1) for (j = 0; j < 20; j += 1) s += j; return s"}`) + `}`, ""},
	{"many patterns", `{` + entries(300, `{"type":"LONG","expression":"for (i = 0; i < 100; i += 1) 'x'.split('(a{900}){100}' + i); return 1"}`) + `}`, ""},
	{"read again and again", `{"l":{"type":"LONG_ARRAY","expression":"Util.intsBetween(0, 90000, 1)"},"b":{"type":"LONG","expression":"x = l; while (true) params.get('l'); return 1"}}`, "b"},
	{"asked for again and again", `{"l":{"type":"LONG_ARRAY","expression":"Util.intsBetween(0, 90000, 1)"},"b":{"type":"LONG","expression":"x = l; while (true) params.containsKey('l'); return 1"}}`, "b"},
}

func entries(n int, def string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"k%d":%s`, i, def)
	}
	return strings.Join(list, ",")
}

// nested makes a map that holds another three times, which holds another, n levels deep.
func nested(n int) string {
	var b strings.Builder
	b.WriteString("m0 = new Map(); m0.put('k', 'v'); ")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "m%[1]d = new Map(); m%[1]d.put('a', m%[2]d); m%[1]d.put('b', m%[2]d); m%[1]d.put('c', m%[2]d); ", i, i-1)
	}
	return b.String()
}

// maxAllocated is what a refused evaluation may allocate in all, garbage included.
const maxAllocated = 130_000_000

// refuses runs evaluate, which must fail with a readable error after little has been allocated.
func refuses(t *testing.T, blamed string, evaluate func() error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := evaluate()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > maxAllocated {
		t.Errorf("%d bytes were allocated", n)
	}
	if err == nil {
		t.Fatal("it is accepted")
	}
	e := param.AsError(err)
	if e.Kind.Status() != 400 && e.Kind.Status() != 422 {
		t.Errorf("got status %d: %v", e.Kind.Status(), err)
	}
	text := e.Message
	if !strings.Contains(text, "limit") || !strings.Contains(text, "["+blamed) || !strings.Contains(text, "make") && !strings.Contains(text, "loop less") || len(text) > 2000 {
		t.Errorf("got %q, want the limit, param %s and what to do", text, blamed)
	}
}

func TestMultiplyingParams(t *testing.T) {
	for _, c := range multiplying {
		t.Run(c.name, func(t *testing.T) {
			x := scope.New(scope.Config{})
			defs := defsOf(t, c.defs)
			run := &scope.Run{WorkflowID: "w"}
			refuses(t, c.blamed, func() error {
				_, err := x.EvaluateWorkflow(nil, defs, run, nil, now)
				return err
			})
			refuses(t, c.blamed, func() error {
				_, err := x.EvaluateStep(defs, &scope.StepScope{Run: run, Step: &scope.Step{ID: "me"}, Workflow: &param.Params{}, Now: now})
				return err
			})
		})
	}
}

// TestSameMeterSameCost evaluates twice, the second time with scripts that are remembered: the cost is the same.
func TestSameMeterSameCost(t *testing.T) {
	t.Parallel()
	x := scope.New(scope.Config{})
	defs := defsOf(t, `{"a":{"type":"STRING","expression":"'x' + Util.toJson(b)"},"b":{"type":"MAP","value":{"c":{"type":"STRING_ARRAY","value":["${d}"]}}},"d":{"type":"DOUBLE","value":1.5}}`)
	var first [2]int64
	for i := range 3 {
		m := x.Meter()
		if _, err := x.EvaluateWorkflow(m, defs, &scope.Run{WorkflowID: "w"}, nil, now); err != nil {
			t.Fatal(err)
		}
		work, memory := m.Spent()
		if i == 0 {
			first = [2]int64{work, memory}
		}
		if first != [2]int64{work, memory} || work == 0 || memory == 0 {
			t.Errorf("evaluation %d costs %d and %d, the first %v", i, work, memory, first)
		}
	}
}

// TestMultiplyingElsewhere puts a long text, which a run may have, wherever names are replaced or read.
func TestMultiplyingElsewhere(t *testing.T) {
	x := scope.New(scope.Config{})
	big := strings.Repeat("x", 400_000)
	workflow := literals("big", big)
	c := func() *scope.StepScope {
		return &scope.StepScope{Run: &scope.Run{WorkflowID: "w"}, Step: &scope.Step{ID: "me"}, Workflow: workflow, Now: now, Meter: x.Meter()}
	}
	text := strings.Repeat("$big", 5000)
	literal := func(name string) *param.Defs {
		defs := &param.Defs{}
		defs.Set(name, param.Literal(param.StringValue(text)))
		return defs
	}
	spin := "t = big; while (true) t = t + big; return t == ''"
	for name, evaluate := range map[string]func() error{
		"attribute":  func() error { _, err := x.Attribute(nil, text, "w", workflow, now); return err },
		"dependency": func() error { _, err := x.SignalDependencies(literal("p"), c()); return err },
		"output":     func() error { _, err := x.SignalOutputs(literal("p"), workflow, c()); return err },
		"condition": func() error {
			_, err := x.Transitions([]scope.Condition{{Successor: "p", Expr: spin}}, workflow, c())
			return err
		},
		"while": func() error { _, err := x.While(spin, workflow, &param.Values{}, c()); return err },
		"state": func() error {
			_, err := x.StateExpr("t = response_body; while (true) t += response_body; return t", nil, 200, big, c())
			return err
		},
		"trigger": func() error {
			_, err := x.Trigger(nil, "p", param.Expression(param.String, "while (true) String.format('%9999d', 1); return ''"), nil, "trigger", now)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { refuses(t, "", evaluate) })
	}
}

// TestOneBudgetForManyParts evaluates many things for one purpose, each of which is within the limits.
func TestOneBudgetForManyParts(t *testing.T) {
	t.Parallel()
	x := scope.New(scope.Config{})
	c := &scope.StepScope{Run: &scope.Run{WorkflowID: "w"}, Step: &scope.Step{ID: "me"}, Workflow: literals("n", 1), Now: now, Meter: x.Meter()}
	defs := defsOf(t, `{"p":{"type":"LONG","expression":"s = 0; for (i = 0; i < 20000; i += 1) s += i; return s + n"}}`)
	var err error
	rounds := 0
	for ; err == nil && rounds < 10_000; rounds++ {
		_, err = x.SignalDependencies(defs, c)
	}
	if _, ok := errors.AsType[*meter.Exceeded](err); !ok || rounds < 50 {
		t.Errorf("got %v after %d rounds", err, rounds)
	}
	defs = defsOf(t, `{"p":{"type":"STRING","value":"`+strings.Repeat("x", 700_000)+`"}}`)
	d := &scope.StepScope{Run: c.Run, Step: c.Step, Workflow: c.Workflow, Now: now, Meter: x.Meter()}
	for rounds, err = 0, nil; err == nil && rounds < 1000; rounds++ {
		_, err = x.SignalOutputs(defs, nil, d)
	}
	if _, ok := errors.AsType[*meter.Exceeded](err); !ok || rounds < 10 || rounds > 100 {
		t.Errorf("got %v after %d long texts", err, rounds)
	}
	_, err = x.Transitions([]scope.Condition{{Successor: "b", Expr: "n == 1"}}, &param.Params{}, c)
	if _, ok := errors.AsType[*meter.Exceeded](err); !ok {
		t.Errorf("got %v, want the same budget for conditions", err)
	}
}

// TestCancelledBetweenScripts ends an evaluation in which no script takes long, and texts alone do.
func TestCancelledBetweenScripts(t *testing.T) {
	t.Parallel()
	w := &world{stop: true}
	x := scope.New(scope.Config{})
	for _, defs := range []string{
		`{` + entries(300, `{"type":"LONG","expression":"s = 0; for (i = 0; i < 5000; i += 1) s += i; return s"}`) + `}`,
		`{"s":{"type":"STRING","value":"` + strings.Repeat("x", 50_000) + `"},` + entries(300, `{"type":"BOOLEAN","expression":"(s + 'a').compareTo(s + 'b') < 0"}`) + `}`,
	} {
		_, err := x.EvaluateWorkflow(nil, defsOf(t, defs), &scope.Run{WorkflowID: "w"}, w, now)
		if err == nil || param.AsError(err).Kind != param.Internal {
			t.Errorf("got %v", err)
		}
	}
}

// TestLargeButLegal holds what must stay possible: all that fits into the limit for the size of params.
func TestLargeButLegal(t *testing.T) {
	t.Parallel()
	x := scope.New(scope.Config{})
	for _, text := range []string{
		`{"a":{"type":"STRING","value":"` + strings.Repeat("x", 100_000) + `"},"b":{"type":"STRING","value":"$a$a$a$a"},"c":{"type":"LONG","expression":"b.length()"}}`,
		`{"l":{"type":"LONG_ARRAY","expression":"Util.intsBetween(0, 25000, 1)"},"t":{"type":"STRING_ARRAY","expression":"l"},"s":{"type":"STRING","value":"${l}"}}`,
		`{"m":{"type":"STRING_MAP","expression":"m = new Map(); for (i = 0; i < 20000; i += 1) m.put('k' + i, 'v' + i); return m"}}`,
		`{"s":{"type":"STRING","expression":"s = ''; for (i = 0; i < 8000; i += 1) s += 'line ' + i + ' of a text\\n'; return s"},"n":{"type":"LONG","expression":"s.split('\\n').length"}}`,
		`{` + entries(500, `{"type":"LONG","expression":"s = 0; for (i = 0; i < 1000; i += 1) s += i * 2; return s"}`) + `}`,
		`{"s":{"type":"STRING","expression":"s = 'abcdefghij'; for (i = 0; i < 10; i += 1) s += s; n = 0; for (i = 0; i < s.length(); i += 1) if (s.substring(i, i + 1) == 'c') n += 1; return n"}}`,
	} {
		if _, err := x.EvaluateWorkflow(nil, defsOf(t, text), &scope.Run{WorkflowID: "w"}, nil, now); err != nil {
			t.Errorf("%.100s: %v", text, err)
		}
	}
}
