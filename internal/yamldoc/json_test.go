package yamldoc_test

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
)

// sameAsJSON parses text as JSON and, if it is, as YAML: both must mean the same and point to the same places.
func sameAsJSON(t *testing.T, text []byte) {
	t.Helper()
	limits := doc.Limits{Bytes: 1 << 20, Nodes: 100_000}
	want, err := doc.ParseJSON(text, limits)
	if err != nil {
		return
	}
	got, err := yamldoc.Parse(text, limits)
	if err != nil {
		t.Fatalf("JSON is refused as YAML: %v\n%q", err, text)
	}
	compare(t, "", got, want)
}

func compare(t *testing.T, path string, got, want *doc.Node) {
	t.Helper()
	if got.Kind != want.Kind || got.Text != want.Text || got.Pos != want.Pos || got.Written() != want.Text ||
		len(got.Items) != len(want.Items) || len(got.Members) != len(want.Members) {
		t.Fatalf("%s: YAML has %v %q at %v, JSON has %v %q at %v", path, got.Kind, got.Text, got.Pos, want.Kind, want.Text, want.Pos)
	}
	for i := range want.Items {
		compare(t, path+"["+strconv.Itoa(i)+"]", got.Items[i], want.Items[i])
	}
	for i := range want.Members {
		g, w := &got.Members[i], &want.Members[i]
		if g.Name != w.Name || g.Pos != w.Pos || g.First != w.First {
			t.Fatalf("%s: YAML has member %q at %v, JSON has %q at %v", path, g.Name, g.Pos, w.Name, w.Pos)
		}
		compare(t, path+"."+w.Name, g.Value, w.Value)
	}
}

var jsonSeeds = []string{
	`{"a":[1,-2.5e3,true,null,"x\u00e9"],"":{"":""}}`,
	`"http:\/\/x \ud83c\udf89 \ud83c \udf89 \ud83c\ud83c\udf89 \u0000\b\f\n\r\t\"\\"`,
	"\t{\n\t\"a\"\n:\n\t1\n\t,\n\"b\"\r:\r\n[ ] } \n",
	`{"a":1,"a":{"b":2},"a":3}`,
	`{"<<":1,"~":2,"null":3,"yes":4,"- x":5,"a: b":6,"#":7,"&a":8,"*a":9,"!t":10,"%":11}`,
	`[0,-0,0.0,-0.0,1E400,1e-5,0e0,0E+5,123456789012345678901234567890,1.50,10.0]`,
	`["---","...","yes","010","0x1F","1_000",".5","~","","\u0085\u2028\u2029\ufeff"]`,
	"[\"\u0085 \u2028 \u2029 \ufeff \u007f \",\"  a  \"]",
	`["` + strings.Repeat("long ", 500) + `",{"` + strings.Repeat("k", 2000) + `":1}]`,
	strings.Repeat("[", 200) + strings.Repeat("]", 200),
	strings.Repeat(`{"a":`, 200) + `1` + strings.Repeat("}", 200),
	strings.Repeat("[", 201) + strings.Repeat("]", 201),
	"\ufeff[]", `1`, `"a"`, `null`, `true `, " false\n", "{}\n\n", "[\n-1\n,\n-2]", `{"a":"b"}` + "\r\n",
}

func TestJSONIsYAML(t *testing.T) {
	t.Parallel()
	for _, text := range jsonSeeds {
		sameAsJSON(t, []byte(text))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		w := jsonWriter{r: r}
		w.space()
		w.value(5)
		w.space()
		if _, err := doc.ParseJSON(w.b.Bytes(), doc.Limits{}); err != nil {
			t.Fatalf("the test wrote no JSON: %v\n%s", err, w.b.Bytes())
		}
		sameAsJSON(t, w.b.Bytes())
	}
}

func FuzzJSONIsYAML(f *testing.F) {
	for _, text := range jsonSeeds {
		f.Add([]byte(text))
	}
	f.Fuzz(sameAsJSON)
}

// jsonWriter writes random JSON with all that its syntax has.
type jsonWriter struct {
	r *rand.Rand
	b bytes.Buffer
}

func (w *jsonWriter) pick(words ...string) { w.b.WriteString(words[w.r.IntN(len(words))]) }

func (w *jsonWriter) space() {
	for w.r.IntN(3) == 0 {
		w.pick(" ", "\n", "\t", "\r\n", "\r", "  ")
	}
}

func (w *jsonWriter) str() {
	w.b.WriteByte('"')
	for w.r.IntN(6) > 0 {
		w.pick("a", " ", ": ", "#", " #", "- ", "---", "{", "}", "[", "]", ",", "'", "&", "*", "!", "|", ">", "%", "@", "<<", "é", "🎉",
			"\u0085", "\u2028", "\u007f", `\/`, `\\`, `\"`, `\n`, `\t`, `\u0041`, `\ud83c\udf89`, `\ud83c`, `\udf89`, `\u0000`, "0", "yes", "~")
	}
	w.b.WriteByte('"')
}

func (w *jsonWriter) value(depth int) {
	kinds := 7
	if depth == 0 {
		kinds = 5
	}
	switch w.r.IntN(kinds) {
	case 0:
		w.pick("true", "false", "null")
	case 1, 2:
		w.pick("0", "-0", "1", "-17", "1.50", "1e5", "1E-05", "0.1e+3", "123456789012345678901234567890", "1E999")
	case 3, 4:
		w.str()
	case 5:
		w.b.WriteByte('[')
		w.space()
		for i := range w.r.IntN(4) {
			if i > 0 {
				w.b.WriteByte(',')
				w.space()
			}
			w.value(depth - 1)
			w.space()
		}
		w.b.WriteByte(']')
	case 6:
		w.b.WriteByte('{')
		w.space()
		for i := range w.r.IntN(4) {
			if i > 0 {
				w.b.WriteByte(',')
				w.space()
			}
			w.str()
			w.space()
			w.b.WriteByte(':')
			w.space()
			w.value(depth - 1)
			w.space()
		}
		w.b.WriteByte('}')
	}
}
