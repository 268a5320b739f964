//go:build mutants

package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	only    = flag.String("only", "", "make only the mutants whose names match")
	workers = flag.Int("workers", 2, "how many mutants are tested at once")
)

// patience is how long a test may take with a mutant before it counts as failed: some breakages make a test wait for ever.
const patience = time.Minute

// mutant is one breakage.
type mutant struct {
	name, why, file string
	hunks           []hunk
	tests           []test
}

type hunk struct{ old, new []string }

// test is a package and which of its tests are run.
type test struct{ pkg, run string }

// args are those of the binary of a package's tests.
func (t test) args() []string {
	return []string{"-test.run=^(" + t.run + ")$", "-test.short", "-test.failfast", "-test.count=1", "-test.timeout=" + patience.String()}
}

// TestMutants wants every mutant to be noticed, by tests that pass without it.
func TestMutants(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	list := read(t)
	sources := make(map[string]string) // the mutated file, by name
	for _, m := range list {
		text, err := m.apply(root)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		sources[m.name] = text
	}
	if t.Failed() {
		return
	}
	b := bench{t: t, root: root}
	b.sound(list)
	if t.Failed() {
		return
	}
	var wg sync.WaitGroup
	todo := make(chan *mutant)
	for range *workers {
		wg.Go(func() {
			for m := range todo {
				begun := time.Now()
				by, err := b.try(m, sources[m.name])
				took := time.Since(begun).Round(100 * time.Millisecond)
				switch {
				case err != nil:
					t.Errorf("%s: %v", m.name, err)
				case by == "":
					t.Errorf("%s SURVIVES (%s): %s\n%s", m.name, took, m.why, m.file)
				default:
					t.Logf("%s is caught by %s (%s)", m.name, by, took)
				}
			}
		})
	}
	for _, m := range list {
		todo <- m
	}
	close(todo)
	wg.Wait()
	t.Logf("%d mutants", len(list))
}

// bench is where mutants are made and tested.
type bench struct {
	t    *testing.T
	root string
}

// sound wants all tests that mutants name to be there, and to pass as the tree is.
func (b *bench) sound(list []*mutant) {
	names := make(map[string][]string)
	for _, m := range list {
		for _, t := range m.tests {
			names[t.pkg] = append(names[t.pkg], strings.Split(t.run, "|")...)
		}
	}
	for pkg, run := range names {
		bin, err := b.build(pkg, "", b.t.TempDir())
		if err != nil {
			b.t.Error(err)
			continue
		}
		out, err := b.command(pkg, bin, "-test.list=.").Output()
		if err != nil {
			b.t.Errorf("list the tests of %s: %v", pkg, err)
		}
		have := make(map[string]bool)
		for line := range strings.Lines(string(out)) {
			have[strings.TrimSpace(line)] = true
		}
		for _, name := range run {
			if !have[name] {
				b.t.Errorf("%s has no %s", pkg, name)
			}
		}
		if out, err := b.command(pkg, bin, test{pkg, strings.Join(run, "|")}.args()...).CombinedOutput(); err != nil {
			b.t.Errorf("%s fails as it is: %v\n%s", pkg, err, out)
		}
	}
}

// try makes a mutant and runs its tests. It returns the one that fails, or "" where none does.
func (b *bench) try(m *mutant, text string) (by string, err error) {
	dir, err := os.MkdirTemp(b.t.TempDir(), "")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	source, overlay := filepath.Join(dir, "mutated.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(b.root, m.file): source}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(overlay, replace, 0o644); err != nil {
		return "", err
	}
	for _, t := range m.tests {
		bin, err := b.build(t.pkg, overlay, dir)
		if err != nil {
			return "", err
		}
		out, err := b.command(t.pkg, bin, t.args()...).CombinedOutput()
		if err == nil {
			continue
		}
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			return "", err
		}
		return failed(string(out), t), nil
	}
	return "", nil
}

// build compiles the tests of a package.
func (b *bench) build(pkg, overlay, dir string) (bin string, err error) {
	bin = filepath.Join(dir, filepath.Base(pkg)+".test")
	args := []string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", bin}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(b.t.Context(), "go", append(args, pkg)...)
	cmd.Dir = b.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the tests of %s: %w\n%s", pkg, err, out)
	}
	return bin, nil
}

// command runs a program in the directory of a package, as go test does.
func (b *bench) command(pkg, bin string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*patience)
	b.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Dir = filepath.Join(b.root, pkg)
	return cmd
}

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// failed names the test that failed.
func failed(out string, t test) string {
	if found := failure.FindStringSubmatch(out); found != nil {
		return found[1]
	}
	return t.run // it crashed, or was waited for too long
}

// apply returns the file with the mutant in it.
func (m *mutant) apply(root string) (string, error) {
	data, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	text := "\n" + string(data)
	for _, h := range m.hunks {
		old, new := "\n"+strings.Join(h.old, "\n")+"\n", "\n"
		if len(h.new) > 0 {
			new = "\n" + strings.Join(h.new, "\n") + "\n"
		}
		if n := strings.Count(text, old); n != 1 {
			return "", fmt.Errorf("%s has these lines %d times, want once:%s", m.file, n, old)
		}
		text = strings.Replace(text, old, new, 1)
	}
	return text[1:], nil
}

// read returns all mutants, or those of -only.
func read(t *testing.T) (list []*mutant) {
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found, err := parse(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, m := range found {
			if seen[m.name] {
				t.Errorf("%s: there are two mutants %s", file, m.name)
			}
			seen[m.name] = true
			if wanted.MatchString(m.name) {
				list = append(list, m)
			}
		}
	}
	if len(list) == 0 {
		t.Fatal("no mutants")
	}
	return list
}

// parse reads the mutants of a file.
func parse(text string) (list []*mutant, err error) {
	m, again := &mutant{}, true // again: the next line of a hunk begins a new one
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		key, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case line == "" || line[0] == '#':
		case line == "@@":
			again = true
		case line[0] == '-' || line[0] == '+':
			if again {
				m.hunks, again = append(m.hunks, hunk{}), false
			}
			h := &m.hunks[len(m.hunks)-1]
			if line[0] == '-' {
				h.old = append(h.old, line[1:])
			} else {
				h.new = append(h.new, line[1:])
			}
		case key == "mutant":
			m, again = &mutant{name: rest}, true
			list = append(list, m)
		case key == "why":
			m.why = rest
		case key == "file":
			m.file = rest
		case key == "test":
			pkg, run, _ := strings.Cut(rest, " ")
			m.tests = append(m.tests, test{pkg, run})
		default:
			return nil, fmt.Errorf("unknown line %q", line)
		}
	}
	for _, m := range list {
		if m.name == "" || m.why == "" || m.file == "" || len(m.tests) == 0 || len(m.hunks) == 0 {
			return nil, fmt.Errorf("mutant %q lacks a name, why, file, test or hunk", m.name)
		}
		for _, h := range m.hunks {
			if len(h.old) == 0 {
				return nil, fmt.Errorf("mutant %q: a hunk removes nothing", m.name)
			}
		}
	}
	return list, nil
}
