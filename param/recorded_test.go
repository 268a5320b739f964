package param_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/param"
)

// TestRecorded reads every map of params in the recorded requests and replies of the reference. Those of instances print as
// they were recorded; all others read back what they print.
func TestRecorded(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../conformance/runs/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded cases: %v", err)
	}
	defs, exact := 0, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n, err := doc.ParseJSON(text, doc.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		concrete(n)
		for i, call := range n.Field("calls").Items {
			at := fmt.Sprintf("%s call %d", filepath.Base(file), i)
			visit(call.Field("reply"), "", func(n *doc.Node, path string) {
				if isParams(n) {
					checkParams(t, at, path, n)
					exact++
					return
				}
				defs++
				checkDefs(t, at, path, n)
			})
			if status := call.Field("status"); status != nil && status.Text == "200" {
				visit(call.Field("body"), "", func(n *doc.Node, path string) {
					defs++
					checkDefs(t, at, path, n)
				})
			}
		}
	}
	t.Logf("%d maps of definitions, %d of params", defs, exact)
	if defs < 500 || exact < 500 {
		t.Errorf("found %d maps of definitions and %d of params", defs, exact)
	}
}

// concrete puts numbers in place of the times that recordings leave open, but where they are texts.
func concrete(n *doc.Node) {
	typ := n.Field("type")
	for i := range n.Members {
		m := &n.Members[i]
		text := typ != nil && strings.HasPrefix(typ.Text, "STRING") && m.Name != "evaluated_time"
		if v := m.Value; v.Kind == doc.String && (strings.HasPrefix(v.Text, "<time") || strings.HasPrefix(v.Text, "<date")) && !text {
			v.Kind, v.Text = doc.Number, "1704164645000"
		}
		concrete(m.Value)
	}
	for _, item := range n.Items {
		concrete(item)
	}
}

// visit calls f for every map of definitions in n: an object of objects that all have a type known here.
func visit(n *doc.Node, at string, f func(*doc.Node, string)) {
	if n == nil {
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		where := at + "." + m.Name
		if strings.HasSuffix(m.Name, "params") && isDefs(m.Value) {
			f(m.Value, where)
			continue
		}
		visit(m.Value, where, f)
	}
	for _, item := range n.Items {
		visit(item, at+"[]", f)
	}
}

func isDefs(n *doc.Node) bool {
	for i := range n.Members {
		typ := n.Members[i].Value.Field("type")
		if typ == nil {
			return false
		}
		if _, ok := param.ParseType(typ.Text); !ok {
			return false
		}
	}
	return len(n.Members) > 0
}

func isParams(n *doc.Node) bool {
	for i := range n.Members {
		if n.Members[i].Value.Field("evaluated_result") == nil {
			return false
		}
	}
	return true
}

func checkParams(t *testing.T, file, at string, n *doc.Node) {
	t.Helper()
	var p doc.Problems
	params := param.DecodeParams(n, at, &p, param.DecodeOptions{Stored: true})
	if p.Failed() {
		t.Errorf("%s%s: %v", file, at, p.Err())
		return
	}
	if got, want := string(params.AppendJSON(nil)), string(doc.AppendNode(nil, n)); got != want {
		t.Errorf("%s%s: got\n%s, want\n%s", file, at, got, want)
	}
}

func checkDefs(t *testing.T, file, at string, n *doc.Node) {
	var p doc.Problems
	defs := param.DecodeDefs(n, at, &p, param.DecodeOptions{Lenient: true})
	if p.Failed() {
		t.Errorf("%s%s: %v", file, at, p.Err())
		return
	}
	text := defs.AppendJSON(nil)
	var again param.Defs
	if err := again.UnmarshalJSON(text); err != nil {
		t.Errorf("%s%s: %v", file, at, err)
	} else if !again.Equal(defs) || string(again.AppendJSON(nil)) != string(text) {
		t.Errorf("%s%s: %s reads back as %s", file, at, text, again.AppendJSON(nil))
	}
}
