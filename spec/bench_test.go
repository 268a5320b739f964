package spec_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
	"maestro/spec"
	"maestro/spec/dsl"
)

// manySteps returns a push request of n steps in a chain with shortcuts, each with params, a timeout and a retry policy.
func manySteps(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"properties":{"owner":"bench"},"workflow":{"id":"bench","params":{"p":{"type":"LONG","value":1}},"steps":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"step":{"id":"step_%d","type":"Sleep","timeout":"10 min","params":{"sleep_seconds":{"type":"LONG","value":%d},"note":{"type":"STRING","value":"run ${p}"}},
"retry_policy":{"error_retry_limit":3,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":5}},"transition":{"successors":{`, i, i%7)
		for j, next := range []int{i + 1, i + 10} {
			if next < n {
				if j > 0 {
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, `"step_%d":"p > %d"`, next, j)
			}
		}
		b.WriteString(`}}}}`)
	}
	b.WriteString(`]}}`)
	return b.Bytes()
}

var benchRules = spec.Rules{MaxSteps: 1 << 20, MaxBytes: 64 << 20, Now: time.Date(2025, 6, 4, 12, 0, 0, 0, time.UTC)}

// BenchmarkPush10000 is the whole way of a definition of 10,000 steps: parse, decode, validate, build the graph. The
// budget is 150 ms.
func BenchmarkPush10000(b *testing.B) {
	text := manySteps(10_000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		req, p := spec.Parse(text, benchRules)
		if err := p.Err(); err != nil {
			b.Fatal(err)
		}
		if _, err := spec.BuildDAG(req.Workflow.Steps, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode10000(b *testing.B) {
	n, err := doc.ParseJSON(manySteps(10_000), doc.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var p doc.Problems
		spec.DecodePushRequest(n, benchRules, &p)
	}
}

func BenchmarkDAG10000(b *testing.B) {
	req, _ := spec.Parse(manySteps(10_000), benchRules)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := spec.BuildDAG(req.Workflow.Steps, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode10000(b *testing.B) {
	req, _ := spec.Parse(manySteps(10_000), benchRules)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = req.AppendJSON(dst[:0])
	}
	b.SetBytes(int64(len(dst)))
}

// BenchmarkPushSmall is a definition of usual size: 10 steps.
func BenchmarkPushSmall(b *testing.B) {
	text := manySteps(10)
	b.ReportAllocs()
	for b.Loop() {
		if _, p := spec.Parse(text, spec.Rules{}); p.Failed() {
			b.Fatal(p.Err())
		}
	}
}

func BenchmarkYAML300(b *testing.B) {
	var s strings.Builder
	s.WriteString("Workflow:\n  id: bench\n  owner: alice\n  dag: sequential\n  jobs:\n")
	for i := range 300 {
		fmt.Fprintf(&s, "    - job:\n        id: step_%d\n        type: sleep\n        timeout: 10 min\n        sleep_seconds: %d\n        note: run ${p}\n", i, i%7)
	}
	text := []byte(s.String())
	b.ReportAllocs()
	for b.Loop() {
		n, err := yamldoc.Parse(text, doc.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		var p doc.Problems
		pushed := dsl.Convert(n, dsl.Options{}, &p)
		req := spec.DecodePushRequest(pushed, spec.Rules{}, &p)
		if req.Validate(pushed, spec.Rules{}, &p); p.Failed() {
			b.Fatal(p.Err())
		}
	}
}
