package param_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/param"
)

// FuzzDecode reads arbitrary JSON as definitions and as params: never a panic, and what was read without problems
// writes and reads back to the same text.
func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if i := strings.IndexByte(line, '{'); i >= 0 && line[0] != '#' {
				f.Add(line[i:])
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := doc.ParseJSON([]byte(text), doc.Limits{Depth: 60, Nodes: 2000})
		if err != nil {
			return
		}
		for _, opts := range []param.DecodeOptions{{}, {Lenient: true, Stored: true}} {
			var p doc.Problems
			defs := param.DecodeDefs(n, "", &p, opts)
			params := param.DecodeParams(n, "", &p, opts)
			out, outParams := defs.AppendJSON(nil), params.AppendJSON(nil)
			if p.Failed() {
				continue
			}
			var again param.Defs
			if err := again.UnmarshalJSON(out); err != nil {
				t.Fatalf("%s does not read back: %v", out, err)
			}
			if got := string(again.AppendJSON(nil)); got != string(out) {
				t.Fatalf("%s\nreads back as\n%s", out, got)
			}
			var p2 param.Params
			if err := p2.UnmarshalJSON(outParams); err != nil {
				t.Fatalf("%s does not read back: %v", outParams, err)
			}
			if merged, err := param.Merge(nil, defs, param.Context{Source: param.SourceDefinition}); err == nil {
				_, _ = param.Cleanup(merged)
				_, _ = evaluate(merged)
			}
		}
	})
}

// FuzzRestore reads arbitrary bytes as stored results: never a panic.
func FuzzRestore(f *testing.F) {
	defs := mustDefs(f, `{"a":{"expression":"['x','yy']","type":"STRING_ARRAY"},"b":{"expression":"map(k=v)","type":"MAP"},"c":{"expression":"1 + 1","type":"STRING"},"d":{"value":"$c","type":"STRING"},"e":{"value":1,"type":"LONG"}}`)
	p, err := evaluate(defs)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.AppendResults(nil, nil))
	f.Add([]byte{5, 0, 0, hasDefFlag, 2, '{', '}'})
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := param.RestoreResults(defs, data, nil)
		if err != nil {
			return
		}
		_ = p.AppendJSON(nil)
	})
}

const hasDefFlag = 8
