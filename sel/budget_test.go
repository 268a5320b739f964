package sel_test

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"maestro/internal/meter"
	"maestro/sel"
)

// hog is a script that takes as much as it can of one thing.
type hog struct {
	name, text string
	endless    bool // it goes on until a limit is hit
}

// setup makes the texts, lists and maps that the hogs work on.
const setup = `
s = 'abcdefghijklmnop'; for (i = 0; i < 14; i += 1) s += s;
u = 'aé漢𝄞aé漢𝄞'; for (i = 0; i < 12; i += 1) u += u;
c = '\t\n"'; for (i = 0; i < 14; i += 1) c += c;
z = '0'; for (i = 0; i < 18; i += 1) z += z;
d = '....ΣA'; for (i = 0; i < 14; i += 1) d += d;
a = new int[25000]; t = new String[25000]; for (i = 0; i < 25000; i += 1) { a[i] = i; t[i] = 'x'; }
f = new double[25000]; for (i = 0; i < 25000; i += 1) f[i] = 0.1234567890123 + i;
m = new Map(); for (i = 0; i < 5000; i += 1) m.put('key' + i, i);
Map n = new Map(); n.put('a', m); for (i = 0; i < 40; i += 1) { Map o = new Map(); o.put('a', n); o.put('b', n); o.put('c', n); Map n = o; }
k = DateTimeZone.forID('America/Los_Angeles'); q = new DateTime(8000000000000000, k); w = new DateTime(1700000000000, k);
`

// forever repeats a statement until a limit is hit.
func forever(statement string) string {
	return setup + "for (i = 0; i < 25000; i += 1) for (j = 0; j < 25000; j += 1) { " + statement + " }"
}

func hogs() []hog {
	var list []hog
	for _, statement := range []string{
		"x = 1;", "x = 1 + 2 * i - j;", "x = i < j && j > 3;", "double y = 1.5 * i;", "x = i == j ? 1 : 2;", "int v = i;", "a[j] = i;", "x = a[j];", "x = new int[0];",
		"x = new int[25000];", "x = new int[]{1,2,3};", "x = new String[]{'a','b'};", "x = new Map();", "x = -i;", "b = !(i == j);", "x = f[j] / 3;", "x = 1.5 % 0.7;",
		"x = s + 'a';", "x = 'a' + s;", "x = s + s;", "s += 'a';", "s += i;", "x = u + i;", "e = ''; for (l = 0; l < 8000; l += 1) e += s;", "x = '' + m;", "x = '' + a;", "x = '' + f;",
		"x = '' + n;", "x = s == s + '';", "x = s == z;", "x = '' + 0.1234;", "x = '' + q;",
		"s.length();", "u.length();", "s.isEmpty();", "s.toUpperCase();", "u.toUpperCase();", "s.toLowerCase();", "u.toLowerCase();", "d.toLowerCase();", "s.trim();", "('   ' + u).trim();",
		"s.substring(1);", "s.substring(5, 6);", "u.substring(1);", "u.substring(5, 6);", "s.lastIndexOf('A');", "s.lastIndexOf('b');", "u.lastIndexOf('a');", "s.startsWith(s);", "s.endsWith(s);",
		"s.contains('zzzz');", "z.contains('00000000000000001');", "s.equals(s + '');", "'a'.compareTo(s);", "'a'.compareTo(u);", "(s + 'a').compareTo(s + 'b');",
		"s.replace('a', 'b');", "s.replace('', '');", "s.replace('', 'ab');", "u.replace('', '');", "s.replace('abc', '');", "x = 'ab'.replace('', s);",
		"s.replaceAll('a', 'b');", "s.replaceAll('', '');", "s.replaceAll('x*', '');", "s.replaceAll('x*', 'yy');", "s.replaceAll('.', '$0$0');", "u.replaceAll('.', '$0$0');", "s.replaceAll('(a)(b)?', '$2$1');",
		"s.replaceAll('(a*)*b', '');", "s.replaceAll('(?=(.)(.)(.))', '');", "s.replaceAll('(?<=a)b', '');", "s.replaceAll('a', '\\\\$x');", "s.replaceAll(j + '(x{1,300}){300}', '');", "s.replaceAll('(a{1000}){100}', '');",
		"s.replaceAll('[^z]*z', '');", "s.replaceAll('(?iu)[à-ÿ]', '');", "'a'.replaceAll(s, '');", "'a'.replaceAll('[' + s.substring(0, 90000) + ']', '');",
		"'a'.replaceAll(s.substring(0, 90000) + '*', '');", "'a'.split('(?<=(?<=(?<=(?<=a))))');",
		"s.split('a');", "s.split('');", "u.split('');", "z.split('0');", "z.split('0', -1);", "z.split('0', 3);", "s.split('[a-c]', -1);", "s.split('x*', 100);",
		"String.valueOf(s);", "String.valueOf(m);", "String.valueOf(n);", "String.valueOf(a);", "String.valueOf(i);", "String.join(',', t);", "String.join(s, t);", "String.join('', s, s, s);", "String.join(',', 'a', 'b');",
		"s.escape();", "c.escape();", "String.escape(u);",
		"String.format('%s', s);", "String.format('%S', u);", "String.format('%1000000d', 1);", "String.format('%01000000d', 1);", "String.format('%-1000000s|', 'a');", "String.format('%.1000000f', 1.5);",
		"String.format('%01000000.1000f', 1.5);", "String.format('%,.100000f', 1.5E300);", "String.format('%.100000e', 1.5);", "String.format('%.100000g', 1.5);", "String.format('%.1s', s);", "String.format('%.1s', u);", "String.format('%1s', u);",
		"String.format('%h', n);", "String.format('%s', n);", "String.format('%h', s);", "String.format(s, 1);", "String.format('%%%%%%%%%%%%%n%n%n%n');", "String.format('%d%d%d%d%d%d%d%d', 1, 2, 3, 4, 5, 6, 7, 8);",
		"String.format('%x%o%c%b', 10, 10, 65, true);", "String.format('%s%" + strings.Repeat("<", 3000) + "s', 1);", "String.format(z + '%1" + strings.Repeat("0", 9) + "d', 1);", "String.format('%99999999d%99999999d', 1, 2);",
		"String.format('" + strings.Repeat("%1$999d", 300) + "', 1);", "String.format('" + strings.Repeat("%1$99999f", 300) + "', 1.5);", "String.format('" + strings.Repeat("%1$9999999S", 3) + "', s);", "String.format('%#x%(d%+d% d', 1, 2, 3, 4);",
		"i.toString();", "Long.valueOf('123');", "Long.parseLong(z);", "Double.parseDouble(z);", "Double.parseDouble('1.7976931348623157E308');", "Double.parseDouble('0.1234567890123456789');", "Double.valueOf('1e5').toString();",
		"new Integer(z);", "new Boolean(s);", "new String(s);", "new Double('0x1.8p3');", "Math.pow(1.0001, 1000);", "Math.pow(2, i);", "Math.max(i, j);", "Math.random();", "UUID.randomUUID().toString();",
		"m.get('key77');", "m.put('key' + i + '_' + j, 1);", "m.put('k', j);", "m.containsKey(s);", "m.getOrDefault('x', 1);", "m.size();", "Arrays.asList(a);", "x = new Map(); x.put(s, 1); x.put('b', 2); x.put('c', x);", "g = new Map(); for (l = 0; l < 1000; l += 1) g.put('' + l, l);",
		"Util.toJson(s);", "Util.toJson(c);", "Util.toJson(a);", "Util.toJson(f);", "Util.toJson(t);", "Util.toJson(m);", "Util.toJson(n);", "Util.toJson(1);", "Util.toJson(u);",
		"Util.intsBetween(0, 25000, 1);", "Util.intsBetween(0, 9000000000000000000, 1);", "Util.intsBetween('5', '1', -1);", "Util.dateIntsBetween(19700101, 20300101, 1);", "Util.dateIntsBetween(19700101, '99991231', 1);", "Util.dateIntsBetween(20300101, 19700101, -1);",
		"Util.dateIntToTs(20200101);", "Util.tsToDateInt(j);", "Util.incrementDateInt(20200101, j);", "Util.dateIntHourToTs('20200101', '05', 'America/Los_Angeles', 1, 1);", "Util.timeoutForDateIntDeadline(20200101, '1 day, 2 hours and 3 minutes');",
		"Util.timeoutForDateIntDeadline(20200101, '1 weeks');", "x = Util.dateIntToTs('2019111');",
		"new DateTime(j);", "new DateTime('2019-01-01T10:20:30.5+01:00');", "new DateTime(2019, 1, 1, 1, 1, 1, 1, k);", "new DateTime('2019-W05-7');", "w.plusDays(1);", "q.plusDays(1);", "q.minusYears(1);", "w.plusMonths(j);", "q.withDayOfMonth(3);", "q.withWeekyear(2020);",
		"w.withTimeAtStartOfDay();", "q.toString();", "w.toString('yyyy-MM-dd HH:mm:ss.SSS ZZ');", "q.toString('zzzz ZZZ EEEE MMMM G a');", "q.getMillisOfDay();", "w.getWeekOfWeekyear();", "w.isAfter(q);", "q.dayOfMonth().withMaximumValue();", "q.monthOfYear().getAsText();", "w.weekOfWeekyear().withMinimumValue();",
		"Days.daysBetween(w, q).getDays();", "k.getOffset(q);", "DateTimeZone.forID('America/New_York');", "DateTimeZone.forID('+05:3' + j % 10);", "w.withZone(k);",
		"DateTimeFormat.forPattern('yyyyMMdd').parseDateTime('20200101');", "DateTimeFormat.forPattern('" + strings.Repeat("y-", 300) + "').print(0);", "DateTimeFormat.forPattern(z.replace('0', 'y-')).print(0);", "DateTimeFormat.forPattern(z.replace('0', 'y'));", "DateTimeFormat.forPattern('" + strings.Repeat("S", 3000) + "').print(0);",
		"DateTimeFormat.forPattern('ZZZ').parseDateTime('America/Los_Angeles');", "DateTimeFormat.forPattern('MMMM EEEE a G').parseDateTime('December Sunday PM AD');", "DateTimeFormat.forPattern('D D D D D D D D').parseDateTime('1 1 1 1 1 1 1 1');",
		"DateTimeFormat.forPattern('" + strings.Repeat("z ", 500) + "').print(q);", "DateTimeFormat.forPattern('yy').parseDateTime('20');", "DateTimeFormat.forPattern('YYYYMMdd').withZone(k).parseMillis('20200308');", "DateTimeFormat.forPattern(\"'\" + s + \"'\").print(0);", "DateTimeFormat.forPattern(\"'\" + s + \"'\").parseDateTime(s);",
		"params.get('big');", "x = params['big'];", "params.containsKey('big');", "params.f('a', 'b');", "params.big.length;", "params.get('wide').size();",
	} {
		list = append(list, hog{statement, forever(statement), true})
	}
	// Statements that fail by themselves, and what a result makes.
	for _, text := range []string{
		"return s.replaceAll('[' + s + '(', '');", "return DateTimeFormat.forPattern(z.replace('0', 'q'));", "return Util.timeoutForDateIntDeadline(20200101, s);", "throw s;", "return new DateTime(s);", "s.replaceAll('[', '');", "String.format('%Q' + s, 1);", "w.toString(s.replace('c', 'd').substring(0, 2));", "DateTimeFormat.forPattern('ZZZ').parseDateTime(s);", "Double.parseDouble(s);", "s.replaceAll('(.|a|b|c)*z', '');", "return Long.parseLong(s);",
		"for (i = 0; i < 25000; i += 1) t[i] = s; return t;", "return n;", "m.put('m', m); return m;", "return f;", "return Util.toJson(n);", "return '' + n;", "return s;", "return m;", "x = new Map(); for (i = 0; i < 100; i += 1) x.put('' + i, t); return x;",
		"y = ''; for (i = 0; i < 8000; i += 1) { y += s; } return y;", "y = ''; for (i = 0; i < 8000; i += 1) { y = y + s; } return y;", "y = ''; for (i = 0; i < 20000; i += 1) { y = y + i; x = y + 'a'; x = y + 'b'; } return y;",
		"y = ''; for (i = 0; i < 25000; i += 1) y += s.substring(i, i + 1); return y;", "y = s; while (true) y = y.substring(1) + 'a';", "x = ''; for (i = 0; i < 24000; i += 1) { x += u.substring(i, i + 1); } return x;",
	} {
		list = append(list, hog{name: text, text: setup + text})
	}
	return list
}

func hogEnv(m *meter.Meter) *sel.Env {
	wide := make([]sel.Entry, 2000)
	for i := range wide {
		wide[i] = sel.Entry{Key: strings.Repeat("k", i%50) + string(rune('a'+i%26)) + strings.Repeat("v", i/50), Value: sel.Long(int64(i))}
	}
	values := map[string]sel.Value{"big": sel.Longs(make([]int64, 20_000)), "wide": sel.Map(wide...)}
	random := uint64(1)
	return &sel.Env{
		Lookup: inputs(values), Meter: m, Now: func() int64 { return 1_700_000_000_000 },
		Random: func() uint64 { random *= 6364136223846793005; return random },
		Call:   func(string, []sel.Value) (sel.Value, error) { return sel.String("x"), nil },
	}
}

// TestBudgetsHold lets every built-in do as much as the limits allow. What is allocated must be in proportion to what is
// charged, and a script that does not fail by itself must hit a limit.
func TestBudgetsHold(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds of the processor")
	}
	for _, h := range hogs() {
		s, err := sel.CompileEngine(h.text)
		if err != nil {
			t.Fatalf("%s: %v", h.name, err)
		}
		m := meter.New(meter.Limits{Work: 10_000_000, Memory: 30_000_000})
		env := hogEnv(m)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := cpu()
		_, err = s.Run(env)
		took := cpu() - start
		runtime.ReadMemStats(&after)
		work, memory := m.Spent()
		allocated := int64(after.TotalAlloc - before.TotalAlloc)
		t.Logf("%5.1f ns a step, %.2f bytes a byte, %5d ms, %v: %.60s", float64(took.Nanoseconds())/float64(work), float64(allocated)/float64(memory), took.Milliseconds(), kindOf(err), h.name)
		if limit := memory + memory/4 + 1_000_000; allocated > limit {
			t.Errorf("%s: allocates %d bytes, charged are %d", h.name, allocated, memory)
		}
		if took > 20*time.Second {
			t.Errorf("%s: takes %v of the processor for %d steps", h.name, took, work)
		}
		if h.endless && m.Err() == nil {
			t.Errorf("%s: got %v, want a limit", h.name, err)
		}
		if err != nil && len(err.Error()) > 11_000 {
			t.Errorf("%s: the message has %d bytes", h.name, len(err.Error()))
		}
	}
}

func kindOf(err error) sel.Failure {
	if e, ok := errors.AsType[*sel.Error](err); ok {
		return e.Kind
	}
	return ""
}

// cpu is the time that this process has taken of the processor.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestAppending builds a text piece by piece. What it costs is in proportion to the text, in every way to write it.
func TestAppending(t *testing.T) {
	for _, body := range []string{"s += 'abcdefgh';", "s = s + 'abcdefgh';", "s = s + i; s += 'x';", "s += s.length();", "a += 'ab'; b += 'cd'; s = s + 'abcd';"} {
		cost := func(rounds int) (work, memory int64) {
			m := meter.New(meter.Limits{})
			text := "s = ''; a = ''; b = ''; for (i = 0; i < " + strconv.Itoa(rounds) + "; i += 1) { " + body + " } return s;"
			if _, err := mustCompile(t, text).Run(&sel.Env{Meter: m}); err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			return m.Spent()
		}
		work, memory := cost(2_000)
		work8, memory8 := cost(16_000)
		// length looks at the text, which makes the fourth way quadratic.
		if !strings.Contains(body, "length") && work8 > 12*work {
			t.Errorf("%s: work %d for 2,000 rounds, %d for 16,000", body, work, work8)
		}
		if memory8 > 20*memory {
			t.Errorf("%s: memory %d for 2,000 rounds, %d for 16,000", body, memory, memory8)
		}
	}
}

// TestAppendedTextsAreApart appends different things to one text: none may show in another.
func TestAppendedTextsAreApart(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100)
	s := mustCompile(t, "a = '"+long+"'; a += '1'; b = a + '2'; c = a + '3'; d = b + '4'; e = b + '5'; a += '6'; f = a + a; return String.join('|', a, b, c, d, e, f);")
	v, err := s.Run(nil)
	want := strings.ReplaceAll("X16|X12|X13|X124|X125|X16X16", "X", long)
	if err != nil || v.Str() != want {
		t.Errorf("got %v, %q\nwant %q", err, v.Str(), want)
	}
}

// TestSharedMeter lets many scripts share one budget, each of which is within it.
func TestSharedMeter(t *testing.T) {
	t.Parallel()
	m := meter.New(meter.Limits{})
	s := mustCompile(t, "s = 0; for (i = 0; i < 20000; i += 1) s += i; return s;")
	runs := 0
	var err error
	for ; err == nil && runs < 10_000; runs++ {
		_, err = s.Run(&sel.Env{Meter: m})
	}
	if m.Err() == nil || runs < 100 || runs > 1_000 {
		t.Errorf("got %v after %d runs", err, runs)
	}
}
