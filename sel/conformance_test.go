package sel_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"maestro/sel"
)

// typed is a value of the conformance data.
type typed struct {
	Type   string
	Value  json.RawMessage
	Millis *int64
	Zone   string
}

// oracle is one line of the conformance data: an input, and what the original implementation made of it.
type oracle struct {
	Name string
	Mode string
	Expr string
	Vars map[string]typed
	Opts struct {
		Limits struct {
			Stack, Loop, Array, Length int
			Visit, Memory              int64
		}
		NowMS       *int64 `json:"now_ms"`
		DefaultZone string `json:"default_zone"`
		TimeoutMS   int    `json:"timeout_ms"`
	}
	Ext []struct {
		Call    string
		Args    []string
		Returns typed
	}
	Want  *typed
	Error sel.Failure
	Refs  []string
}

// TestConformance runs the cases recorded from the original implementation: every .jsonl file in the folder conformance.
func TestConformance(t *testing.T) {
	cases := oracles(t)
	basic, strict := 0, 0
	failed := map[string]int{}
	for _, c := range cases {
		if c.Opts.TimeoutMS > 0 && testing.Short() {
			continue
		}
		var b, s bool
		t.Run(c.Name, func(t *testing.T) { b, s = c.check(t) })
		if b {
			basic++
		}
		if s {
			strict++
		} else {
			failed[c.Name[:max(0, strings.LastIndexByte(c.Name, '-'))]]++
		}
	}
	t.Logf("cases %d, passed basic %d, passed strict %d, failed by group %v", len(cases), basic, strict, failed)
}

// oracles reads the conformance data.
func oracles(t testing.TB) []*oracle {
	t.Helper()
	files, err := filepath.Glob("../conformance/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var cases []*oracle
	for _, f := range files {
		cases = append(cases, readOracles(t, f)...)
	}
	if len(cases) == 0 {
		t.Fatal("no recorded expressions in ../conformance")
	}
	return cases
}

func readOracles(t testing.TB, file string) []*oracle {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []*oracle
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		c := &oracle{}
		if err := json.Unmarshal(lines.Bytes(), c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if c.Mode != "" {
			cases = append(cases, c)
		}
	}
	return cases
}

// check compares what happens with what was recorded. The basic answer asks for success or failure and the value, the
// strict one for the kind of failure too.
func (c *oracle) check(t *testing.T) (basic, strict bool) {
	got, refs, err := c.run(t)
	switch {
	case err != nil && c.Error == "":
		t.Errorf("%s\ngot error %v\nwant %s", c.Expr, detail(err), c.Want.describe())
		return false, false
	case err == nil && c.Error != "":
		t.Errorf("%s\ngot %s\nwant error %s", c.Expr, got, c.Error)
		return false, false
	case err != nil:
		if kind := err.(*sel.Error).Kind; kind != c.Error {
			t.Errorf("%s\ngot error %s: %v\nwant error %s", c.Expr, kind, err, c.Error)
			return true, false
		}
		return true, true
	}
	if want := c.Want.describe(); got != want && !(c.Want.Value == nil && strings.HasPrefix(got, c.Want.Type+" ")) {
		t.Errorf("%s\ngot  %s\nwant %s", c.Expr, got, want)
		return false, false
	}
	if c.Refs != nil && !slices.Equal(refs, c.Refs) {
		t.Errorf("%s\ngot references %q\nwant %q", c.Expr, refs, c.Refs)
		return false, false
	}
	return true, true
}

func detail(err error) string {
	if e, ok := err.(*sel.Error); ok {
		return string(e.Kind) + ": " + e.Snippet()
	}
	return err.Error()
}

// run evaluates the case and describes the result in the way of typed.describe.
func (c *oracle) run(t testing.TB) (got string, refs []string, err error) {
	lookup := func(name string) (sel.Value, bool, error) {
		v, ok := c.Vars[name]
		if !ok {
			return sel.Value{}, false, nil
		}
		return v.value(t), true, nil
	}
	limits := c.limits()
	switch c.Mode {
	case "interpolate":
		s, err := sel.Interpolate(nil, c.Expr, lookup)
		return "STRING " + strconv.Quote(s), sel.References(c.Expr), err
	case "validate", "validate_engine":
		s, err := c.compile(limits)
		if err != nil {
			return "", nil, err
		}
		names := slices.Sorted(slices.Values(s.Names()))
		return fmt.Sprintf("NAMES %q", names), nil, nil
	}
	s, err := c.compile(limits)
	if err != nil {
		return "", nil, err
	}
	env := &sel.Env{Lookup: lookup, Limits: limits, DefaultZone: c.Opts.DefaultZone, Now: c.now}
	env.Random = func() uint64 { return 0x9E3779B97F4A7C15 }
	if c.Ext != nil {
		env.Call = func(fn string, args []sel.Value) (sel.Value, error) { return c.call(t, fn, args) }
	}
	v, err := s.Run(env)
	if err != nil {
		return "", nil, err
	}
	return describe(v), nil, nil
}

func (c *oracle) limits() sel.Limits {
	l := c.Opts.Limits
	return sel.Limits{Length: l.Length, Loop: l.Loop, Array: l.Array, Stack: l.Stack, Visits: l.Visit, Memory: l.Memory}
}

func (c *oracle) compile(l sel.Limits) (*sel.Script, error) {
	if c.Mode == "engine" || c.Mode == "validate_engine" {
		return l.CompileEngine(c.Expr)
	}
	return l.Compile(c.Expr)
}

func (c *oracle) now() int64 {
	if c.Opts.NowMS != nil {
		return *c.Opts.NowMS
	}
	return time.Now().UnixMilli()
}

func (c *oracle) call(t testing.TB, fn string, args []sel.Value) (sel.Value, error) {
	for _, stub := range c.Ext {
		same := stub.Call == fn && len(stub.Args) == len(args)
		for i := 0; same && i < len(args); i++ {
			same = args[i].Str() == stub.Args[i]
		}
		if same {
			return stub.Returns.value(t), nil
		}
	}
	return sel.Value{}, &sel.Error{Kind: sel.FailUnsupported, Message: "no stub for " + fn}
}

func decode[T any](t testing.TB, raw json.RawMessage) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// double reads a number, or the name of one that JSON does not have.
type double float64

func (d *double) UnmarshalJSON(raw []byte) error {
	s := strings.Trim(string(raw), `"`)
	switch s {
	case "Infinity":
		*d = double(math.Inf(1))
	case "-Infinity":
		*d = double(math.Inf(-1))
	default:
		f, err := strconv.ParseFloat(s, 64)
		*d = double(f)
		return err
	}
	return nil
}

// value makes an input of a typed value.
func (v typed) value(t testing.TB) sel.Value {
	t.Helper()
	null := string(v.Value) == "null"
	switch v.Type {
	case "STRING":
		if null {
			return sel.NullString()
		}
		return sel.String(decode[string](t, v.Value))
	case "LONG":
		return sel.Long(decode[int64](t, v.Value))
	case "DOUBLE":
		return sel.Double(float64(decode[double](t, v.Value)))
	case "BOOLEAN":
		return sel.Bool(decode[bool](t, v.Value))
	case "STRING_ARRAY":
		var elems []sel.Value
		for _, s := range decode[[]*string](t, v.Value) {
			if s == nil {
				elems = append(elems, sel.NullString())
			} else {
				elems = append(elems, sel.String(*s))
			}
		}
		a, _ := sel.Array(sel.KindStringArray, elems)
		return a
	case "LONG_ARRAY":
		return sel.Longs(decode[[]int64](t, v.Value))
	case "DOUBLE_ARRAY":
		var ds []float64
		for _, d := range decode[[]double](t, v.Value) {
			ds = append(ds, float64(d))
		}
		return sel.Doubles(ds)
	case "BOOLEAN_ARRAY":
		return sel.Bools(decode[[]bool](t, v.Value))
	case "MAP":
		if null {
			return sel.NullMap()
		}
		var entries []sel.Entry
		dec := json.NewDecoder(bytes.NewReader(v.Value))
		_, _ = dec.Token()
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				t.Fatal(err)
			}
			var e typed
			if err := dec.Decode(&e); err != nil {
				t.Fatal(err)
			}
			entries = append(entries, sel.Entry{Key: key.(string), Value: e.value(t)})
		}
		return sel.Map(entries...)
	case "NULL":
		return sel.Null()
	}
	t.Fatalf("cannot make an input of type %s", v.Type)
	return sel.Value{}
}

// describe renders a wanted value so that it can be compared with the rendering of a Value.
func (v *typed) describe() string {
	switch v.Type {
	case "VOID", "NULL":
		return v.Type + " null"
	case "DATETIME", "DATETIME_ZONE", "DATETIME_DAYS", "DATETIME_PROPERTY", "ERROR":
		var s *string
		if err := json.Unmarshal(v.Value, &s); err != nil {
			return err.Error()
		}
		if s == nil {
			return v.Type + " null"
		}
		return v.Type + " " + strconv.Quote(*s)
	case "NAMES":
		var names []string
		if err := json.Unmarshal(v.Value, &names); err != nil {
			return err.Error()
		}
		return fmt.Sprintf("NAMES %q", names)
	}
	if v.Value == nil {
		return v.Type + " (any)"
	}
	return describe(v.value(new(testing.B)))
}

// describe renders a value with its kind.
func describe(v sel.Value) string {
	k := v.Kind()
	switch {
	case v.IsNull() || k == sel.KindVoid:
		return k.String() + " null"
	case k == sel.KindString || k == sel.KindError:
		return k.String() + " " + strconv.Quote(v.Str())
	case k == sel.KindDateTime || k == sel.KindZone || k == sel.KindDays || k == sel.KindProperty:
		return k.String() + " " + strconv.Quote(v.Text())
	case k.IsArray():
		var parts []string
		for i := range v.Len() {
			parts = append(parts, describe(v.At(i)))
		}
		return k.String() + " [" + strings.Join(parts, ", ") + "]"
	case k == sel.KindMap:
		var parts []string
		for key, e := range v.Entries() {
			parts = append(parts, strconv.Quote(key)+": "+describe(e))
		}
		slices.Sort(parts)
		return "MAP {" + strings.Join(parts, ", ") + "}"
	}
	return k.String() + " " + v.Text()
}
