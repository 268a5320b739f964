package doc_test

import (
	"testing"

	"maestro/internal/doc"
)

// TestObjectWriter has commas stand between members and nowhere else, whatever the values are.
func TestObjectWriter(t *testing.T) {
	t.Parallel()
	empty := doc.Open([]byte("x="))
	if got := string(empty.Close()); got != "x={}" {
		t.Errorf("%s", got)
	}
	o := doc.Open(nil)
	o.TextIf("absent", "")
	o.IntIf("none", 0)
	o.Raw("nothing", nil)
	o.Text("open", "{")
	o.Int("n", -1)
	o.Key("in")
	in := doc.Open(o.Out)
	in.Name("a\"b")
	in.Out = doc.AppendTexts(in.Out, []string{"{", "\n"})
	o.Out = in.Close()
	o.Bool("b", true)
	o.RawOr("raw", nil, "{}")
	o.RawOr("raw2", []byte("[1]"), "{}")
	const want = `{"open":"{","n":-1,"in":{"a\"b":["{","\n"]},"b":true,"raw":{},"raw2":[1]}`
	if got := string(o.Close()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}
