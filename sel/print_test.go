package sel

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// scripts are seeds for the fuzz tests and cases for the round trip: one of each construct, and what is easy to get
// wrong between them.
var scripts = []string{
	``,
	`import java.util.*; import static a.b.c; 1;`,
	`1; 1.5; .5; 1e400; 'a\'"\n\\'; "\u0041"; true; null;`,
	`- -1; -(-1); - - -x; !!a; !(a && b); +(+1); -1.5;`,
	`1 - (2 - 3) - 4 * (5 + 6) % 7;`,
	`a || b && c == d < e + f * -g;`,
	`(a ? b : c) ? d : e ? f : g = 1;`,
	`(x = 1) + (y += 2); x = y = z; a[i = 1] = b[j] += 2;`,
	`(1).toString(); (1.5).intValue(); 1.5.toString(); 'a'.length(); (a + b).c; -a.b(); (-a).b();`,
	`new int[3][0]; new int[]{1, 2,}; new int[]{,}; new String[]{}.length; new Map().put('a', new DateTime(0));`,
	`int x; String a = 'b', c; int[] d = new int[2]; boolean[] e;`,
	`if (a) if (b) c; else d; else { e; }`,
	`if (a) { if (b) c; } else d;`,
	`while (a) { break; continue; } for (;;) return 1; for (int i = 0, j = 1; i < j; i += 1) x; for (a.b(); ; (1).c()) y;`,
	`throw 'a' + 1;`,
	`Util.dateIntsBetween(params['from'], params.get('to'), 1).length > 3 ? String.format('%s', 'x') : 'y';`,
	`'abc'.replaceAll('(?<x>[a-c&&[^b]]+)|\\d{2,}?', '${x}$0').split('', -1);`,
	`DateTimeFormat.forPattern("yyyy-MM-dd'T'HH:mm:ss.SSSZZ EEE z").withZone(DateTimeZone.forID('Europe/Berlin')).print(0);`,
	`m = new Map(); m.put('m', m); m.get('m').getOrDefault('x', m); Arrays.asList(m).size();`,
	`s = 'x'; for (i = 0; i < 40; i += 1) s += s; s;`,
	`été = '变量😀'; été.substring(1, 3) + "\u005cn";`,
}

// TestPrintParses prints each tree and parses the text again: the trees must be equal, whatever the positions.
func TestPrintParses(t *testing.T) {
	for _, s := range scripts {
		roundTrip(t, s)
	}
}

func roundTrip(t *testing.T, text string) {
	t.Helper()
	first, err := parse(text)
	if err != nil {
		return
	}
	printed := first.print()
	second, err := parse(printed)
	if err != nil {
		t.Fatalf("%s\nprints as\n%s\nwhich fails: %s", text, printed, err.Snippet())
	}
	if got, want := shape(second.body), shape(first.body); got != want {
		t.Fatalf("%s\nprints as\n%s\nwhich is\n%s\nnot\n%s", text, printed, got, want)
	}
}

// shape renders a tree without its positions.
func shape(x any) string {
	var b strings.Builder
	writeShape(&b, reflect.ValueOf(x))
	return b.String()
}

func writeShape(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		writeShape(b, v.Elem())
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			writeShape(b, v.Index(i))
			b.WriteByte(' ')
		}
		b.WriteByte(']')
	case reflect.Struct:
		if val, ok := v.Interface().(Value); ok {
			fmt.Fprintf(b, "%s:%q", val.Kind(), val.Text())
			return
		}
		b.WriteString(v.Type().Name() + "{")
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "pos" {
				writeShape(b, v.Field(i))
				b.WriteByte(' ')
			}
		}
		b.WriteByte('}')
	default:
		fmt.Fprintf(b, "%v", v.Interface())
	}
}

// TestDepth makes sure that nesting ends in an error and not in a stack overflow, and that long chains do not.
func TestDepth(t *testing.T) {
	l := Limits{Length: 1 << 20}
	for _, c := range []struct{ open, middle, end string }{
		{"(", "1", ")"},
		{"- ", "1", ""},
		{"a[", "0", "]"},
		{"x.f(", "1", ")"},
		{"a = ", "1", ""},
		{"a ? b : ", "1", ""},
		{"{", "1;", "}"},
		{"if (a) ", "1", ""},
		{"new int[]{", "1", "}"},
	} {
		deep := strings.Repeat(c.open, 10_000) + c.middle + strings.Repeat(c.end, 10_000) + ";"
		if _, err := l.Compile(deep); err == nil || err.(*Error).Kind != FailParse {
			t.Errorf("%s nested deep: got %v, want a parse error", c.open, err)
		}
		fine := strings.Repeat(c.open, 200) + c.middle + strings.Repeat(c.end, 200) + ";"
		if _, err := l.Compile(strings.ReplaceAll(fine, ";};", ";}")); err != nil && c.open != "{" {
			t.Errorf("%s nested 200 deep: %v", c.open, err)
		}
	}
	chain := strings.Repeat("1 + ", 200_000) + "1;"
	s, err := l.Compile(chain)
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.Run(&Env{Limits: l})
	if err != nil || v.Int64() != 200_001 {
		t.Errorf("long chain: got %v, %v", v.Text(), err)
	}
}
