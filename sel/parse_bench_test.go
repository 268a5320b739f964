package sel

import "testing"

// BenchmarkParseTenLines is the parser alone; BenchmarkCompileTenLines adds the compiler and the free names.
func BenchmarkParseTenLines(b *testing.B) {
	const text = `
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
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
