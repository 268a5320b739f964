//go:build linux

package shell

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"maestro/internal/step"
)

// TestScripts runs scripts of all forms that people write.
func TestScripts(t *testing.T) {
	t.Parallel()
	comment := "# " + strings.Repeat("x", 1<<20) + "\n" // no argument is as long
	for name, c := range map[string]struct {
		script string
		want   string // on standard output
		params []any
	}{
		"#! shell":                {"#!/bin/bash\necho ${BASH_VERSION:+bash}", "bash\n", nil},
		"with arguments":          {"#!/bin/bash -e\nset -o | grep errexit", "errexit        \ton\n", nil},
		"with several":            {"#!/bin/bash -e -u\nset -o | grep nounset", "nounset        \ton\n", nil},
		"by name":                 {"#! bash\necho ${BASH_VERSION:+bash}", "bash\n", nil},
		"env":                     {"#!/usr/bin/env bash\necho ${BASH_VERSION:+bash}", "bash\n", nil},
		"env with arguments":      {"#!/usr/bin/env -S X=1 bash -e\necho $X", "1\n", nil},
		"env without -S":          {"#!/usr/bin/env bash -e\nset -o | grep errexit", "errexit        \ton\n", nil},
		"not a shell":             {"#!/usr/bin/awk -f\nBEGIN { print 6*7 }", "42\n", nil},
		"long, not a shell":       {"#!/usr/bin/awk -f\n" + comment + "BEGIN { print 6*7 }", "42\n", nil},
		"only the first line":     {"#!/bin/bash", "", nil},
		"no interpreter":          {"#!\necho sh", "sh\n", nil},
		"not in the first line":   {"\n#!/no/such\necho sh", "sh\n", nil},
		"interpreter of the step": {"#!/no/such\necho ${BASH_VERSION:+bash}", "bash\n", []any{"interpreter", "bash"}},
		"an option":               {"-c 2>/dev/null || echo no such command", "no such command\n", nil},
		"an option of bash":       {"-x 2>/dev/null || echo no such command", "no such command\n", []any{"interpreter", "bash -e"}},
		"begins with +":           {"+x 2>/dev/null || echo plus", "plus\n", nil},
		"CR LF":                   {"if true; then\r\n  echo yes\r\nfi\r\n", "yes\n", nil},
		"CR LF and #!":            {"#!/bin/bash\r\necho yes\r\n", "yes\n", nil},
		"CR LF in a document":     {"cat <<END\nGET / HTTP/1.1\r\nEND\n", "GET / HTTP/1.1\r\n", nil},
		"byte order mark":         {"\ufeff#!/bin/bash\necho yes", "yes\n", nil},
		"very long":               {comment + "echo end", "end\n", nil},
		"blank":                   {"  \n", "", nil},
		"stdin":                   {"#!/bin/bash\nread x; echo $x", "in\n", []any{"stdin", "in\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, append([]any{"script", c.script}, c.params...)...)
			want(t, got, step.Done)
			if out := about(t, got).Stdout; out != c.want {
				t.Errorf("stdout %q, want %q", out, c.want)
			}
		})
	}
}

func TestPythonScript(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 here")
	}
	got := run(t, "script", "#!/usr/bin/env python3\r\nimport sys\r\nif True:\r\n    print(6*7, sys.argv[1:])\r\n")
	want(t, got, step.Done)
	if out := about(t, got).Stdout; out != "42 []\n" {
		t.Errorf("stdout %q", out)
	}
}

// TestScriptsThatCannotRun say why.
func TestScriptsThatCannotRun(t *testing.T) {
	t.Parallel()
	big := map[string]string{}
	for i := range 64 {
		big[strings.Repeat("V", i+1)] = strings.Repeat("x", 100<<10)
	}
	for name, c := range map[string]struct {
		params []any
		says   string
	}{
		"no such interpreter": {[]any{"script", "#!/no/such/thing -e\necho"}, "/no/such/thing"},
		"no such name":        {[]any{"script", "#!nosuchthing\necho"}, `"nosuchthing"`},
		"open quote":          {[]any{"script", "#!/bin/sh 'a\necho"}, `the interpreter in the first line of param [shell.script] "/bin/sh 'a" has no closing '`},
		"NUL":                 {[]any{"script", "echo a\x00b"}, "param [shell.script] holds a NUL byte"},
		"empty":               {[]any{"script", ""}, "it must not be empty"},
		"a mark alone":        {[]any{"script", "\ufeff"}, "it must not be empty"},
		"large environment":   {[]any{"script", "true", "env", big}, "args and env together are larger than this system takes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, c.params...)
			want(t, got, step.FatalError)
			if text := got.Timeline[0].Message; !strings.Contains(text, c.says) {
				t.Errorf("timeline %q, want %q in it", text, c.says)
			}
		})
	}
}

// TestAllowedFirstLine holds the first line of a script to the list of the server.
func TestAllowedFirstLine(t *testing.T) {
	t.Parallel()
	cfg := config(tempDir(t))
	cfg.Interpreters = []string{"/bin/sh"}
	for script, allowed := range map[string]bool{"#!/bin/sh\ntrue": true, "#!/bin/bash\ntrue": false, "#!/usr/bin/env sh\ntrue": false} {
		c, err := decode(shellParams("script", script), &cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.argv(&cfg, os.DevNull); (err == nil) != allowed {
			t.Errorf("%q: %v", script, err)
		}
	}
}
