package sel_test

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"maestro/sel"
)

var rewrite = flag.Bool("rewrite", false, "write what happened into the transcripts, to be read as a diff")

// TestTranscripts runs testdata/*.txt. A case is a script, a line of dashes, and the value or the marked error that it
// gives; an empty line ends it. Lines before the script that begin with @ set the stage:
//
//	@ x = new int[]{1, 2}    an input, itself an expression
//	@engine                  complete the text and check the result as the engine does
//	@names                   show the free names instead of running
//	@template                expand a literal string instead of a script
//	@limits loop=10          limits other than the defaults
//	@zone Asia/Tokyo         the default zone
//
// The clock stands at 2023-11-14T22:13:20Z.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { transcript(t, file) })
	}
}

func transcript(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimRight(string(data), "\n"), "\n\n")
	for i, block := range blocks {
		in, want, ok := strings.Cut(block, "\n----\n")
		if !ok {
			if !strings.HasPrefix(block, "#") {
				t.Errorf("%s: case without a line of dashes:\n%s", file, block)
			}
			continue
		}
		got := stage(t, in)
		if got != want && !*rewrite {
			t.Errorf("%s:\n%s\ngot\n%s\nwant\n%s", file, in, got, want)
		}
		blocks[i] = in + "\n----\n" + got
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.Join(blocks, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// stage runs the input of one case.
func stage(t *testing.T, in string) string {
	t.Helper()
	vars := map[string]sel.Value{}
	env := &sel.Env{
		Lookup: inputs(vars),
		Now:    func() int64 { return 1700000000000 },
		Random: func() uint64 { return 0x0123456789abcdef },
	}
	env.Call = func(fn string, args []sel.Value) (sel.Value, error) {
		if fn != "echo" || len(args) != 1 {
			return sel.Value{}, &sel.Error{Kind: sel.FailUnsupported, Message: "no such function"}
		}
		return args[0], nil
	}
	mode := ""
	var script []string
	for line := range strings.Lines(in) {
		line = strings.TrimSuffix(line, "\n")
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, "#"):
		case word == "@":
			name, expr, _ := strings.Cut(rest, " = ")
			v, err := mustCompile(t, expr+";").Run(env)
			if err != nil {
				t.Fatal(err)
			}
			vars[name] = v
		case word == "@limits":
			setLimits(t, &env.Limits, rest)
		case word == "@zone":
			env.DefaultZone = rest
		case strings.HasPrefix(word, "@"):
			mode = word
		default:
			script = append(script, line)
		}
	}
	return outcome(mode, strings.Join(script, "\n"), env)
}

func setLimits(t *testing.T, l *sel.Limits, text string) {
	t.Helper()
	for f := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(f, "=")
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatal(err)
		}
		switch name {
		case "length":
			l.Length = n
		case "loop":
			l.Loop = n
		case "array":
			l.Array = n
		case "stack":
			l.Stack = n
		case "visits":
			l.Visits = int64(n)
		case "memory":
			l.Memory = int64(n)
		default:
			t.Fatalf("no limit is called %s", name)
		}
	}
}

func outcome(mode, text string, env *sel.Env) string {
	if mode == "@template" {
		s, err := sel.Interpolate(nil, text, env.Lookup)
		if err != nil {
			return "error " + detail(err)
		}
		return s + "\nreferences " + strings.Join(sel.References(text), " ")
	}
	compile := env.Limits.Compile
	if mode == "@engine" {
		compile = env.Limits.CompileEngine
	}
	s, err := compile(text)
	if err != nil {
		return "error " + detail(err)
	}
	if mode == "@names" {
		return strings.Join(s.Names(), " ")
	}
	v, err := s.Run(env)
	if err != nil {
		return "error " + detail(err)
	}
	return describe(v)
}

func mustCompile(t testing.TB, text string) *sel.Script {
	t.Helper()
	s, err := sel.Compile(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}
