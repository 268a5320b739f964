package ring_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pure are the packages of ring 0.
var pure = []string{
	"maestro/api", "maestro/sel", "maestro/param", "maestro/spec", "maestro/spec/dsl", "maestro/internal/doc", "maestro/internal/uuid", "maestro/internal/meter",
	"maestro/internal/cron", "maestro/internal/output", "maestro/internal/signal", "maestro/internal/scope", "maestro/internal/instance", "maestro/internal/language", "maestro/internal/view",
}

// TestPure keeps ring 0 free of anything that could reach the world.
func TestPure(t *testing.T) {
	t.Parallel()
	banned := map[string]string{
		"database/sql": "the core has no database",
		"net":          "the core has no network",
		"net/http":     "the core has no network",
		"log/slog":     "the core reports through effects and errors",
		"os/exec":      "the core starts no processes",
	}
	for _, pkg := range pure {
		for _, dep := range list(t, "{{join .Deps \"\\n\"}}", pkg) {
			if why, bad := banned[dep]; bad {
				t.Errorf("%s depends on %s: %s", pkg, dep, why)
			}
		}
	}
}

// TestRings keeps dependencies pointing down.
func TestRings(t *testing.T) {
	t.Parallel()
	world := func(p string) bool {
		for _, prefix := range []string{"maestro/internal/store/", "maestro/internal/step/", "maestro/internal/server", "maestro/internal/node", "maestro/internal/bench", "maestro/client", "maestro/cmd"} {
			if strings.HasPrefix(p, prefix) {
				return true
			}
		}
		return false
	}
	contract := []string{"maestro/internal/store", "maestro/internal/step", "maestro/internal/engine", "maestro/internal/signal/board", "maestro/internal/trigger", "maestro/internal/event", "maestro/internal/catalog"}
	for _, pkg := range list(t, "{{.ImportPath}}", "maestro/...") {
		imports := list(t, "{{join .Imports \"\\n\"}}", pkg)
		for _, imp := range imports {
			switch {
			case !strings.HasPrefix(imp, "maestro/"):
			case slices.Contains(pure, pkg) && !slices.Contains(pure, imp) && !strings.HasPrefix(imp, pkg+"/internal/"):
				t.Errorf("%s (ring 0) imports %s, which is not in ring 0", pkg, imp)
			case slices.Contains(contract, pkg) && world(imp):
				t.Errorf("%s (ring 1) imports %s, which knows the world", pkg, imp)
			case joins(imp) && !joins(pkg) && !strings.HasPrefix(pkg, "maestro/cmd/"):
				t.Errorf("%s (ring 2) imports %s (ring 3), which joins what is below", pkg, imp)
			case strings.HasPrefix(pkg, "maestro/cmd/maestro") && wired(imp):
				t.Errorf("%s (ring 3) imports %s, which package node joins to the others", pkg, imp)
			}
		}
	}
}

// joins reports whether a package is of ring 3: it makes a server of all the others.
func joins(pkg string) bool { return pkg == "maestro/internal/node" || pkg == "maestro/internal/bench" }

// wired reports whether a package is a part of a server, with which the command line has nothing to do: it has package node,
// and of the runtimes the contract and what supervises shell steps.
func wired(pkg string) bool {
	switch pkg {
	case "maestro/internal/step", "maestro/internal/step/shell":
		return false
	case "maestro/internal/engine", "maestro/internal/store", "maestro/internal/catalog", "maestro/internal/trigger", "maestro/internal/event",
		"maestro/internal/server", "maestro/internal/language", "maestro/internal/scope", "maestro/internal/inflight", "maestro/internal/kube":
		return true
	}
	return strings.HasPrefix(pkg, "maestro/internal/step/") || strings.HasPrefix(pkg, "maestro/internal/store/")
}

func list(t *testing.T, format, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", format, pkg).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pkg, err)
	}
	return strings.Fields(string(out))
}
