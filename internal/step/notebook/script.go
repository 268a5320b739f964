package notebook

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"maestro/internal/doc"
	"maestro/internal/step"
	"maestro/param"
)

const clone = "maestro_notebook_git_repo" // the directory

// script returns the shell text that runs the notebook.
func (n *notebook) script(a *step.Attempt) string {
	var b strings.Builder
	if n.init != "" {
		b.WriteString(n.init + " ")
	}
	input := quote(n.input)
	if n.repo != "" {
		b.WriteString("git clone ")
		if n.submodules {
			b.WriteString("--recurse-submodules ")
		}
		if n.branch != "" {
			b.WriteString("-b " + word(n.branch) + " ")
		}
		b.WriteString(word(n.repo) + " " + clone + ` && cd "` + clone + `/$(dirname ` + input + `)" && `)
		if n.branch == "" && n.commit != "" {
			b.WriteString("git checkout " + word(n.commit) + " && ")
		}
		input = `"$(basename ` + input + `)"`
	}
	b.WriteString("papermill " + input + " " + quote(n.output) + " -y " + quote(string(params(a))) + " --log-output")
	for _, arg := range n.args() {
		b.WriteString(" " + quote(arg))
	}
	return b.String()
}

// args are those of the user, with time for the kernel to start unless they say how much.
func (n *notebook) args() []string {
	var out []string
	for _, arg := range n.arguments {
		out = append(out, strings.TrimSpace(arg))
	}
	given := func(arg string) bool { return strings.HasPrefix(arg, "--start_timeout") }
	if !slices.ContainsFunc(out, given) {
		out = append(out, "--start_timeout", "600")
	}
	return out
}

// hidden are params that are no business of a notebook: they are about the engine, or change with each run for nothing.
var hidden = map[string]bool{
	"workflow_id": true, "step_attempt_id": true, "step_instance_uuid": true, "workflow_instance_id": true,
	"maestro_step_satisfied": true, "FIRST_TIME_TRIGGER_TIMEZONE": true, "INITIATOR_TIMEZONE": true,
}

// params returns what papermill gives to the notebook, as JSON, which is YAML: the evaluated params of the workflow, over
// them those of the step, and some facts.
func params(a *step.Attempt) []byte {
	var values param.Values
	for _, from := range [...]*param.Params{a.WorkflowParams, a.Params} {
		if from == nil {
			continue
		}
		for name, p := range from.All() {
			if p.Evaluated && !hidden[name] && !(p.Result.Type() == param.String && p.Result.Str() == "") {
				values.Set(name, p.Result)
			}
		}
	}
	if d := a.Definition; d != nil && d.Timeout.IsSet() {
		values.Set("StepTimeout", param.StringValue(timeout(a)))
	}
	values.Set("attempt_number", param.LongValue(a.Number-1))
	if !values.Has("owner") && a.Owner != "" {
		values.Set("owner", param.StringValue(a.Owner))
	}
	out := []byte{'{'}
	for name, v := range values.All() {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = doc.AppendString(out, name)
		out = v.AppendJSON(append(out, ':'))
	}
	return append(out, '}')
}

// timeout is the step's timeout as it is written, or, if it depends on params, what came out.
func timeout(a *step.Attempt) string {
	t := a.Definition.Timeout
	if t.Dynamic() {
		return strconv.FormatInt(int64(a.Deadline.Sub(a.Started)/time.Second), 10)
	}
	return strings.Trim(t.String(), `"`)
}

// quote makes one word of any text, for a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// word quotes a text only if a shell would see more in it than letters.
func word(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@+,%=", r)
	}
	if s != "" && s[0] != '-' && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return quote(s)
}
