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

// started are the go statements of the program, by the function that holds them, and who waits for their goroutines. What
// is started by the Go method of a sync.WaitGroup is owned by whoever has that, and needs no line here.
var started = map[string]string{
	"internal/node: (*group).run":                "group.end",
	"internal/event: (*Delivery).dispatch":       "Run takes the result of each before it returns",
	"internal/step/shell: (*supervisor).start":   "the supervisor is a process of its own, and ends with them",
	"internal/step/shell: (*supervisor).control": "the same",
	"internal/step/shell: (*child).settle":       "settle, which does not return before",
}

// TestGoroutines finds every go statement, so that no goroutine is started without an owner who waits for its end. The
// tests of package engine look for what its own leave.
func TestGoroutines(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	seen := make(map[string]bool)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		dir, _ := filepath.Rel(root, filepath.Dir(path))
		dir = filepath.ToSlash(dir)
		if dir == "internal/engine" || strings.HasSuffix(dir, "test") { // enginetest, kubetest, steptest, storetest
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				if g, ok := n.(*ast.GoStmt); ok {
					name := dir + ": " + funcName(fn)
					seen[name] = true
					if started[name] == "" {
						t.Errorf("%s: nobody is known to wait for the goroutine of %s; give it an owner, see started", fset.Position(g.Pos()), name)
					}
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range started {
		if !seen[name] {
			t.Errorf("%s starts no goroutine any more", name)
		}
	}
}

// funcName returns the name of a function, with its receiver in front.
func funcName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	return "(" + types.ExprString(fn.Recv.List[0].Type) + ")." + fn.Name.Name
}
