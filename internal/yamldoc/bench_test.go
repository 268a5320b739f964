package yamldoc_test

import (
	"fmt"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
)

// shapes are documents of about size bytes, each of one shape; all of them are JSON.
func shapes(size int) map[string]string {
	wide, objects, lines := &strings.Builder{}, &strings.Builder{}, &strings.Builder{}
	for i := 0; wide.Len() < size; i++ {
		fmt.Fprintf(wide, `,"k%d":%d`, i, i)
	}
	for objects.Len() < size {
		objects.WriteString(`,{"a":0,"b":"x"}`)
	}
	for i := 0; lines.Len() < size; i++ {
		fmt.Fprintf(lines, ",\n  {\"step\": {\"id\": \"step_%d\", \"type\": \"NoOp\", \"params\": {\"day\": {\"type\": \"STRING\", \"value\": \"2024-01-%d\"}}}}", i, i%31)
	}
	return map[string]string{
		"zeros":   "[0" + strings.Repeat(",0", size/2) + "]",
		"empties": "[[]" + strings.Repeat(",[]", size/3) + "]",
		"texts":   `["x"` + strings.Repeat(`,"some text"`, size/12) + "]",
		"objects": "[" + objects.String()[1:] + "]",
		"wide":    "{" + wide.String()[1:] + "}",
		"steps":   "[" + lines.String()[1:] + "]",
	}
}

// BenchmarkParse reports the bytes allocated for each byte of text.
func BenchmarkParse(b *testing.B) {
	for name, text := range shapes(200_000) {
		for format, parse := range map[string]func([]byte, doc.Limits) (*doc.Node, error){"json": doc.ParseJSON, "yaml": yamldoc.Parse} {
			b.Run(format+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := parse([]byte(text), doc.Limits{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
