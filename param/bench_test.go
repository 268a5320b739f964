package param_test

import (
	"fmt"
	"testing"

	"maestro/param"
)

// quick answers every expression without running anything, to measure what this package adds.
type quick struct{}

type quickScript struct{ names []string }

func (s *quickScript) Names() []string { return s.names }

var quickScripts = map[bool]*quickScript{true: {[]string{"RUN_TS", "params"}}, false: {[]string{"params"}}}

func (q *quick) Compile(expr string) (param.Script, error) {
	return quickScripts[len(expr) > 100], nil
}

func (q *quick) Run(s param.Script, expr string, f param.Frame) (param.Value, error) {
	if v, ok := f.Lookup("RUN_TS"); ok && v.Type() != param.Long {
		return param.Value{}, fmt.Errorf("no RUN_TS")
	}
	if len(expr) < 40 {
		return param.LongValue(1704164645000), nil
	}
	return param.StringValue("1704164645000"), nil
}

func (q *quick) Interpolate(text string, _ func(string) (param.Value, error)) (string, error) {
	return text, nil
}

func loadDefaults(t testing.TB) *param.Defaults {
	t.Helper()
	d, err := param.LoadDefaults(param.DefaultOverrides{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What a start costs apart from running expressions: nothing overridden, the definition has four params.
func BenchmarkStart(b *testing.B) {
	defaults := loadDefaults(b)
	definition := mustDefs(b, `{"RUN_TS":{"value":1704164645000,"type":"LONG"},"x":{"value":"text","type":"STRING"},"y":{"value":[1,2],"type":"LONG_ARRAY"},"z":{"expression":"x","type":"STRING"}}`)
	for _, c := range []struct {
		name string
		defs *param.Defs
	}{{"defaults", nil}, {"definition", definition}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				merged, err := param.Merge(defaults.Workflow, c.defs, param.Context{Source: param.SourceDefinition})
				if err != nil {
					b.Fatal(err)
				}
				if merged, err = param.Cleanup(merged); err != nil {
					b.Fatal(err)
				}
				p := param.NewParams(merged)
				e := param.Evaluation{Params: p, Exprs: &quick{}, Names: inWorkflow{}, Where: "workflow [w]", Now: 7}
				if err := e.All(); err != nil {
					b.Fatal(err)
				}
				if err := param.CheckSize(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What a NOOP step costs apart from running its four expressions.
func BenchmarkStep(b *testing.B) {
	defaults := loadDefaults(b)
	b.ReportAllocs()
	for b.Loop() {
		merged, err := param.Cleanup(defaults.OfStep("NOOP"))
		if err != nil {
			b.Fatal(err)
		}
		p := param.NewParams(merged)
		e := param.Evaluation{Params: p, Exprs: &quick{}, Names: inWorkflow{}, Where: "step [s]", Now: 7}
		if err := e.All(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResults(b *testing.B) {
	defaults := loadDefaults(b)
	defs, _ := param.Cleanup(defaults.Workflow)
	p := param.NewParams(defs)
	e := param.Evaluation{Params: p, Exprs: &quick{}, Names: inWorkflow{}, Now: 1704164645000}
	if err := e.All(); err != nil {
		b.Fatal(err)
	}
	data := p.AppendResults(nil, nil)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			data = p.AppendResults(data[:0], nil)
		}
		b.ReportMetric(float64(len(data)), "bytes")
	})
	b.Run("restore", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := param.RestoreResults(defs, data, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		var text []byte
		for b.Loop() {
			text = p.AppendJSON(text[:0])
		}
		b.ReportMetric(float64(len(text)), "bytes")
	})
}
