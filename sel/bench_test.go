package sel_test

import (
	"testing"

	"maestro/sel"
)

// run evaluates a compiled script and fails the benchmark if that fails.
func run(b *testing.B, s *sel.Script, env *sel.Env) sel.Value {
	v, err := s.Run(env)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

func compiled(b *testing.B, text string) *sel.Script {
	s, err := sel.CompileEngine(text)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func inputs(m map[string]sel.Value) func(string) (sel.Value, bool, error) {
	return func(name string) (sel.Value, bool, error) {
		v, ok := m[name]
		return v, ok, nil
	}
}

func BenchmarkArithmetic(b *testing.B) {
	s := compiled(b, "(n + 1) * 3 - m / 2")
	env := &sel.Env{Lookup: inputs(map[string]sel.Value{"n": sel.Long(5), "m": sel.Long(9)})}
	b.ReportAllocs()
	for b.Loop() {
		run(b, s, env)
	}
}

func BenchmarkCompare(b *testing.B) {
	s := compiled(b, "n < 10 && status == 'done'")
	env := &sel.Env{Lookup: inputs(map[string]sel.Value{"n": sel.Long(5), "status": sel.String("done")})}
	b.ReportAllocs()
	for b.Loop() {
		run(b, s, env)
	}
}

const tenLines = `
DateTime t0 = new DateTime(RUN_TS).minusDays(1);
DateTime t1 = t0.withZone(DateTimeZone.forID("UTC"));
String day = t1.toString("yyyyMMdd");
total = 0;
for (int i = 0; i < count; i += 1) {
  total += i * 2 + offset;
}
if (total > 10 && day != '20200101') return day + '_' + total;
return 'none';
`

func BenchmarkCompileTenLines(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sel.Compile(tenLines); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFreeNames is what validation costs: compiling, of which parsing is about half.
func BenchmarkFreeNames(b *testing.B) {
	for b.Loop() {
		s, err := sel.CompileEngine("return maestro_step_satisfied && (params.getFromStep('job.3', 'param2') > 0)")
		if err != nil || len(s.Names()) != 2 {
			b.Fatal(err)
		}
	}
}

func BenchmarkMillionRounds(b *testing.B) {
	s := compiled(b, "s = 0; for (i = 0; i < 1000000; i += 1) s += i; return s")
	env := &sel.Env{Limits: sel.Limits{Loop: 2_000_000}}
	for b.Loop() {
		if v := run(b, s, env); v.Int64() != 499999500000 {
			b.Fatal(v.Int64())
		}
	}
}

// BenchmarkNestedLoops is the upstream test of eleven million inner rounds.
func BenchmarkNestedLoops(b *testing.B) {
	s := compiled(b, "int s = 0; for (int i = 0; i < 3300; i += 1) { for (int j = 0; j < 3333; j += 1) { s = s + j % 7; } } return s;")
	env := &sel.Env{Limits: sel.Limits{Loop: 10000, Visits: 1_000_000_000, Memory: 1 << 40}}
	for b.Loop() {
		run(b, s, env)
	}
}

// defaultParams are the expressions that every start of a workflow evaluates.
var defaultParams = []string{
	`String tz = params.getFromInstance("FIRST_TIME_TRIGGER_TIMEZONE"); return tz != null && !tz.isEmpty() ? tz : "UTC";`,
	`String tz = params.getFromInstance("INITIATOR_TIMEZONE"); return tz != null && !tz.isEmpty() ? tz : DSL_DEFAULT_TZ;`,
	`System.currentTimeMillis();`,
	`new DateTime(RUN_TS).withZone(DateTimeZone.forID(WORKFLOW_CRON_TIMEZONE)).toString("yyyyMMdd");`,
	`new DateTime(RUN_TS).withZone(DateTimeZone.forID(WORKFLOW_CRON_TIMEZONE)).toString("HH");`,
	`Util.dateIntHourToTs(TARGET_RUN_DATE, TARGET_RUN_HOUR, WORKFLOW_CRON_TIMEZONE, 0, 0)`,
	zoned("", `"America/Los_Angeles"`, "", "yyyyMMdd"),
	zoned("", `"America/Los_Angeles"`, ".minusDays(1)", "yyyyMMdd"),
	zoned("", `"UTC"`, "", "yyyyMMdd"),
	zoned("", `"UTC"`, ".minusDays(1)", "yyyyMMdd"),
	zoned("", `"UTC"`, ".plusDays(1)", "yyyyMMdd"),
	zoned("", `"UTC"`, ".minusHours(1)", "yyyyMMdd"),
	zoned("", `"UTC"`, ".plusHours(1)", "yyyyMMdd"),
	zoned("", `"America/Los_Angeles"`, "", "HH"),
	zoned("", `"UTC"`, "", "HH"),
	zoned("", `"UTC"`, ".minusHours(1)", "HH"),
	zoned("", `"UTC"`, ".plusHours(1)", "HH"),
	zoned("", "WORKFLOW_CRON_TIMEZONE", "", "yyyyMMdd"),
	zoned("", `"UTC"`, "", "yyyyMMdd"),
	zoned(".minusDays(1)", `"UTC"`, "", "yyyyMMdd"),
	zoned(".minusDays(7)", `"UTC"`, "", "yyyyMMdd"),
	`return params.getFromInstance("owner");`,
	`return params.getFromInstance("workflow_id");`,
}

func zoned(before, zone, after, pattern string) string {
	return `
    DateTime t0 = new DateTime(DERIVED_RUN_TS)` + before + `;
    DateTime t1 = t0.withZone(DateTimeZone.forID(` + zone + `));
    t1` + after + `.toString("` + pattern + `");
    `
}

func BenchmarkDefaultParams(b *testing.B) {
	var scripts []*sel.Script
	for _, text := range defaultParams {
		scripts = append(scripts, compiled(b, text))
	}
	values := map[string]sel.Value{
		"RUN_TS":                 sel.Long(1609459200000),
		"DERIVED_RUN_TS":         sel.Long(1609459200000),
		"WORKFLOW_CRON_TIMEZONE": sel.String("US/Eastern"),
		"TARGET_RUN_DATE":        sel.String("20210101"),
		"TARGET_RUN_HOUR":        sel.String("05"),
		"DSL_DEFAULT_TZ":         sel.String("UTC"),
	}
	env := &sel.Env{
		Lookup: inputs(values),
		Now:    func() int64 { return 1609459200000 },
		Call:   func(string, []sel.Value) (sel.Value, error) { return sel.String("x"), nil },
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range scripts {
			run(b, s, env)
		}
	}
}

func BenchmarkInterpolate(b *testing.B) {
	t := sel.CompileTemplate("s3://bucket/${table}/date=$date/hour=$hour")
	lookup := inputs(map[string]sel.Value{"table": sel.String("t"), "date": sel.Long(20210101), "hour": sel.String("05")})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.Expand(nil, lookup); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCache(b *testing.B) {
	c := sel.NewCache(100, 1<<20)
	for b.Loop() {
		if _, err := c.Compile(tenLines); err != nil {
			b.Fatal(err)
		}
	}
}
