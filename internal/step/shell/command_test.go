//go:build linux

package shell

import (
	"slices"
	"strings"
	"testing"
	"time"

	"maestro/param"
)

func defaults(t *testing.T) *Config {
	t.Helper()
	cfg, err := Config{Dir: t.TempDir(), Supervisor: []string{"x"}}.orDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return &cfg
}

func TestDecode(t *testing.T) {
	t.Parallel()
	c, err := decode(shellParams("script", "x", "kill_grace_seconds", int64(3), "max_output_bytes", int64(9), "env", map[string]string{"A": "b"}), defaults(t))
	if err != nil || c.grace != 3*time.Second || c.outputBytes != 9 || len(c.env) != 1 || c.interpreter != "/bin/sh" || c.skip != -1 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		params []any
		want   string
	}{
		{[]any{}, "must have either script or command"},
		{[]any{"script", ""}, "must have either script or command"},
		{[]any{"script", "x", "command", "y"}, "both script and command"},
		{[]any{"script", "x", "args", []string{"y"}}, "args, which belong to command"},
		{[]any{"command", "x", "interpreter", "y"}, "interpreter, which belongs to script"},
		{[]any{"script", "x", "scrpt", "y"}, "unknown entry [scrpt]; it may have script, command, args, interpreter, working_dir"},
		{[]any{"script", int64(1)}, "[shell.script] must be a STRING, not LONG"},
		{[]any{"script", "a\x00b"}, "[shell.script] holds a NUL byte"},
		{[]any{"script", "x", "env", "A=b"}, "[shell.env] must be a STRING_MAP, not STRING"},
		{[]any{"script", "x", "env", map[string]string{"A=": "b"}}, `[shell.env] has the name "A="`},
		{[]any{"script", "x", "inherit_env", "true"}, "[shell.inherit_env] must be a BOOLEAN, not STRING"},
		{[]any{"command", "x", "args", "y"}, "[shell.args] must be a STRING_ARRAY"},
		{[]any{"script", "x", "success_exit_codes", []int64{256}}, "[shell.success_exit_codes] has 256"},
		{[]any{"script", "x", "success_exit_codes", int64(1)}, "[shell.success_exit_codes] must be a LONG_ARRAY, not LONG"},
		{[]any{"script", "x", "skip_exit_code", int64(0)}, "exit code 0 is in both [shell.success_exit_codes] and [shell.skip_exit_code]"},
		{[]any{"script", "x", "kill_grace_seconds", int64(-1)}, "[shell.kill_grace_seconds] must be from 0 to 3600"},
		{[]any{"script", "x", "working_dir", "relative"}, "[shell.working_dir] must be an absolute path"},
		{[]any{"scrpt", "x", "env", "y"}, "[shell.env] must"}, // all that is wrong, not only the first
	} {
		_, err := decode(shellParams(c.params...), defaults(t))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.params, err, c.want)
		}
	}
	text := &param.Params{}
	set(text, "shell", param.StringValue("echo"))
	for _, p := range []*param.Params{nil, {}, text} {
		if _, err := decode(p, defaults(t)); err == nil || !strings.Contains(err.Error(), "param [shell]") {
			t.Errorf("%v", err)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"bash -euo  pipefail":     {"bash", "-euo", "pipefail"},
		` "/a b/sh" -c '' \'x\\ `: {"/a b/sh", "-c", "", `'x\`},
		`env A="b c"`:             {"env", "A=b c"},
	} {
		if got, err := words(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("words(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "  ", `sh "`, "''"} {
		if got, err := words(in); err == nil {
			t.Errorf("words(%q) = %q, want an error", in, got)
		}
	}
}

func TestAllowedInterpreters(t *testing.T) {
	t.Parallel()
	cfg := defaults(t)
	cfg.Interpreters = []string{"sh", "/bin/cat"}
	for _, c := range []struct {
		cmd  command
		want string // "" : allowed
	}{
		{command{script: "x", interpreter: "sh -e"}, ""},
		{command{program: "/bin/cat"}, ""},
		{command{script: "x", interpreter: "bash"}, "does not allow steps to run bash; it allows sh, /bin/cat"},
		{command{script: "x", interpreter: "./sh"}, "does not allow"},
		{command{program: "/tmp/sh"}, "does not allow"},
	} {
		argv, _, err := c.cmd.argv(cfg, "file")
		switch {
		case c.want == "" && (err != nil || argv[0][0] != '/'):
			t.Errorf("%+v: %v, %v", c.cmd, argv, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%+v: %v, want %q", c.cmd, err, c.want)
		}
	}
}
