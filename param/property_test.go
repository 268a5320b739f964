package param_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"maestro/param"
)

var types = []param.Type{
	param.String, param.Long, param.Double, param.Boolean, param.StringMap,
	param.StringArray, param.LongArray, param.DoubleArray, param.BooleanArray, param.Map,
}

func randomValue(r *rand.Rand, t param.Type, depth int) param.Value {
	text := func() string {
		return [...]string{"", "x", "5", "true", "$a", "${b}", "$$a", "2.5", "é€😀", "$", "\"\\\n"}[r.IntN(11)]
	}
	n := r.IntN(3)
	switch t {
	case param.String:
		return param.StringValue(text())
	case param.Long:
		return param.LongValue(r.Int64() >> r.IntN(64))
	case param.Double:
		return param.DoubleValue([...]float64{0, 1, -2.5, 1e20, 1e-9, 3.25}[r.IntN(6)])
	case param.Boolean:
		return param.BooleanValue(n == 0)
	case param.StringMap:
		m := &param.Texts{}
		for i := range n {
			m.Set(fmt.Sprint("k", i, text()), text())
		}
		return param.StringMapValue(m)
	case param.StringArray:
		s := make([]string, n)
		for i := range s {
			s[i] = text()
		}
		return param.StringArrayValue(s)
	case param.LongArray:
		return param.LongArrayValue(make([]int64, n))
	case param.DoubleArray:
		return param.DoubleArrayValue(make([]float64, n))
	case param.BooleanArray:
		return param.BooleanArrayValue(make([]bool, n))
	}
	if depth == 0 {
		return param.DefsValue(nil)
	}
	return param.DefsValue(randomDefs(r, depth-1))
}

var names = strings.Fields("a b c d e f g h i j k")

func randomDef(r *rand.Rand, depth int) *param.Def {
	d := &param.Def{Type: types[r.IntN(len(types))]}
	if r.IntN(3) == 0 {
		d.HasExpression = true
		d.Expression = [...]string{"a + 1", "b", "1", "'x'", "['p','q']", "map(k=v)", "c + d", "true", "1.5"}[r.IntN(9)]
	} else {
		d.Value = randomValue(r, d.Type, depth)
	}
	d.Mode = param.Mode(r.IntN(8) % 6)
	if r.IntN(6) == 0 {
		d.InternalMode = param.InternalMode(r.IntN(5))
	}
	if r.IntN(4) == 0 {
		d.Tags = []param.Tag{{Name: names[r.IntN(3)]}}
	}
	return d
}

func randomDefs(r *rand.Rand, depth int) *param.Defs {
	out := &param.Defs{}
	for range r.IntN(12) {
		out.Set(names[r.IntN(len(names))], randomDef(r, depth))
	}
	return out
}

func keys(s *param.Defs) (out []string) {
	for name := range s.All() {
		out = append(out, name)
	}
	return out
}

// Merging keeps the order of base, appends new names, changes neither argument, and gives complete definitions.
func TestMergeProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	merged := 0
	for range 20000 {
		base, err := param.Merge(nil, randomDefs(r, 2), param.Context{Source: param.SourceDefinition})
		if err != nil {
			t.Fatalf("merging into nothing: %v", err)
		}
		in := randomDefs(r, 2)
		ctx := param.Context{Source: param.Source(1 + r.IntN(15)), Upstream: r.IntN(3) == 0, Restart: r.IntN(3) == 0}
		before, inBefore := string(base.AppendJSON(nil)), string(in.AppendJSON(nil))
		out, err := param.Merge(base, in, ctx)
		if string(base.AppendJSON(nil)) != before || string(in.AppendJSON(nil)) != inBefore {
			t.Fatalf("merge changed its arguments")
		}
		if err != nil {
			continue
		}
		merged++
		want := keys(base)
		for _, name := range keys(in) {
			if !base.Has(name) {
				want = append(want, name)
			}
		}
		if got := keys(out); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("order: got %v, want %v", got, want)
		}
		for name, d := range out.All() {
			if d.Mode == param.NoMode || d.Tags == nil || d.Source == param.NoSource {
				t.Fatalf("%s is incomplete: %s", name, d.AppendJSON(nil))
			}
			if b := base.Get(name); b != nil && d.Type != b.Type {
				t.Fatalf("%s changed its type", name)
			}
		}
	}
	if merged < 1000 {
		t.Fatalf("only %d merges succeeded", merged)
	}
}

// For the system stages merging is associative in names, order and values.
func TestMergeAssociative(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	ctx := param.Context{Source: param.SourceSystemDefault}
	for range 5000 {
		a, b, c := randomDefs(r, 1), randomDefs(r, 1), randomDefs(r, 1)
		for _, s := range []*param.Defs{b, c} { // the same types, so that nothing is cast
			for name, d := range s.All() {
				for _, earlier := range []*param.Defs{a, b} {
					if e := earlier.Get(name); e != nil && e.Type != d.Type {
						s.Set(name, e)
					}
				}
			}
		}
		left, err := param.Merge(nil, a, ctx)
		if err == nil {
			left, err = param.Merge(left, b, ctx)
		}
		if err == nil {
			left, err = param.Merge(left, c, ctx)
		}
		right, err2 := param.Merge(b, c, ctx)
		if err2 == nil {
			var base *param.Defs
			base, _ = param.Merge(nil, a, ctx)
			right, err2 = param.Merge(base, right, ctx)
		}
		if err != nil || err2 != nil {
			continue // a MAP over an expression
		}
		if fmt.Sprint(keys(left)) != fmt.Sprint(keys(right)) {
			t.Fatalf("order: %v, %v", keys(left), keys(right))
		}
		for name, d := range left.All() {
			if e := right.Get(name); !d.Value.Equal(e.Value) && d.Type != param.Map || d.Expression != e.Expression {
				t.Fatalf("%s: %s\n%s", name, d.AppendJSON(nil), e.AppendJSON(nil))
			}
		}
	}
}

// The order of declaration decides the order of evaluation and nothing else.
func TestEvaluationOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	succeeded := 0
	for range 5000 {
		defs, err := param.Merge(nil, randomDefs(r, 1), param.Context{Source: param.SourceDefinition})
		if err != nil {
			t.Fatal(err)
		}
		shuffled := &param.Defs{}
		order := keys(defs)
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, name := range order {
			shuffled.Set(name, defs.Get(name))
		}
		a, err := evaluate(defs)
		b, err2 := evaluate(shuffled)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%v, but shuffled %v", err, err2)
		}
		if err != nil {
			continue
		}
		succeeded++
		for name, p := range a.All() {
			if q := b.Lookup(name); !p.Result.Equal(q.Result) {
				t.Fatalf("%s: %s, shuffled %s", name, p.Result, q.Result)
			}
		}
		roundTrips(t, defs, a)
	}
	if succeeded < 500 {
		t.Fatalf("only %d evaluations succeeded", succeeded)
	}
}

// roundTrips checks that evaluated params survive both forms of storage.
func roundTrips(t *testing.T, defs *param.Defs, p *param.Params) {
	t.Helper()
	want := string(p.AppendJSON(nil))
	back, err := param.RestoreResults(defs, p.AppendResults(nil, nil), nil)
	if err != nil {
		t.Fatalf("restore %s: %v", want, err)
	}
	if got := string(back.AppendJSON(nil)); got != want {
		t.Fatalf("restored\n%s, want\n%s", got, want)
	}
	var decoded param.Params
	if err := decoded.UnmarshalJSON([]byte(want)); err != nil {
		t.Fatalf("read %s: %v", want, err)
	}
	if got := string(decoded.AppendJSON(nil)); got != want {
		t.Fatalf("decoded\n%s, want\n%s", got, want)
	}
	again, err := p.ToDefs()
	if err != nil {
		return // a MAP entry that does not fit its type
	}
	var stored param.Defs
	if err := stored.UnmarshalJSON(again.AppendStored(nil)); err != nil {
		t.Fatal(err)
	}
	merged, err := param.Merge(nil, &stored, param.Context{Source: param.SourceSystem})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evaluate(merged); err != nil && !hasImmutable(again) {
		t.Fatalf("evaluating evaluated params: %v", err)
	}
}

func hasImmutable(defs *param.Defs) bool {
	for _, d := range defs.All() {
		if d.Mode == param.Immutable {
			return true
		}
	}
	return false
}
