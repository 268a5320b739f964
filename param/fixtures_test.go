package param_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/param"
)

// referenceFolder finds the data of the reference, or skips the test.
func referenceFolder(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("MAESTRO_REFERENCE")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "reference")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no reference data: set MAESTRO_REFERENCE to the folder (looked for %s)", dir)
	}
	return dir
}

// TestFixtures reads every map of params in the reference's documents. Those that are params of instances print as they
// stand in the document; all others read back what they print.
func TestFixtures(t *testing.T) {
	root := filepath.Join(referenceFolder(t), "fixtures")
	defs, exact := 0, 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".json" || strings.Contains(path, "invalid") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n, err := doc.ParseJSON(text, doc.Limits{})
		if err != nil {
			return nil // a fixture that is meant to be rejected
		}
		name, _ := filepath.Rel(root, path)
		visit(n, "", func(n *doc.Node, at string) {
			if isParams(n) {
				exact += checkParams(t, name, at, n)
				return
			}
			defs++
			checkDefs(t, name, at, n)
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if defs < 20 || exact < 5 {
		t.Errorf("found %d maps of definitions and %d of params", defs, exact)
	}
}

// visit calls f for every map of definitions in n: an object of objects that all have a type known here.
func visit(n *doc.Node, at string, f func(*doc.Node, string)) {
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

func checkParams(t *testing.T, file, at string, n *doc.Node) int {
	var p doc.Problems
	params := param.DecodeParams(n, at, &p, param.DecodeOptions{Stored: true})
	if p.Failed() {
		t.Errorf("%s: %v", file, p.Err())
		return 0
	}
	if !strings.HasPrefix(file, "instances") {
		return 0
	}
	if got, want := string(params.AppendJSON(nil)), string(doc.AppendNode(nil, n)); got != want {
		t.Errorf("%s%s: got\n%s, want\n%s", file, at, got, want)
	}
	return 1
}

func checkDefs(t *testing.T, file, at string, n *doc.Node) {
	var p doc.Problems
	defs := param.DecodeDefs(n, at, &p, param.DecodeOptions{Lenient: true})
	if p.Failed() {
		t.Errorf("%s: %v", file, p.Err())
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
