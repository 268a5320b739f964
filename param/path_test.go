package param_test

import (
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/param"
)

// TestPathsAreBounded decodes what is called long and lies deep: the place of a mistake is told in few words, since a
// path is made for every value.
func TestPathsAreBounded(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("n", 5000)
	deep := `{"type":"LONG","value":"x"}`
	result := `"x"`
	for range 60 {
		deep = `{"type":"MAP","value":{"` + name + `":` + deep + `}}`
		result = `{"` + name + `":` + result + `}`
	}
	for _, text := range []string{
		`{"` + name + `":` + deep + `}`,
		`{"p":{"type":"MAP","value":{},"evaluated_result":` + strings.Replace(result, `"x"`, `[[1]]`, 1) + `,"evaluated_time":1}}`,
	} {
		n, err := doc.ParseJSON([]byte(text), doc.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var p doc.Problems
		param.DecodeParams(n, "params", &p, param.DecodeOptions{AnyName: true})
		if len(p.List) != 1 || len(p.List[0].Path) > 2000 || p.List[0].Pos.Col < 100_000 {
			t.Errorf("got %d problems, %.300v", len(p.List), p.List)
		}
	}
}
