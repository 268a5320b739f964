package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// job is a definition of one shell step that is tried once.
func job(id, script string) string {
	return fmt.Sprintf(shellStep, id, shellJob("s", script, ""))
}

// TestRunExitCodes holds "maestro run" to an exit code for each way a run can go.
func TestRunExitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "good.json", job("good", "echo fine"))
	write(t, dir, "bad.json", job("bad", "echo oops >&2; exit 3"))
	write(t, dir, "invalid.json", `{"properties":{"owner":"t"},"workflow":{"id":"x","steps":[{"step":{"id":"a","type":"Sheell"}}]}}`)
	write(t, dir, "broken.json", "{\n")
	write(t, dir, "odd.yaml", "workflow:\n  id: odd\n  owner: t\n  jobs:\n  - job: {id: a, type: NoOp, retry_policy: {error_retry_limit: 0}}\n")
	tests := map[string]struct {
		args []string
		env  []string
		code int
		out  []string
		errs []string
	}{
		"succeeded":   {[]string{"good.json"}, nil, 0, []string{"run good/1 SUCCEEDED", "(1 step: 1 succeeded)"}, []string{"state is in"}},
		"failed":      {[]string{"bad.json"}, nil, 1, []string{"FATALLY_FAILED", "exit code 3", "run bad/1 FAILED"}, []string{"s wrote at the end (stderr):\n  oops\n"}},
		"quiet":       {[]string{"good.json", "-q"}, nil, 0, nil, nil},
		"warned":      {[]string{"odd.yaml"}, nil, 0, []string{"SUCCEEDED"}, []string{"odd.yaml:5:", "`retry_policy` cannot be expressed in YAML and becomes a param"}},
		"refused":     {[]string{"invalid.json"}, nil, 1, nil, []string{"push invalid.json", "`Sheell`, did you mean `Shell`"}},
		"broken":      {[]string{"broken.json"}, nil, 2, nil, []string{"broken.json", "line 2, column 1"}},
		"no file":     {[]string{"none.yaml"}, nil, 2, nil, []string{"there is no file none.yaml"}},
		"nothing":     {nil, nil, 2, nil, []string{"run needs a FILE", "maestro run --help"}},
		"too much":    {[]string{"good.json", "n=5"}, nil, 2, nil, []string{`"n=5" is too much`}},
		"bad param":   {[]string{"good.json", "-p", "n"}, nil, 2, nil, []string{"NAME=VALUE"}},
		"bad db":      {[]string{"good.json", "--db", "."}, nil, 1, nil, []string{"is a directory"}},
		"bad setting": {[]string{"good.json"}, []string{"MAESTRO_SHELL_TTL=soon"}, 2, nil, []string{`MAESTRO_SHELL_TTL: "soon"`, "docs/configuration.md"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"run"}, test.args...)
			if name != "bad db" {
				args = append(args, "--db", filepath.Join(t.TempDir(), "new", "run.db"))
			}
			out, errs, code := maestro(t, dir, test.env, args...)
			if code != test.code {
				t.Errorf("got exit code %d, want %d", code, test.code)
			}
			wants(t, out, test.out...)
			wants(t, errs, test.errs...)
			if test.out == nil && out != "" {
				t.Errorf("got output %q, want none", out)
			}
			if strings.Contains(out, "\x1b") {
				t.Error("escape sequences away from a terminal")
			}
		})
	}
}

// TestRunParams gives params of each type and reads them back from the run, in the one JSON document that is printed.
func TestRunParams(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "d.json", oneStep)
	write(t, dir, "more.yaml", "from_file: 7\nlong: 1\n")
	out, errs, code := maestro(t, dir, nil, "run", "d.json", "-o", "json", "--param-file", "more.yaml", "-p", "long=-5", "-p", "double=2.5",
		"-p", "bool=true", "-p", "text=hello world", "-p", "zip:string=007", "-p", "longs=[1,2]", "-p", `texts=["a","b"]`, "-p", "doubles=[1.5]",
		"-p", "bools=[true]", "-p", `map={"k":"v"}`, "-p", `mixed={"n":1}`)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	if errs != "" {
		t.Errorf("got error output %q, want none", errs)
	}
	oneDocument(t, out)
	for name, want := range map[string]string{
		"long": `["LONG",-5]`, "double": `["DOUBLE",2.5]`, "bool": `["BOOLEAN",true]`, "text": `["STRING","hello world"]`, "zip": `["STRING","007"]`,
		"longs": `["LONG_ARRAY",[1,2]]`, "texts": `["STRING_ARRAY",["a","b"]]`, "doubles": `["DOUBLE_ARRAY",[1.5]]`, "bools": `["BOOLEAN_ARRAY",[true]]`,
		"map": `["STRING_MAP",{"k":"v"}]`, "mixed": `["MAP",{"n":1}]`, "from_file": `["LONG",7]`,
	} {
		got, _ := json.Marshal([]any{dig(out, "params", name, "type"), dig(out, "params", name, "evaluated_result")})
		if string(got) != want {
			t.Errorf("param %s: got %s, want %s", name, got, want)
		}
	}
	if got := dig(out, "status"); got != "SUCCEEDED" {
		t.Error(got)
	}

	write(t, dir, "bad.json", job("bad", "exit 3"))
	out, _, code = maestro(t, dir, nil, "run", "bad.json", "-o", "json")
	oneDocument(t, out)
	if got := dig(out, "status"); code != 1 || got != "FAILED" {
		t.Errorf("got exit code %d and status %v", code, got)
	}
}

// TestRunInterrupted: an interrupt stops the run, its process too, and says so once.
func TestRunInterrupted(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]syscall.Signal{"interrupt": syscall.SIGINT, "term": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "slow.json", job("slow", "echo $$$$ >pid; cp pid "+dir+"; sleep 30"))
			p := spawn(t, dir, nil, "run", "slow.json")
			p.says(`s +RUNNING`)
			eventually(t, "the process runs", func() bool { _, err := os.Stat(filepath.Join(dir, "pid")); return err == nil })
			p.signal(s)
			if code := p.wait(); code != exitInterrupted {
				t.Errorf("got exit code %d, want %d", code, exitInterrupted)
			}
			wants(t, p.errs.String(), "stopping slow/1")
			wants(t, p.out.String(), "run slow/1 STOPPED")
			if n := strings.Count(p.out.String(), "RUNNING"); n != 1 {
				t.Errorf("said %d times that the step runs:\n%s", n, p.out.String())
			}
			var pid int
			b, _ := os.ReadFile(filepath.Join(dir, "pid"))
			_, _ = fmt.Sscan(string(b), &pid)
			eventually(t, fmt.Sprintf("process %d is gone", pid), func() bool { return pid > 0 && syscall.Kill(pid, 0) != nil })
		})
	}
}

// TestRunResumes kills "maestro run" and runs the file again with the same --db: the run that was cut off is finished,
// its process is not started again, and the new run comes after it, as the workflow allows one at a time.
func TestRunResumes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	marks := filepath.Join(dir, "marks")
	write(t, dir, "d.json", strings.Replace(job("cut", "echo begin >>"+marks+"; sleep 1; echo end >>"+marks), `"PARALLEL","workflow_concurrency":100`, `"SEQUENTIAL"`, 1))
	p := spawn(t, dir, nil, "run", "d.json", "--db", "r.db")
	p.says(`s +RUNNING`)
	eventually(t, "the process runs", func() bool { b, _ := os.ReadFile(marks); return len(b) > 0 })
	p.kill()

	out, errs, code := maestro(t, dir, nil, "run", "d.json", "--db", "r.db")
	if code != 0 {
		t.Errorf("got exit code %d", code)
	}
	wants(t, errs, "cut/1 was cut off earlier and goes on now")
	wants(t, out, "run cut/2 SUCCEEDED")
	if b, _ := os.ReadFile(marks); string(b) != "begin\nend\nbegin\nend\n" {
		t.Errorf("got %q, want one process after the other", b)
	}

	d := &daemon{t: t, dir: dir, args: []string{"server", "--listen", "127.0.0.1:0", "--store", "sqlite:r.db"}}
	d.start()
	for n := range int64(2) {
		if got := d.status("cut", n+1); got != "SUCCEEDED" {
			t.Errorf("cut/%d is %s", n+1, got)
		}
	}
	d.stop()
}
