package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestCommands runs scripts of commands against a real server, each script against one of its own. They are like those
// of TestScripts, with the output (>), the error output (!) and the exit code below each command:
//
//	file NAME           a file in the working directory; the lines below are its content
//	run ARGUMENT...     what differs from run to run, such as times and ids, is replaced by words in capitals
//	json PATH... -- ARGUMENT...
//	                    runs the command with --output json, checks that it prints one document, and shows the value
//	                    at each path of it, such as steps.0.id
//	ends RUN            waits until a run has ended
func TestCommands(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/e2e/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, path, playCommands(t, serve(t), string(want)), string(want))
		})
	}
}

func playCommands(t *testing.T, d *daemon, text string) string {
	t.Helper()
	var out []string
	for stanza := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n\n") {
		lines := strings.Split(stanza, "\n")
		head := 0
		for head < len(lines)-1 && strings.HasPrefix(lines[head], "#") {
			head++
		}
		words := fields(lines[head])
		keep := slices.Clone(lines[:head+1])
		switch words[0] {
		case "file":
			write(t, d.dir, words[1], strings.Join(lines[head+1:], "\n")+"\n")
			keep = lines
		case "run":
			stdout, stderr, code := d.cli(words[1:]...)
			keep = append(keep, prefixed("> ", steady(d, stdout))...)
			keep = append(keep, prefixed("! ", steady(d, stderr))...)
			if code != 0 {
				keep = append(keep, "exit "+strconv.Itoa(code))
			}
		case "json":
			i := slices.Index(words, "--")
			stdout, stderr, code := d.cli(append(slices.Clone(words[i+1:]), "--output", "json")...)
			oneDocument(t, stdout)
			for _, path := range words[1:i] {
				keep = append(keep, "> "+path+" = "+steady(d, show(stdout, path)))
			}
			keep = append(keep, prefixed("! ", steady(d, stderr))...)
			if code != 0 {
				keep = append(keep, "exit "+strconv.Itoa(code))
			}
		case "ends":
			name, n, _ := strings.Cut(words[1], "/")
			keep = append(keep, "> "+d.ends(name, toNumber(t, n)))
		default:
			if !strings.HasPrefix(words[0], "#") {
				t.Fatalf("%q is no directive", words[0])
			}
		}
		out = append(out, strings.Join(keep, "\n"))
	}
	return strings.Join(out, "\n\n") + "\n"
}

// volatile is what is never the same twice. The width of a column may hang on it, so spaces after it go too.
var volatile = []struct {
	re *regexp.Regexp
	by string
}{
	{regexp.MustCompile(`\d\d:\d\d:\d\d\.\d{3}`), "TIME"},
	{regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "UUID"},
	{regexp.MustCompile(`\b\d+[smh] ago`), "AGO"},
	{regexp.MustCompile(`\b(\d+ms|\d+\.\d+s|\d+m\d+s)`), "SPAN"},
	{regexp.MustCompile(`\bprocess \d+ on host \S+`), "process PID on host HOST"},
	{regexp.MustCompile(`\b1[0-9]{12}\b`), "MILLIS"},
	{regexp.MustCompile(`(AGO|SPAN) +`), "$1  "},
	{regexp.MustCompile(`(?m) +$`), ""},
}

func steady(d *daemon, text string) string {
	text = strings.NewReplacer(d.url, "SERVER", d.dir, "DIR").Replace(text)
	for _, v := range volatile {
		text = v.re.ReplaceAllString(text, v.by)
	}
	return text
}

// TestCompletionScriptsParse lets each shell that is installed read its completion script.
func TestCompletionScriptsParse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			out, errs, code := maestro(t, dir, nil, "completion", shell)
			if code != 0 || errs != "" || out == "" {
				t.Fatalf("exit code %d, %d bytes, %s", code, len(out), errs)
			}
			exe, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("%s is not installed: the script is made but not parsed", shell)
			}
			path := write(t, dir, "completion."+shell, out)
			if said, err := exec.Command(exe, "-n", path).CombinedOutput(); err != nil {
				t.Errorf("%s -n: %v\n%s", shell, err, said)
			}
		})
	}
}

// TestCompletionAsksTheServer completes the names of workflows, runs and steps, as a shell would ask.
func TestCompletionAsksTheServer(t *testing.T) {
	t.Parallel()
	d := serve(t)
	d.push(oneStep)
	d.ends("demo", d.begin("demo"))
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"start", "de"}, "demo"},
		{[]string{"watch", "demo/"}, "demo/1"},
		{[]string{"logs", "demo/1/"}, "demo/1/a"},
		{[]string{"star"}, "start"},
		{[]string{"ls", "--output", ""}, "json"},
	} {
		out, _, code := d.cli(append([]string{"__complete"}, test.args...)...)
		if code != 0 || !strings.Contains(out, test.want) {
			t.Errorf("%v: exit code %d, %q, want %q", test.args, code, out, test.want)
		}
	}
}

// TestHelp reads the help of every command: each has a text, a usage line and nothing that was left unfilled.
func TestHelp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range []string{"", "server", "run", "push", "validate", "start", "watch", "get", "ls", "logs", "stop", "kill", "restart", "delete",
		"signal", "signal announce", "events", "bench", "completion", "version", "exit-codes", "params"} {
		words := append(strings.Fields(args), "--help")
		out, errs, code := maestro(t, dir, nil, words...)
		if code != 0 || errs != "" {
			t.Errorf("%v: exit code %d, %s", words, code, errs)
		}
		for _, line := range strings.Split(out, "\n") {
			if strings.Contains(line, "%!") || strings.Contains(line, "TODO") {
				t.Errorf("%v: %q", words, line)
			}
		}
		if len(out) < 100 {
			t.Errorf("%v: %q", words, out)
		}
	}
}
