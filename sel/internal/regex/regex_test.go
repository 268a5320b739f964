package regex

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"maestro/internal/meter"
)

func unlimited() *meter.Meter { return meter.New(meter.Limits{Work: 1 << 40, Memory: 1 << 40}) }

func replace(t *testing.T, pattern, text, repl string) string {
	t.Helper()
	re, err := Compile(pattern, unlimited())
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	out, err := re.Replace(text, repl, unlimited())
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	return out
}

// TestAgainstRegexp compares with package regexp on random patterns of what the two have in common.
func TestAgainstRegexp(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	for range 20_000 {
		pattern := randomPattern(r, 3)
		want, err := regexp.Compile(pattern)
		if err != nil {
			continue
		}
		var b strings.Builder
		for range r.IntN(12) {
			b.WriteByte("abc"[r.IntN(3)])
		}
		text := b.String()
		var got []string
		re, err := compile(pattern, unlimited())
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		runes := []rune(text)
		if err := re.each(runes, unlimited(), func(regs []int) error {
			got = append(got, string(runes[regs[0]:regs[1]]))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if all := all(want, text); !slices.Equal(got, all) {
			t.Fatalf("%q in %q: got %q, want %q", pattern, text, got, all)
		}
	}
}

// all finds matches the way Java does, which unlike package regexp takes an empty match right after another one.
func all(re *regexp.Regexp, text string) []string {
	var found []string
	for from := 0; from <= len(text); {
		// No pattern here looks behind, so the rest of the text can be searched by itself.
		m := re.FindStringIndex(text[from:])
		if m == nil {
			break
		}
		found = append(found, text[from+m[0]:from+m[1]])
		if m[1] == m[0] {
			from++
		}
		from += m[1]
	}
	return found
}

// randomPattern repeats only what cannot be empty: there the two differ in the number of rounds.
func randomPattern(r *rand.Rand, depth int) string {
	if depth == 0 {
		return []string{"a", "b", "[ab]", "[^a]", "."}[r.IntN(5)]
	}
	x, y := randomPattern(r, depth-1), randomPattern(r, depth-1)
	switch r.IntN(6) {
	case 0:
		return x + y
	case 1:
		return "(?:" + x + "|" + y + ")"
	case 2:
		q := []string{"*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{1,}?"}[r.IntN(9)]
		return y + []string{"a", "b", "(?:ab|b)", "(c|ca)", "[bc]"}[r.IntN(5)] + q
	case 3:
		return "(" + x + ")"
	default:
		return x
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ pattern, text, repl, want string }{
		{`(a)(b)?`, "ac", "[$1$2]", "[a]c"},
		{`(?<=(\w))x`, "ax bx x", "$1", "aa bb x"},
		{`(?=(b))a|b`, "ab", "<$1>", "a<>"},
		{`(?:(a)|b)*`, "ab", "<$1>", "<a><>"},
		{`\Ga`, "aab a", "x", "xxb a"},
		{`a\b`, "a ab a", "x", "x ab x"},
		{`\Ba`, "aa", "x", "ax"},
		{`(?s).`, "a\nb", "x", "xxx"},
		{`.`, "a\r\u0085\u2028b", "x", "x\r\u0085\u2028x"},
		{`(?d).`, "a\r\n", "x", "xx\n"},
		{`\R`, "a\r\nb\nc", "-", "a-b-c"},
		{`(?m)$`, "a\r\nb", "!", "a!\r\nb!"},
		{`a\Z`, "a\n", "x", "x\n"},
		{`a\z`, "a\n", "x", "a\n"},
		{`\x41\u0042\x{43}\0104\cA\t`, "ABCD\x01\t", "x", "x"},
		{`[\w&&[^\d_]]+`, "ab_12", "x", "x_12"},
		{`[a-z&&[def]&&[^e]]`, "cdefg", "x", "cxexg"},
		{`[]a]`, "]a", "x", "xx"},
		{`[a\]]`, "]a", "x", "xx"},
		{`\p{Lu}\p{IsGreek}\P{L}`, "AΩ1", "x", "x"},
		{`\p{IsAlphabetic}\p{javaX}?`, "", "", ""},
		{`(a)\1`, "aa", "x", "x"},
		{`(?i)(a)\1`, "aA", "x", "x"},
		{`(?i:a)b`, "AbAB", "x", "xAB"},
		{`(?i)a(?-i)b`, "AbAB", "x", "xAB"},
		{`x{0}`, "x", "-", "-x-"},
		{`(?:a{1,2}){2}`, "aaaa", "x", "x"},
		{`a?+a`, "a", "x", "a"},
		{`(?!)`, "a", "x", "a"},
		{`(?<!^)b`, "bb", "x", "bx"},
		{`\Qa.b\E+`, "a.bbb", "x", "x"},
		{`\.`, "1.2", "", "12"},
	} {
		if strings.Contains(c.pattern, "javaX") {
			if _, err := Compile(c.pattern, unlimited()); err == nil {
				t.Errorf("%s compiles", c.pattern)
			}
			continue
		}
		if got := replace(t, c.pattern, c.text, c.repl); got != c.want {
			t.Errorf("%s in %q by %q: got %q, want %q", c.pattern, c.text, c.repl, got, c.want)
		}
	}
}

// TestLargePatterns makes sure that a short pattern cannot take long to compile.
func TestLargePatterns(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		`(?:){2147483647}`, `(?:(?:){65536}){65536}`, `(?:a{0}){2147483647}`, `(a{1000}){2147483647}`,
		`(?:(?:(?:(?:x{1,9}y){99}){99}){99}){99}`, strings.Repeat("(", 5000), strings.Repeat("[", 5000),
	} {
		if _, err := Compile(pattern, unlimited()); err == nil {
			t.Errorf("%.40s compiles", pattern)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`(a|b)*c`, `[a-z&&[^b]]`, `(?<x>a)\k<x>`, `(?i)\bx{2,3}+$`, `\Q*\E`, `(?<!ab?)c`, `\p{Lu}`, `a**`, `(((`} {
		f.Add(s, "aabbcc xx", "<$0>")
	}
	f.Fuzz(func(t *testing.T, pattern, text, repl string) {
		re, err := Compile(pattern, unlimited())
		if err != nil {
			return
		}
		text = strings.ToValidUTF8(text, "?")
		_, _ = re.Replace(text, repl, meter.New(meter.Limits{Work: 300_000}))
		pieces := 0
		_, err = re.Split(text, -1, meter.New(meter.Limits{Work: 300_000}), func(string) error { pieces++; return nil })
		if err == nil && pieces == 0 {
			t.Fatal("no pieces")
		}
	})
}
