package spec_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
	"maestro/spec"
	"maestro/spec/dsl"
)

// recorded is a case of the conformance suite: requests with the replies of the reference.
type recorded struct {
	Calls []struct {
		Method, Path string
		Body         json.RawMessage
		YAML         *string
		Status       int
		Only         []string
		Reply        json.RawMessage
	}
}

// unrecord puts values back that a recording has placeholders for: the prefix of ids with its true length, and dates.
func unrecord(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("PFX-"), []byte("p0000000-"))
	return bytes.ReplaceAll(text, []byte(`"<date>"`), []byte("1704164645000"))
}

// elsewhere are the refusals that are not for this package: they need param evaluation (the dry run) or the state of a
// server. By case; the words are those of the replies.
var elsewhere = map[string]string{
	"validate-evaluates-workflow-params": "dry run: evaluates params",
	"validate-required-params":           "dry run: merges params",
	"validate-type-conflicts":            "dry run: merges params",
	"validate-timeout-reference":         "dry run: evaluates the timeout",
	"template-errors-at-push":            "dry run: merges params",
	"reject-param-shapes":                "dry run: an entry of a MAP without value and expression",
	"precondition-strict-sequential":     "state: a failed instance",
}

// elsewhereErrors are parts of recorded errors that say the same.
var elsewhereErrors = []string{
	"is a required parameter", "Exception during dry run", "Cannot update run strategy", "owner must be set", "already subscribed",
	"[subscriber]", "deletion", "Param [p] is not defined", "Cannot update workflow properties while",
}

// TestRecordedPushes decodes and checks every body that the conformance suite pushes, and compares what becomes of it
// with what the reference did: accept or refuse, the errors of refusals, and the workflow that was stored.
func TestRecordedPushes(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 6, 4, 12, 0, 0, 0, time.UTC)
	pushes, refusals, stored, exact, errorsCompared, errorsSame := 0, 0, 0, 0, 0, 0
	for _, file := range recordings(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		var c recorded
		if err := json.Unmarshal(unrecord(read(t, file)), &c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		templates := map[string]spec.StepType{}
		for i, call := range c.Calls {
			var p doc.Problems
			rules := spec.Rules{Now: now}
			var req *spec.PushRequest
			switch {
			case call.Method == "POST" && call.Path == "/api/v3/job-templates":
				tpl := spec.DecodeJobTemplateRequest(parse(t, call.Body), rules, &p)
				if (p.Err() == nil) != (call.Status == 200) {
					t.Errorf("%s call %d: got %v, want status %d: %s", name, i, p.Err(), call.Status, call.Body)
				} else if call.Status == 200 {
					templates[tpl.Definition.JobType] = tpl.Definition.StepType
					want := parse(t, call.Reply).Field("definition")
					if got := parse(t, tpl.AppendJSON(nil)).Field("definition"); string(doc.AppendNode(nil, got)) != string(doc.AppendNode(nil, want)) {
						t.Errorf("%s call %d: got\n%s\nwant\n%s", name, i, doc.AppendNode(nil, got), doc.AppendNode(nil, want))
					}
				}
				continue
			case strings.HasSuffix(call.Path, "/properties") && call.Method == "POST":
				if strings.Contains(string(call.Reply), "does not exist") || call.Status == 412 || call.Status == 404 {
					continue
				}
				spec.DecodePropertiesUpdate(parse(t, call.Body), rules, &p)
			case call.YAML != nil && (call.Path == "/api/v3/workflows/yaml" || call.Path == "/api/v3/workflows/actions/validate/yaml"):
				n, err := yamldoc.Parse([]byte(*call.YAML), doc.Limits{})
				if err != nil {
					p.Errorf(nil, "", "%v", err)
					break
				}
				pushed := dsl.Convert(n, dsl.Options{Template: func(jobType, _ string) (spec.StepType, bool) {
					typ, ok := templates[jobType]
					return typ, ok
				}}, &p)
				if pushed != nil {
					req = spec.DecodePushRequest(pushed, rules, &p)
					req.Validate(pushed, rules, &p)
				}
			case call.Body != nil && call.Method == "POST" && call.Path == "/api/v3/workflows",
				call.Body != nil && call.Path == "/api/v3/workflows/actions/validate":
				if strings.Contains(string(call.Body), "{{") {
					continue // filled in from replies
				}
				n := parse(t, call.Body)
				req = spec.DecodePushRequest(n, rules, &p)
				req.Validate(n, rules, &p)
				if call.Method == "POST" {
					req.ValidatePush(n, &p)
				}
			default:
				continue
			}
			pushes++
			if call.Status != 200 {
				refusals++
			}
			ok := p.Err() == nil
			if ok != (call.Status == 200) {
				if elsewhere[name] != "" || ok && containsAny(string(call.Reply), elsewhereErrors) {
					continue
				}
				body := string(call.Body)
				if call.YAML != nil {
					body = *call.YAML
				}
				t.Errorf("%s call %d: got %v, want status %d\n%.600s\n%.300s", name, i, p.Err(), call.Status, body, call.Reply)
				continue
			}
			if !ok {
				var reply struct{ Errors []string }
				_ = json.Unmarshal(call.Reply, &reply)
				for _, want := range reply.Errors {
					errorsCompared++
					if hasError(p.List, want) {
						errorsSame++
					} else {
						t.Logf("%s call %d: no error like %q in %v", name, i, want, p.Err())
					}
				}
				continue
			}
			if req == nil || len(call.Only) > 0 {
				continue
			}
			want := parse(t, call.Reply).Field("workflow_definition").Field("workflow")
			if want == nil {
				continue
			}
			stored++
			got := req.Workflow.AppendJSON(nil)
			switch {
			case string(got) == string(doc.AppendNode(nil, want)):
				exact++
			case !same(t, got, doc.AppendNode(nil, want)):
				t.Errorf("%s call %d: got\n%s\nwant\n%s", name, i, got, doc.AppendNode(nil, want))
			default:
				t.Logf("%s call %d: other order: got\n%s\nwant\n%s", name, i, got, doc.AppendNode(nil, want))
			}
		}
	}
	t.Logf("%d pushes, %d of them refused; %d stored definitions compared, %d to the letter; %d of %d recorded errors found", pushes, refusals, stored, exact, errorsSame, errorsCompared)
}

func containsAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// hasError reports whether a problem says what a recorded error says, or more.
func hasError(problems []doc.Problem, want string) bool {
	for _, p := range problems {
		p.Pos = doc.Pos{}
		if strings.HasPrefix(p.Error(), want) {
			return true
		}
	}
	return false
}

// TestRecordedDAGs compares the graph of every recorded run that began at the beginning, order included.
func TestRecordedDAGs(t *testing.T) {
	t.Parallel()
	count := 0
	for _, path := range recordings(t) {
		var c recorded
		if err := json.Unmarshal(unrecord(read(t, path)), &c); err != nil {
			t.Fatal(err)
		}
		for i, call := range c.Calls {
			if len(call.Reply) == 0 || len(call.Only) > 0 {
				continue
			}
			n := parse(t, call.Reply)
			dag, wf := n.Field("runtime_dag"), n.Field("runtime_workflow")
			policy := n.Field("run_config").Field("policy")
			if dag == nil || wf == nil || policy == nil || policy.Text != "START_FRESH_NEW_RUN" && policy.Text != "RESTART_FROM_BEGINNING" {
				continue
			}
			var p doc.Problems
			w := spec.DecodeWorkflow(wf, spec.Rules{}, &p)
			if err := p.Err(); err != nil {
				t.Errorf("%s call %d: %v", path, i, err)
				continue
			}
			d, err := spec.BuildDAG(w.Steps, nil, nil)
			if err != nil {
				t.Errorf("%s call %d: %v", path, i, err)
				continue
			}
			count++
			if got, want := string(d.AppendJSON(nil)), string(doc.AppendNode(nil, dag)); got != want {
				t.Errorf("%s call %d: got\n%s\nwant\n%s", filepath.Base(path), i, got, want)
			}
			if got := string(spec.DecodeDAG(dag, &p).AppendJSON(nil)); p.Failed() || got != string(doc.AppendNode(nil, dag)) {
				t.Errorf("%s call %d: read back as %s (%v)", filepath.Base(path), i, got, p.Err())
			}
		}
	}
	t.Logf("%d graphs", count)
}
