package spec_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/spec"
)

func read(t testing.TB, elem ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func parse(t testing.TB, text []byte) *doc.Node {
	t.Helper()
	n, err := doc.ParseJSON(text, doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// same reports whether two JSON texts mean the same.
func same(t testing.TB, got, want []byte) bool {
	t.Helper()
	if bytes.Equal(got, want) {
		return true
	}
	var g, w any
	for text, v := range map[string]*any{string(got): &g, string(want): &w} {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(v); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	return reflect.DeepEqual(canonical(g), canonical(w))
}

// canonical undoes what decoding changes on purpose and the format leaves open: tags and enums in their short forms.
func canonical(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			if x == nil {
				continue // nulls are absent
			}
			switch k {
			case "tags":
				x = canonicalTags(x)
			case "transition":
				if m, ok := x.(map[string]any); ok && len(m) == 0 {
					continue // printed even when it was not written
				}
			case "type", "mode", "rule", "failure_mode", "criticality", "namespace", "step_type", "internal_mode":
				if s, ok := x.(string); ok {
					x = strings.ToUpper(s)
				}
			case "run_strategy":
				if s, ok := x.(string); ok {
					x = map[string]any{"rule": s}
				}
				if s, ok := x.(json.Number); ok {
					x = map[string]any{"rule": "PARALLEL", "workflow_concurrency": s}
				}
				if m, ok := x.(map[string]any); ok && m["workflow_concurrency"] == nil {
					m["workflow_concurrency"] = json.Number("1")
					if s, _ := m["rule"].(string); strings.EqualFold(s, "parallel") {
						m["workflow_concurrency"] = json.Number("20")
					}
				}
			}
			out[k] = canonical(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = canonical(v[i])
		}
		return out
	}
	if n, ok := v.(json.Number); ok && strings.ContainsAny(n.String(), ".eE") {
		if f, err := n.Float64(); err == nil {
			return f
		}
	}
	return v
}

func canonicalTags(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]any, len(list))
	for i, tag := range list {
		if s, ok := tag.(string); ok {
			tag = map[string]any{"name": s}
		}
		out[i] = tag
	}
	return out
}

// codec decodes one kind of document and encodes it again.
type codec func(n *doc.Node, p *doc.Problems) []byte

var (
	push codec = func(n *doc.Node, p *doc.Problems) []byte {
		r := spec.DecodePushRequest(n, spec.Rules{}, p)
		text := r.AppendJSON(nil)
		if n.Field("is_active") == nil { // always printed
			text = bytes.Replace(text, []byte(`,"is_active":true`), nil, 1)
		}
		return text
	}
	definition codec = func(n *doc.Node, p *doc.Problems) []byte {
		return spec.DecodeDefinition(n, spec.Rules{}, p).AppendJSON(nil)
	}
)

// recordings are the recorded cases.
func recordings(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../conformance/runs/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded cases: %v", err)
	}
	return files
}

// TestRecordedDocuments decodes every document that was recorded of the reference, both those that it was sent and took
// and those that it answered with, and compares what is encoded again with the document.
func TestRecordedDocuments(t *testing.T) {
	t.Parallel()
	count := map[string]int{}
	check := func(kind, at string, c codec, n *doc.Node) {
		count[kind]++
		var p doc.Problems
		got := c(n, &p)
		if err := p.Err(); err != nil {
			t.Errorf("%s: %s: %v", at, kind, err)
			return
		}
		name, _, _ := strings.Cut(at, ".json")
		if want := doc.AppendNode(nil, n); coerced[name] == "" && !same(t, got, want) {
			t.Errorf("%s: %s: got\n%s\nwant\n%s", at, kind, got, want)
		}
	}
	for _, file := range recordings(t) {
		n := parse(t, untimed(unrecord(read(t, file))))
		for i, call := range n.Field("calls").Items {
			at := fmt.Sprintf("%s call %d", filepath.Base(file), i)
			method, path, reply := call.Field("method").Text, call.Field("path").Text, call.Field("reply")
			if call.Field("status").Text != "200" {
				continue
			}
			switch body := call.Field("body"); {
			case method == "POST" && path == "/api/v3/workflows" && body != nil:
				check("push", at, push, body)
			case method == "POST" && path == "/api/v3/job-templates" && body != nil:
				check("template", at, template, body)
			case call.Field("only") == nil && reply.Field("is_latest") != nil:
				check("definition", at, definition, reply)
			}
		}
	}
	t.Logf("%v", count)
	for kind, least := range map[string]int{"push": 500, "template": 15, "definition": 20} {
		if count[kind] < least {
			t.Errorf("only %d documents are a %s", count[kind], kind)
		}
	}
}

// coerced are the cases whose documents are taken as something else than they say, and what that is. TestRecordedPushes
// compares them with what the reference made of them.
var coerced = map[string]string{
	"literal-coercions":     "literals of another type than the param's",
	"match-params-empty":    "an empty map of match params",
	"push-scalar-coercion":  "scalars of another type than the field's",
	"push-signal-fields":    "an empty map of match params, an empty list of join keys",
	"push-time-triggers":    "types and expressions in other cases",
	"time-trigger-view":     "types and expressions in other cases",
	"signal-trigger-errors": "an empty map of definitions",
	"trigger-params":        "a text as a DOUBLE",
}

// untimed puts a number in place of times that recordings leave open.
func untimed(text []byte) []byte {
	return bytes.ReplaceAll(text, []byte(`"<time>"`), []byte("1704164645000"))
}

// template decodes a request and prints it as a request again.
func template(n *doc.Node, p *doc.Problems) []byte {
	t := spec.DecodeJobTemplateRequest(n, spec.Rules{}, p)
	text := t.AppendJSON(nil) // {"metadata":{…},"definition":{…}}
	text = bytes.Replace(text, []byte(`{"metadata":{`), []byte(`{`), 1)
	return bytes.Replace(text, []byte(`},"definition":`), []byte(`,"definition":`), 1)
}
