package shell

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"maestro/internal/output"
	"maestro/internal/step"
)

// words splits an interpreter into the program and its arguments as a shell does: at blanks, except between quotes and
// after a backslash. Nothing is expanded.
func words(s string) ([]string, error) {
	var out []string
	var word strings.Builder
	var quote byte
	in := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			word.WriteByte(s[i])
			in = true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, in = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if in {
				out = append(out, word.String())
			}
			word.Reset()
			in = false
		default:
			word.WriteByte(c)
			in = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("%q has no closing %c", s, quote)
	}
	if in {
		out = append(out, word.String())
	}
	if len(out) == 0 || out[0] == "" {
		return nil, errors.New("must not be empty")
	}
	return out, nil
}

// argv returns what is run. scriptFile is where a script is put that is not an argument of its interpreter: it names the
// interpreter itself, in its first line, or cannot be an argument. The script is returned only then.
func (c *command) argv(cfg *Config, scriptFile string) (argv []string, script string, err error) {
	if c.program != "" {
		argv = append([]string{c.program}, c.args...)
	} else {
		if argv, err = words(c.interpreter); err != nil {
			from := "param [shell.interpreter]"
			if c.named {
				from = "the interpreter in the first line of param [shell.script]"
			}
			return nil, "", fmt.Errorf("%s %w", from, err)
		}
		if c.named || !fitsArgument(c.script) {
			argv, script = append(argv, scriptFile), c.script
		} else {
			argv = append(argv, "-c", c.script)
		}
	}
	if len(cfg.Interpreters) == 0 {
		return argv, script, nil
	}
	if !slices.Contains(cfg.Interpreters, argv[0]) {
		return nil, "", fmt.Errorf("this server does not allow steps to run %s; it allows %s", argv[0], strings.Join(cfg.Interpreters, ", "))
	}
	if argv[0], err = exec.LookPath(argv[0]); err != nil {
		return nil, "", fmt.Errorf("find %s on this server: %w", argv[0], err)
	}
	return argv, script, nil
}

// environ returns the environment of the process: what it inherits, what the step sets, what the system tells it.
// Later entries win, and system entries cannot be set otherwise.
func (c *command) environ(a *step.Attempt, dir, outputFile string) []string {
	var e environment
	if c.inherit {
		for _, kv := range os.Environ() {
			name, value, _ := strings.Cut(kv, "=")
			if !strings.HasPrefix(name, "MAESTRO_") { // configuration of the server, passwords among it
				e.set(name, value)
			}
		}
	} else {
		for _, name := range []string{"PATH", "HOME", "LANG", "TZ"} {
			if value, ok := os.LookupEnv(name); ok {
				e.set(name, value)
			}
		}
		if e.at["PATH"] == 0 {
			e.set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
		}
	}
	for _, kv := range c.env {
		e.set(kv[0], kv[1])
	}
	e.set("PWD", dir)
	e.set("MAESTRO_WORKFLOW_ID", a.WorkflowID)
	e.set("MAESTRO_WORKFLOW_INSTANCE_ID", strconv.FormatInt(a.Instance, 10))
	e.set("MAESTRO_WORKFLOW_RUN_ID", strconv.FormatInt(a.Run, 10))
	e.set("MAESTRO_STEP_ID", a.StepID)
	e.set("MAESTRO_STEP_ATTEMPT_ID", strconv.FormatInt(a.Number, 10))
	e.set("MAESTRO_STEP_INSTANCE_UUID", a.UUID)
	e.set("MAESTRO_OUTPUT_FILE", outputFile)
	for _, kv := range a.Env {
		e.set(kv[0], kv[1])
	}
	e.set(output.StartVar, output.StartToken)
	e.set(output.EndVar, output.EndToken)
	return e.list
}

// environment is a list of NAME=value in which each name occurs once.
type environment struct {
	list []string
	at   map[string]int // position in list, from 1
}

func (e *environment) set(name, value string) {
	if e.at == nil {
		e.at = map[string]int{}
	}
	kv := name + "=" + strings.ReplaceAll(value, "\x00", "")
	if i := e.at[name]; i > 0 {
		e.list[i-1] = kv
		return
	}
	e.list = append(e.list, kv)
	e.at[name] = len(e.list)
}
