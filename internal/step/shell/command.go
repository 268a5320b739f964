package shell

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"maestro/internal/step"
	"maestro/param"
)

// command is what the step's param "shell" asks for.
type command struct {
	script      string // runs as <interpreter> -c script, or from a file; empty: program runs without a shell
	interpreter string
	named       bool // by the first line of the script
	program     string
	args        []string

	dir     string // "": a fresh directory
	env     [][2]string
	inherit bool
	stdin   string

	success  []int64
	fatal    []int64
	platform []int64
	skip     int64 // -1: none

	grace       time.Duration
	outputBytes int64
}

// keys are the entries that the map may have, in the order in which people are told of them.
var keys = []string{
	"script", "command", "args", "interpreter", "working_dir", "env", "inherit_env", "stdin", "success_exit_codes",
	"skip_exit_code", "fatal_exit_codes", "platform_exit_codes", "kill_grace_seconds", "max_output_bytes",
}

// decode reads the command of an attempt. All that is wrong with it is in the error.
func decode(params *param.Params, cfg *Config) (*command, error) {
	c := &command{interpreter: "/bin/sh", success: []int64{0}, skip: -1, grace: cfg.Grace, outputBytes: cfg.OutputBytes}
	var p *param.Param
	if params != nil {
		p = params.Lookup("shell")
	}
	if p == nil {
		return nil, errors.New("param [shell] is missing: it says what to run, such as a MAP with an entry script")
	}
	r := reader{c: c}
	switch {
	case p.Result.Type() == param.Map && p.Result.Values() != nil:
		for name, v := range p.Result.Values().All() {
			if !v.IsNone() {
				r.entry(name, v)
			}
		}
	case p.Result.Type() == param.StringMap: // what YAML makes of a map that holds nothing but texts
		for name, text := range p.Result.Texts().All() {
			r.entry(name, param.StringValue(text))
		}
	default:
		return nil, fmt.Errorf("param [shell] must be a MAP, not %s", typeName(p.Result))
	}
	r.whole()
	return c, errors.Join(r.problems...)
}

// reader collects what is wrong with a command.
type reader struct {
	c        *command
	seen     []string
	problems []error
}

func (r *reader) errorf(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

func (r *reader) entry(name string, v param.Value) {
	c := r.c
	r.seen = append(r.seen, name)
	switch name {
	case "script":
		c.script = normalScript(r.text(name, v))
	case "command":
		c.program = r.text(name, v)
	case "args":
		c.args = r.texts(name, v)
	case "interpreter":
		c.interpreter = r.text(name, v)
	case "working_dir":
		c.dir = r.text(name, v)
	case "env":
		c.env = r.pairs(name, v)
	case "inherit_env":
		if v.Type() != param.Boolean {
			r.mismatch(name, "BOOLEAN", v)
		}
		c.inherit = v.Boolean()
	case "stdin":
		if v.Type() != param.String {
			r.mismatch(name, "STRING", v)
		}
		c.stdin = v.Str()
	case "success_exit_codes":
		c.success = r.codes(name, v)
	case "skip_exit_code":
		c.skip = r.long(name, v, 0, 255)
	case "fatal_exit_codes":
		c.fatal = r.codes(name, v)
	case "platform_exit_codes":
		c.platform = r.codes(name, v)
	case "kill_grace_seconds":
		c.grace = time.Duration(r.long(name, v, 0, int64(maxGrace/time.Second))) * time.Second
	case "max_output_bytes":
		c.outputBytes = r.long(name, v, 1, 1<<62)
	default:
		r.errorf("param [shell] has the unknown entry [%s]; it may have %s", name, strings.Join(keys, ", "))
	}
}

// whole checks what concerns more than one entry.
func (r *reader) whole() {
	c := r.c
	if len(r.problems) > 0 {
		return
	}
	switch {
	case c.script == "" && c.program == "":
		r.errorf("param [shell] must have either script or command, and it must not be empty")
	case c.script != "" && c.program != "":
		r.errorf("param [shell] has both script and command; it must have only one of them")
	case c.script != "" && slices.Contains(r.seen, "args"):
		r.errorf("param [shell] has args, which belong to command, together with script")
	case c.program != "" && slices.Contains(r.seen, "interpreter"):
		r.errorf("param [shell] has an interpreter, which belongs to script, together with command")
	}
	if name := namedInterpreter(c.script); name != "" && !slices.Contains(r.seen, "interpreter") {
		c.interpreter, c.named = name, true
	}
	if c.dir != "" && !filepath.IsAbs(c.dir) {
		r.errorf("param [shell.working_dir] must be an absolute path, not %q", c.dir)
	}
	meaning := map[int64]string{}
	claim := func(name string, codes ...int64) {
		for _, code := range codes {
			if other := meaning[code]; other != "" && other != name {
				r.errorf("exit code %d is in both [shell.%s] and [shell.%s]", code, other, name)
			}
			meaning[code] = name
		}
	}
	claim("success_exit_codes", c.success...)
	claim("fatal_exit_codes", c.fatal...)
	claim("platform_exit_codes", c.platform...)
	if c.skip >= 0 {
		claim("skip_exit_code", c.skip)
	}
}

func (r *reader) mismatch(name, want string, v param.Value) {
	r.errorf("param [shell.%s] must be a %s, not %s", name, want, typeName(v))
}

// text reads a STRING that goes to the system as it is.
func (r *reader) text(name string, v param.Value) string {
	if v.Type() != param.String {
		r.mismatch(name, "STRING", v)
		return ""
	}
	return r.clean(name, v.Str())
}

// clean refuses what the system cannot take in names and arguments.
func (r *reader) clean(name, s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		r.errorf("param [shell.%s] holds a NUL byte, which no argument or variable can have", name)
	}
	return s
}

func (r *reader) texts(name string, v param.Value) []string {
	if !v.Type().IsArray() || v.HasNull() {
		r.mismatch(name, "STRING_ARRAY without null", v)
		return nil
	}
	out := make([]string, v.Len())
	for i := range out {
		out[i] = r.clean(name, v.Index(i).String())
	}
	return out
}

// pairs reads env. An expression yields a MAP rather than a STRING_MAP; its scalars become text.
func (r *reader) pairs(name string, v param.Value) [][2]string {
	var out [][2]string
	add := func(key, value string) {
		if key == "" || strings.ContainsRune(key, '=') {
			r.errorf("param [shell.%s] has the name %q, which no environment variable can have", name, key)
		}
		out = append(out, [2]string{r.clean(name, key), r.clean(name, value)})
	}
	switch {
	case v.Type() == param.StringMap && v.Texts() != nil:
		for key, value := range v.Texts().All() {
			add(key, value)
		}
	case v.Type() == param.Map && v.Values() != nil:
		for key, value := range v.Values().All() {
			if !value.Type().IsScalar() {
				r.mismatch(name+"."+key, "STRING", value)
				continue
			}
			add(key, value.String())
		}
	default:
		r.mismatch(name, "STRING_MAP", v)
	}
	return out
}

func (r *reader) long(name string, v param.Value, least, most int64) int64 {
	if v.Type() != param.Long {
		r.mismatch(name, "LONG", v)
		return least
	}
	if n := v.Long(); n < least || n > most {
		r.errorf("param [shell.%s] must be from %d to %d, not %d", name, least, most, n)
	}
	return v.Long()
}

func (r *reader) codes(name string, v param.Value) []int64 {
	if v.Type().IsArray() && v.Len() == 0 { // an empty array that was evaluated may have forgotten its type
		return nil
	}
	if v.Type() != param.LongArray {
		r.mismatch(name, "LONG_ARRAY", v)
		return nil
	}
	for _, n := range v.Longs() {
		if n < 0 || n > 255 {
			r.errorf("param [shell.%s] has %d, but exit codes are from 0 to 255", name, n)
		}
	}
	return v.Longs()
}

func typeName(v param.Value) string {
	if v.IsNone() {
		return "null"
	}
	return v.Type().String()
}

// verdict tells what an exit code means, and whether it means that the work was skipped.
func (c *command) verdict(code int64) (state step.State, skipped bool) {
	switch {
	case slices.Contains(c.success, code):
		return step.Done, false
	case code == c.skip:
		return step.Done, true
	case slices.Contains(c.fatal, code):
		return step.FatalError, false
	case slices.Contains(c.platform, code):
		return step.PlatformError, false
	}
	return step.UserError, false
}
