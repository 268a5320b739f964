package scope_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/param"
)

// notPlayed are the recorded runs that need more of an engine than the one in engine_test.go, and what.
var notPlayed = map[string]string{
	"get-from-signal-dependency": "signals",
	"output-malformed":           "log parsing",
}

// TestRecorded plays the recorded runs about params against a small engine and compares the params of instances and
// steps, the status of steps, conditions, and the texts of errors with what the reference answered.
func TestRecorded(t *testing.T) {
	files, err := filepath.Glob("../../conformance/runs/params/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded runs: %v", err)
	}
	played := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if notPlayed[name] != "" {
			continue
		}
		played++
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := doc.ParseJSON(text, doc.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			e := newEngine(t)
			for i, call := range c.Field("calls").Items {
				playCall(t, e, fmt.Sprintf("call %d %s", i+1, call.Field("path").Text), call)
			}
		})
	}
	if played != len(files)-len(notPlayed) {
		t.Errorf("%d of %d recorded runs were played, %d are not to be", played, len(files), len(notPlayed))
	}
}

func playCall(t *testing.T, e *engine, at string, call *doc.Node) {
	t.Helper()
	parts := strings.Split(strings.TrimPrefix(call.Field("path").Text, "/api/v3/"), "/")
	body, reply := call.Field("body"), call.Field("reply")
	if call.Field("yaml") != nil {
		t.Fatal("the small engine reads no YAML")
	}
	var err error
	switch {
	case call.Field("method").Text == "GET":
		checkGet(t, e, at, parts, call)
		return
	case len(parts) == 1 && parts[0] == "workflows":
		err = e.push(body.Field("workflow"))
	case strings.HasSuffix(call.Field("path").Text, "actions/start"):
		err = e.start(parts[1], body)
	case len(parts) == 6 && parts[5] == "restart":
		err = e.restart(parts[1], atoi(parts[3])-1, body, "")
	case len(parts) == 8 && parts[7] == "restart":
		err = e.restart(parts[1], atoi(parts[3])-1, body, parts[5])
	default:
		t.Fatalf("no such call here: %s", at)
	}
	checkAnswer(t, at, err, call.Field("status").Text, reply)
}

func checkAnswer(t *testing.T, at string, err error, status string, reply *doc.Node) {
	t.Helper()
	if err == nil {
		if status != "200" {
			t.Errorf("%s: succeeded, want %s: %s", at, status, doc.AppendNode(nil, reply.Field("message")))
		}
		return
	}
	if status == "200" {
		t.Errorf("%s: %v, want success", at, err)
		return
	}
	got := "400"
	if p, ok := errors.AsType[*param.Error](err); ok {
		got = fmt.Sprint(p.Kind.Status())
		said := string(doc.AppendNode(nil, reply))
		quoted := string(doc.AppendString(nil, p.Message))
		if !strings.Contains(said, quoted[1:len(quoted)-1]) {
			t.Errorf("%s: got %s\nwant %s", at, p.Message, said)
		}
	}
	if got != status {
		t.Errorf("%s: status %s, want %s", at, got, status)
	}
}

func checkGet(t *testing.T, e *engine, at string, parts []string, call *doc.Node) {
	t.Helper()
	reply := call.Field("reply")
	only := func(field string) bool {
		list := call.Field("only")
		if list == nil {
			return true
		}
		for _, o := range list.Items {
			if o.Text == field {
				return true
			}
		}
		return false
	}
	r := e.find(parts[1], atoi(parts[3])-1)
	if r == nil {
		t.Fatalf("%s: no such instance", at)
	}
	steps := false
	stepID := ""
	for i := 4; i+1 < len(parts); i += 2 {
		switch parts[i] {
		case "runs":
			r = r.runs[atoi(parts[i+1])-1]
		case "steps":
			steps, stepID = true, parts[i+1]
		}
	}
	if len(parts)%2 == 1 {
		steps = true
	}
	if !steps {
		if only("status") {
			if got := r.status; got != reply.Field("status").Text {
				t.Errorf("%s: status %s, want %s", at, got, reply.Field("status").Text)
			}
		}
		if only("params") {
			compare(t, at+" params", r.params.AppendJSON(nil), reply.Field("params"))
		}
		if want := reply.Field("run_params"); only("run_params") && want != nil {
			compare(t, at+" run_params", r.runParams.AppendJSON(nil), want)
		}
		return
	}
	replies := []*doc.Node{reply}
	if stepID == "" {
		replies = reply.Items
	}
	for i, want := range replies {
		id := want.Field("step_id").Text
		s := r.steps[id]
		if s == nil {
			t.Errorf("%s: step %s was not run", at, id)
			continue
		}
		prefix := fmt.Sprintf("%d.", i)
		if call.Field("only") == nil || only(prefix+"runtime_state.status") || only("runtime_state") {
			if got, want := s.status, want.Field("runtime_state").Field("status").Text; got != want {
				t.Errorf("%s: step %s is %s, want %s (%v)", at, id, got, want, s.err)
			}
		}
		if call.Field("only") == nil || only(prefix+"params") || only("params") || only(fmt.Sprint(i)) {
			compare(t, at+" step "+id, s.withSatisfied().AppendJSON(nil), want.Field("params"))
		}
		checkSuccessors(t, at+" step "+id, s, want.Field("transition").Field("successors"))
		checkFailure(t, at+" step "+id, s, want.Field("timeline"))
	}
}

func checkSuccessors(t *testing.T, at string, s *stepRun, want *doc.Node) {
	t.Helper()
	if want == nil {
		return
	}
	for i, p := range s.conditions {
		compare(t, at+" condition", p.AppendJSON(nil), want.Members[i].Value)
	}
}

// checkFailure compares the kind and the message of a failure, of which the recording has the reference's class.
func checkFailure(t *testing.T, at string, s *stepRun, timeline *doc.Node) {
	t.Helper()
	if s.err == nil || timeline == nil {
		return
	}
	for _, event := range timeline.Items {
		lines := event.Field("errors")
		if lines == nil || len(lines.Items) == 0 {
			continue
		}
		want := strings.Replace(lines.Items[0].Text, "NullPointerException", "MaestroInternalError", 1)
		got := param.AsError(s.err).Detail()
		if !like(got, want) {
			t.Errorf("%s: got %s\nwant %s", at, got, want)
		}
	}
}

var normalised = regexp.MustCompile(`<(uuid|hash|inline|time|date)[^ >]*>`)

// like compares texts up to what normalisation and Java class paths change.
func like(got, want string) bool {
	want = strings.ReplaceAll(want, "com.netflix.maestro.exceptions.", "")
	var b strings.Builder
	for i, part := range normalised.Split(want, -1) {
		if i > 0 {
			b.WriteString(".*")
		}
		b.WriteString(regexp.QuoteMeta(part))
	}
	ok, _ := regexp.MatchString("(?s)^"+b.String()+"$", got)
	return ok
}

// compare compares JSON with a recorded reply in which <…> stands for anything.
func compare(t *testing.T, at string, got []byte, want *doc.Node) {
	t.Helper()
	n, err := doc.ParseJSON(got, doc.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	if want == nil {
		want = &doc.Node{Kind: doc.Object}
	}
	compareNode(t, at, n, want)
}

func compareNode(t *testing.T, at string, got, want *doc.Node) {
	t.Helper()
	if want.Kind == doc.String && normalised.MatchString(want.Text) && like(got.Text, want.Text) {
		return
	}
	if got == nil || got.Kind != want.Kind || len(got.Items) != len(want.Items) {
		t.Errorf("%s: got %s, want %s", at, doc.AppendNode(nil, got), doc.AppendNode(nil, want))
		return
	}
	for i := range want.Items {
		compareNode(t, fmt.Sprintf("%s[%d]", at, i), got.Items[i], want.Items[i])
	}
	if want.Kind == doc.Object {
		for i := range want.Members {
			name := want.Members[i].Name
			g := got.Field(name)
			if g == nil {
				t.Errorf("%s.%s: missing, want %s", at, name, doc.AppendNode(nil, want.Members[i].Value))
				continue
			}
			compareNode(t, at+"."+name, g, want.Members[i].Value)
		}
		for i := range got.Members {
			if want.Field(got.Members[i].Name) == nil {
				t.Errorf("%s.%s: got %s, want nothing", at, got.Members[i].Name, doc.AppendNode(nil, got.Members[i].Value))
			}
		}
		return
	}
	if got.Kind == doc.Number {
		g, _ := parseFloat(got.Text)
		w, _ := parseFloat(want.Text)
		if g == w {
			return
		}
	}
	if got.Text != want.Text {
		t.Errorf("%s: got %s, want %s", at, doc.AppendNode(nil, got), doc.AppendNode(nil, want))
	}
}
