package kubernetes

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"maestro/internal/kube"
	"maestro/internal/kube/kubetest"
	"maestro/internal/output"
	"maestro/internal/step"
	"maestro/param"
)

// TestOutput has pods that report in their logs. What a report means is tested where it is read.
func TestOutput(t *testing.T) {
	t.Parallel()
	const s, e = output.StartToken, output.EndToken
	const seven = `{"rows":{"value":7,"type":"LONG","evaluated_result":7,"evaluated_time":1700000000000}}`
	for name, c := range map[string]struct {
		log    string
		exit   int
		want   step.State
		params string
		says   []string // lines of the timeline after the first
	}{
		"Nothing":      {"a log", 0, step.Done, "", []string{"0 Kubernetes pod [POD] succeeded"}},
		"Declared":     {s + `{"rows":"7"}` + e, 0, step.Done, seven, []string{"0 Kubernetes pod [POD] succeeded"}},
		"LastWins":     {s + `{"rows":6}` + e + s + `{"rows":7}` + e, 0, step.Done, seven, []string{"0 Kubernetes pod [POD] succeeded"}},
		"Environment":  {"MAESTRO_OUTPUT_START=" + s + "\nMAESTRO_OUTPUT_END=" + e + "\n", 0, step.Done, "", []string{"0 Kubernetes pod [POD] succeeded"}},
		"OfAFailedOne": {s + `{"rows":7}` + e, 3, step.UserError, seven, []string{"0 Kubernetes pod [POD] failed with exit code [3]"}},
		"Mixed": {s + `{"rows":7}` + "\n+ echo" + e, 0, step.Done, seven,
			[]string{`1 Ignored in the output data: "+ echo", which follows the object`, "0 Kubernetes pod [POD] succeeded"}},
		"Open": {s + `{"rows":7}` + e + s + `{"rows":8}`, 0, step.Done, seven,
			[]string{"1 Ignored in the output data: an object after the last " + s + ", since there is no " + e + " after it", "0 Kubernetes pod [POD] succeeded"}},
		"NoJSON": {s + " rows=7 " + e, 0, step.UserError, "",
			[]string{"2 Error processing the output data in KubernetesStepRuntime between the output tokens: it is not valid JSON: unexpected 'r', expected a value (line 1, column 2)"}},
		"Unknown": {s + `{"params":{"rows":7},"rows":7}` + e, 0, step.UserError, "",
			[]string{"2 Error processing the output data in KubernetesStepRuntime between the output tokens: rows is an unknown field beside params and artifacts (line 1, column 22)"}},
		"TooLong": {s + strings.Repeat(" ", output.MaxText+1) + e, 0, step.UserError, "",
			[]string{"2 Error processing the output data in KubernetesStepRuntime between the output tokens: it has more than the 3000000 bytes that output data may have"}},
		"TooMuch": {s + `{"params":{"x":"` + strings.Repeat("x", output.Limit) + `"}}` + e, 0, step.UserError, "",
			[]string{"2 Error processing the output data in KubernetesStepRuntime between the output tokens: it has 750096 characters, more than the 750000 that output data may have"}},
		"NoJSONOfAFailedOne": {s + "{" + e, 3, step.UserError, "",
			[]string{"2 Error processing the output data in KubernetesStepRuntime between the output tokens: it is not valid JSON: unexpected end of input, expected a field name in double quotes (line 1, column 2); Kubernetes pod [POD] failed with exit code [3]"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			a := attempt("", "image", "holds")
			set(a.Params, "rows", param.LongValue(0))
			r := start(t, f.open(t), a)
			pod := f.Await(t, a.UUID)
			f.Wrote(pod, c.log)
			f.Change(pod, func(p *kubetest.Pod) {
				p.Status.Phase = kube.Succeeded
				if c.exit != 0 {
					p.Status.Phase = kube.Failed
				}
				box := kube.ContainerStatus{Name: containerName}
				box.State.Terminated = &kube.Terminated{ExitCode: c.exit, FinishedAt: time.UnixMilli(1700000000000).UTC().Format(time.RFC3339)}
				p.Status.ContainerStatuses = []kube.ContainerStatus{box}
			})
			got := r.Want(t, c.want)
			var params string
			if got.Output != nil {
				params = string(got.Output.Params)
			}
			if params != c.params {
				t.Errorf("params %s, want %s", params, c.params)
			}
			told := strings.Split(strings.TrimSpace(lines(r)), "\n")[1:]
			for i := range told {
				told[i] = strings.TrimSpace(told[i])
			}
			if want := strings.ReplaceAll(strings.Join(c.says, "\n"), "POD", a.UUID); strings.Join(told, "\n") != want {
				t.Errorf("timeline\n%s\nwant\n%s", strings.Join(told, "\n"), want)
			}
			if kept := strings.Contains(string(got.Artifacts[artifactKey]), `"execution_output"`); kept == strings.HasPrefix(c.says[0], "2") {
				t.Errorf("artifact %.300s", got.Artifacts[artifactKey])
			}
		})
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		log        string
		max, lines int
		want       string
	}{
		{"", 10, 2, ""}, {"a\n", 10, 2, "a\n"}, {"a\nb\nc\n", 10, 2, "b\nc\n"}, {"a\nb\nc", 10, 2, "b\nc"},
		{"\n\n\n", 10, 2, "\n\n"}, {"abcdef", 3, 2, "def"}, {"ab\ncdef", 3, 9, "def"}, {"xä", 1, 1, ""}, {"a\x00\xffb", 9, 1, "a\uFFFD\uFFFDb"},
	} {
		for range 20 {
			got := tail{max: c.max, lines: c.lines}
			for rest := c.log; rest != ""; {
				n := 1 + rand.IntN(len(rest))
				_, _ = got.Write([]byte(rest[:n]))
				rest = rest[n:]
			}
			if got.String() != c.want {
				t.Fatalf("%q: got %q, want %q", c.log, got.String(), c.want)
			}
		}
	}
}
