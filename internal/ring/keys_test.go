package ring_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// storedKeys are the keys under which records are stored, as the code writes them, and why two callers never share one
// although they choose the texts in it. A new one belongs here once it cannot be ambiguous either.
var storedKeys = map[string]string{
	"internal/store: identityKey":                                   "one for the whole store",
	"internal/engine: clockKey":                                     "one for the whole store",
	"internal/inflight: strconv.FormatInt(id, 10)":                  "a number: the run's, or the hash of texts with their lengths",
	"internal/engine: key":                                          "breakpointKey: ids of workflows and steps hold no NUL",
	"internal/engine: j.key()":                                      "a kind holds no slash, as PostOutput sees to",
	"internal/engine: k.job.key()":                                  "the same",
	"internal/engine: secretKey":                                    "one for the whole store",
	"internal/catalog: key.record()":                                "neither a job type nor a version holds a slash",
	"internal/server: permitKey(t.tag)":                             "one text",
	"internal/server: permitKey(tag)":                               "one text",
	"internal/event: key":                                           "deadKey: the part behind the last slash has a fixed length",
	"internal/event: p.key":                                         "one text",
	"internal/signal/board: signal.Escape(i.Name)":                  "one text, escaped",
	"internal/signal/board: NewsKey(i.Name, i.Seq)":                 "parts are escaped and end with a byte that no part holds",
	"internal/signal/board: idKey(i.Name, i.ID)":                    "the same",
	"internal/signal/board: instanceKey(i.Name, i.Seq)":             "the same",
	"internal/signal/board: postingPrefix(i.Name, p) + string(seq)": "the same",
	"internal/trigger: x.key()":                                     "the same",
	"internal/trigger: s.key()":                                     "the same; uuid and time have fixed forms",
	"internal/trigger: key":                                         "board.NewsKey",
}

// copied are keys of records that were read before.
func copied(key string) bool { return strings.HasSuffix(key, "r.Key") }

// TestStoredKeys finds every key that is written, so that none is made of what callers say without a thought about
// callers who say the same, or say it differently cut.
func TestStoredKeys(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	seen := make(map[string]bool)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		dir, _ := filepath.Rel(root, filepath.Dir(path))
		if dir = filepath.ToSlash(dir); strings.HasPrefix(dir, "internal/store/") || dir == "internal/engine/enginetest" {
			return nil // they keep what they are given
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for key, at := range recordKeys(f) {
			name := dir + ": " + key
			seen[name] = true
			if storedKeys[name] == "" && !copied(key) {
				t.Errorf("%s: the key %s is not known to be unambiguous; see storedKeys", fset.Position(at), name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range storedKeys {
		if !seen[name] {
			t.Errorf("no record has the key %s any more", name)
		}
	}
}

// recordKeys returns the expressions of all fields Key beside a field Kind, in a file.
func recordKeys(f *ast.File) map[string]token.Pos {
	found := make(map[string]token.Pos)
	ast.Inspect(f, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		fields := make(map[string]ast.Expr)
		for _, e := range lit.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				if id, ok := kv.Key.(*ast.Ident); ok {
					fields[id.Name] = kv.Value
				}
			}
		}
		if key := fields["Key"]; key != nil && fields["Kind"] != nil {
			found[types.ExprString(key)] = key.Pos()
		}
		return true
	})
	return found
}
