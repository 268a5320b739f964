package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPapermill runs the samples of notebook steps on this machine, with the real papermill. MAESTRO_PAPERMILL
// names the directory of its program; pip means that it is installed for the test, which needs the network.
func TestPapermill(t *testing.T) {
	t.Parallel()
	bin := papermillBin(t)
	for name, git := range map[string]bool{"notebook.json": false, "notebook-git.json": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := atHome(t, sample(t, name), bin, git)
			d, book := runAtHome(t, text)
			wants(t, book, "injected-parameters", `foo = \"default\"`, `attempt_number = 0`, `owner = \"tester\"`, "foo is default", "hello world")
			id, _ := dig(text, "workflow", "id").(string)
			log, _, _ := d.cli("logs", id+"/1/job.2")
			wants(t, log, "foo is default", "hello world")
		})
	}
	t.Run("Fails", func(t *testing.T) {
		t.Parallel()
		text := strings.Replace(atHome(t, sample(t, "notebook.json"), bin, false), "echo hello world", "exit 3", 1)
		d := serve(t)
		d.push(text)
		if got := d.ends("notebook", d.begin("notebook")); got != "FAILED" {
			t.Errorf("a notebook that fails is %s", got)
		}
		wants(t, d.call("GET", "/api/v3/workflows/notebook/instances/1/steps/job.2", "").body,
			"exit code 1", "CalledProcessError", "returned non-zero exit status 3")
	})
}

// TestLocalNotebook runs the same with a stand-in for papermill.
func TestLocalNotebook(t *testing.T) {
	t.Parallel()
	for name, git := range map[string]bool{"notebook.json": false, "notebook-git.json": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, book := runAtHome(t, atHome(t, sample(t, name), standsBin(t), git))
			wants(t, book, "hello world")
		})
	}
}

// runAtHome runs a sample of a notebook step on this machine. It returns the executed notebook.
func runAtHome(t *testing.T, definition string) (d *daemon, book string) {
	t.Helper()
	d = serve(t)
	last := runSample(t, d, definition, "job.2")
	wantParam(t, last, "foo", "bar") // as a cell has printed
	wantSignal(t, d, "demo_table")
	path, _ := last.json("artifacts", "maestro_notebook", "output_path").(string)
	book, err := readNotebook(path)
	if err != nil {
		t.Fatal(err)
	}
	return d, book
}

// papermillBin returns the directory of papermill, or skips the test.
func papermillBin(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("MAESTRO_PAPERMILL")
	switch {
	case bin == "":
		t.Skip("needs papermill: set MAESTRO_PAPERMILL to the directory of its program, or to pip to have it installed for the test")
	case bin != "pip":
		return bin
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("papermill cannot be installed without python3")
	}
	dir := t.TempDir()
	for _, cmd := range []*exec.Cmd{
		exec.CommandContext(t.Context(), python, "-m", "venv", dir),
		exec.CommandContext(t.Context(), filepath.Join(dir, "bin", "pip"), "install", "--quiet", "papermill", "ipykernel"),
	} {
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("papermill cannot be installed: %v: %v\n%s", cmd.Args, err, out)
		}
	}
	return filepath.Join(dir, "bin")
}

// atHome makes a sample independent of the network: with a notebook, or a repository, of this machine, and papermill where
// it is.
func atHome(t *testing.T, definition, bin string, git bool) string {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal([]byte(definition), &d); err != nil {
		t.Fatal(err)
	}
	params, _ := dig(definition, "workflow", "steps", 1, "step", "params").(map[string]any)
	set := func(name, key string, value any, kind string) {
		params[name].(map[string]any)["value"].(map[string]any)[key] = map[string]any{"value": value, "type": kind}
	}
	dir := t.TempDir()
	set("kubernetes", "env", map[string]string{"HOME": dir, standsIn: filepath.Join(dir, "calls")}, "STRING_MAP")
	set("notebook", "init_command", fmt.Sprintf("PATH=%s:$$PATH;", bin), "STRING")
	if git {
		set("notebook", "git_repo", repository(t, dir), "STRING")
	} else {
		set("notebook", "input_path", write(t, dir, "demo01.ipynb", notebookText), "STRING")
	}
	d["workflow"].(map[string]any)["steps"].([]any)[1].(map[string]any)["step"].(map[string]any)["params"] = params
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// repository makes a git repository with a notebook.
func repository(t *testing.T, dir string) string {
	t.Helper()
	dir = filepath.Join(dir, "repo")
	if err := os.MkdirAll(filepath.Join(dir, "examples"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "examples/demo01.ipynb", notebookText)
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "."}, {"-c", "user.name=tester", "-c", "user.email=tester@example.org", "commit", "-q", "-m", "a notebook"},
	} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}
