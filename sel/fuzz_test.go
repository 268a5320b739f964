package sel

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// seed adds the scripts of the tests, and the inputs of the conformance data.
func seed(f *testing.F) {
	f.Helper()
	for _, s := range scripts {
		f.Add(s)
	}
	files, err := filepath.Glob("../conformance/*.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		lines := bufio.NewScanner(strings.NewReader(string(data)))
		lines.Buffer(nil, 1<<24)
		for lines.Scan() {
			var c struct{ Expr string }
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				f.Fatal(err)
			}
			f.Add(c.Expr)
		}
	}
}

// kinds are all ways to fail; anything else is a bug.
var kinds = map[Failure]bool{
	FailLex: true, FailParse: true, FailNumberFormat: true, FailTypeMismatch: true, FailIllegalArgument: true,
	FailCallFailed: true, FailUnsupported: true, FailClassCast: true, FailNullPointer: true, FailArithmetic: true,
	FailIndex: true, FailNegativeSize: true, FailControl: true, FailLengthLimit: true, FailLoopLimit: true,
	FailArrayLimit: true, FailStackLimit: true, FailVisitLimit: true, FailMemoryLimit: true, FailThrown: true,
	FailReturnType: true,
}

func checkError(t *testing.T, err error) {
	t.Helper()
	e, ok := err.(*Error)
	if !ok || !kinds[e.Kind] || e.Message == "" {
		t.Fatalf("unexpected error %#v", err)
	}
	if e.Line > 0 && (e.Column < 1 || e.Column > len([]rune(e.Source))+1) {
		t.Fatalf("column %d is outside of %q", e.Column, e.Source)
	}
	if strings.Contains(e.Error(), "\n") && !strings.Contains(e.Message, "\n") {
		t.Fatalf("more than one line: %q", e.Error())
	}
}

func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := Compile(text); err != nil {
			checkError(t, err)
			return
		}
		roundTrip(t, text)
	})
}

func FuzzRun(f *testing.F) {
	seed(f)
	limits := Limits{Loop: 50, Array: 1000, Visits: 20_000, Memory: 200_000}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := CompileEngine(text)
		if err != nil {
			checkError(t, err)
			return
		}
		random := uint64(1)
		env := &Env{
			Lookup: func(name string) (Value, bool, error) {
				return Map(Entry{"n", Long(7)}, Entry{"a", Strings([]string{"x", name})}), name != "zzz", nil
			},
			Call:   func(fn string, args []Value) (Value, error) { return String(fn), nil },
			Now:    func() int64 { return 1700000000000 },
			Random: func() uint64 { random *= 6364136223846793005; return random },
			Limits: limits,
		}
		v, err := s.Run(env)
		if err != nil {
			checkError(t, err)
			return
		}
		again, err := s.Run(env)
		if err != nil && !strings.Contains(text, "andom") {
			t.Fatalf("the second run fails: %v", err)
		}
		if again.Text() != v.Text() && !strings.Contains(text, "andom") && !strings.Contains(text, `\u`) {
			t.Fatalf("got %s, then %s", v.Text(), again.Text())
		}
		if _, err := v.JSON(); err != nil {
			t.Fatalf("result has no JSON: %v", err)
		}
	})
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"", "$a ${b-c.d/e} $$x $$$y $$$$z $ ${ ${} $1", "a$"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		seen := map[string]bool{}
		out, err := Interpolate(nil, text, func(name string) (Value, bool, error) {
			seen[name] = true
			return String("v"), true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range References(text) {
			if !seen[name] {
				t.Fatalf("%s was never looked up", name)
			}
		}
		if !strings.Contains(text, "$") && out != text {
			t.Fatalf("got %q, want the text", out)
		}
		if want := slowInterpolate(text); out != want {
			t.Fatalf("got %q, want %q", out, want)
		}
	})
}

// slowInterpolate is the algorithm as the specification words it, with the value v for every name.
func slowInterpolate(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '$' {
			b.WriteByte(s[i])
			i++
			continue
		}
		dollar := i+1 < len(s) && s[i+1] == '$'
		if free(s, i) {
			if _, end := variable(s, i); end > 0 {
				b.WriteByte('v')
				i = end
				continue
			}
			if dollar {
				if _, end := variable(s, i+1); end > 0 {
					b.WriteString(s[i+1 : end])
					i = end
					continue
				}
			}
		}
		b.WriteByte('$')
		if i++; dollar {
			i++
		}
	}
	return b.String()
}
