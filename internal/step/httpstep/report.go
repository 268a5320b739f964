package httpstep

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"maestro/internal/output"
	"maestro/internal/step"
	"maestro/param"
)

// artifactKey is the artifact of HTTP steps (spec/runtimes 3.2).
const artifactKey = "maestro_http"

// stateOf returns the state that a word of a state expression means, in any letter case.
func stateOf(word string) (step.State, bool) {
	for _, s := range []step.State{step.Continue, step.Done, step.UserError, step.PlatformError, step.FatalError, step.Stopped, step.TimedOut} {
		if strings.EqualFold(word, s.String()) {
			return s, true
		}
	}
	return 0, false
}

const stateNames = "CONTINUE, DONE, USER_ERROR, PLATFORM_ERROR, FATAL_ERROR, STOPPED, TIMED_OUT"

// stateExpr returns the expression that judges answers. Default params bring one along.
func stateExpr(params *param.Params) (string, error) {
	p := params.Lookup("state_expr")
	if p == nil || !p.Evaluated || p.Result.Type() != param.String {
		return "", fmt.Errorf("param [state_expr] must be a STRING")
	}
	return p.Result.Str(), nil
}

// causes returns an error of an expression in the form in which failing params are shown.
func causes(err error) []string {
	e := param.AsError(err)
	return append([]string{e.Detail()}, e.Causes()...)
}

// artifact returns what is kept of request and answer.
func artifact(q *request, ans *answer, st step.State) []byte {
	str := func(dst []byte, s string) []byte { return param.StringValue(s).AppendJSON(dst) }
	out := make([]byte, 0, 256+len(q.text)+len(ans.body)+len(ans.body)/8)
	out = str(append(out, `{"request":{"url":`...), q.text)
	out = str(append(out, `,"method":`...), q.method)
	if q.headers != nil {
		out = param.StringMapValue(q.headers).AppendJSON(append(out, `,"headers":`...))
	}
	if q.body != nil {
		out = str(append(out, `,"body":`...), *q.body)
	}
	status := "SUCCESS"
	switch st {
	case step.UserError, step.PlatformError, step.FatalError, step.TimedOut:
		status = "FAILED"
	default:
	}
	out = str(append(out, `},"status":`...), status)
	out = strconv.AppendInt(append(out, `,"status_code":`...), ans.status, 10)
	out = str(append(out, `,"body":`...), ans.body)
	return append(out, `,"type":"HTTP"}`...)
}

// results returns the params that the step sets if it ends well.
func results(ans *answer) *step.Output {
	now := time.Now().UnixMilli()
	p := &param.Params{}
	set := func(name string, v param.Value) {
		p.Set(name, param.Param{Def: param.Literal(v), Result: v, Time: now, Evaluated: true})
	}
	set("status_code", param.LongValue(ans.status))
	set("response_body", param.StringValue(ans.body))
	return &step.Output{Params: p.AppendJSON(nil)}
}

// outputChars counts the characters that the output data of an answer has in the original, where the limit is: JSON text
// with the body once, in UTF-16, and 400 for everything else.
func outputChars(body string) int {
	n := 400
	if len(body) <= output.Limit/6-n {
		return len(body) // more than a guess is not needed
	}
	for _, r := range body {
		switch {
		case r == '"', r == '\\', r == '\n', r == '\r', r == '\t', r == '\b', r == '\f', r > 0xffff:
			n += 2
		case r < ' ':
			n += 6
		default:
			n++
		}
	}
	return n
}

// outcome is what one request came to.
type outcome struct {
	report step.Report
	status int64 // of the answer, or 0
}

// unable is the outcome of an attempt without an answer, or with one that cannot be judged.
func unable(f *failure) outcome {
	return outcome{report: step.Report{State: f.state, Begun: true, Timeline: failed(f.lines...)}}
}

// failed is the line of an attempt that failed; the first detail is the cause.
func failed(details ...string) []step.Line {
	return []step.Line{{
		Level: step.Err, Code: "INTERNAL_ERROR", Message: "Failed to execute http step runtime with an error", Errors: details,
	}}
}

func info(message string) []step.Line {
	if message == "" {
		return nil
	}
	return []step.Line{{Level: step.Info, Message: message}}
}

// shortly returns a duration as people read it.
func shortly(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
