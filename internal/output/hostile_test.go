package output_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestHostile reads the worst that fits into a report.
func TestHostile(t *testing.T) {
	t.Parallel()
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"many lines":             many(50_000, "a%d=\n"),
		"a list of many":         `{"a":[` + strings.Repeat("1,", 370_000) + `1]}`,
		"too many":               `{"a":[` + strings.Repeat("1,", 410_000) + `1]}`,
		"a list in lists":        `{"a":` + strings.Repeat("[", 190) + strings.Repeat("1,", 300_000) + "1" + strings.Repeat("]", 190) + `}`,
		"many members":           `{` + many(30_000, `"a%d":1,`) + `"b":1}`,
		"many wrong ones":        `{` + many(100_000, `"a%d":null,`) + `"b":1}`,
		"many artifacts":         `{"artifacts":{` + many(30_000, `"a%d":{},`) + `"b":{}}}`,
		"one name again":         `{` + strings.Repeat(`"a":1,`, 180_000) + `"b":1}`,
		"maps in maps":           strings.Repeat(`{"a":`, 199) + "1" + strings.Repeat("}", 199),
		"a long name":            `{"` + strings.Repeat("a", 900_000) + `":{` + many(10_000, `"a%d":1,`) + `"b":1}}`,
		"long names all down":    strings.Repeat(`{"`+strings.Repeat("a", 5000)+`":`, 190) + `{` + many(30_000, `"a%d":1,`) + `"b":1}` + strings.Repeat("}", 190),
		"wrong far down":         strings.Repeat(`{"`+strings.Repeat("a", 5000)+`":`, 190) + `{` + many(30_000, `"a%d":null,`) + `"b":1}` + strings.Repeat("}", 190),
		"many signals":           `{"artifacts":{"maestro_dynamic_output":{"signal_outputs":[` + strings.Repeat(`{},`, 30_000) + `{"name":"s"}]}}}`,
		"one name in many lines": strings.Repeat("n=1\n", 200_000),
		"one word without end":   strings.Repeat("a<<b\n", 200_000),
		"many words":             strings.Repeat("a<<b\nb\n", 200_000),
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			r := reader()
			got := encoded(r, r.File([]byte(text)))
			d := time.Since(begun)
			t.Logf("%d bytes in %s: %.100s", len(text), d.Round(time.Millisecond), got)
			if d > 10*time.Second {
				t.Error("too slow")
			}
		})
	}
}
