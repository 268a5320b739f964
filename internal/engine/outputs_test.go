package engine_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maestro/api"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/spec"
)

const rows = `{"params":{"rows":{"type":"LONG","value":7,"evaluated_result":7,"evaluated_time":1600000000000}}}`

// onJob begins every attempt and hands it to the test.
type onJob struct {
	a *step.Attempt
	r step.Reporter
}

func openJobs(t *testing.T) (*fixture, chan onJob, func() *fixture) {
	t.Helper()
	b, began := &book{byID: map[string]*engine.Definition{}}, make(chan onJob, 10)
	b.push(t, "w", "", `{"step":{"id":"a","type":"Shell","retry_policy":{"error_retry_limit":0},"params":{"rows":{"value":0,"type":"LONG"},"more":{"value":"","type":"STRING"}}}}`)
	s := openStore(t, filepath.Join(t.TempDir(), "m.db"))
	t.Cleanup(func() { s.Close() })
	open := func() *fixture {
		w := &work{onStart: func(a *step.Attempt, r step.Reporter) { began <- onJob{a, r} }}
		e := engine.New(engine.Config{}, s, b, newLanguage(t), map[spec.StepType]step.Runtime{spec.TypeShell: w, spec.TypeKubernetes: w}, quiet())
		if err := e.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		return &fixture{Engine: e, book: b, store: s, work: w}
	}
	return open(), began, open
}

func (f *fixture) post(t *testing.T, kind, job, data string, delivered bool) {
	t.Helper()
	got, err := f.PostOutput(t.Context(), engine.JobOutput{Type: kind, Job: job, Data: []byte(data)})
	if err != nil || got != delivered {
		t.Fatalf("post to %s %s: delivered %t, %v; want %t", kind, job, got, err, delivered)
	}
}

// kept returns how many jobs have data that nobody has claimed.
func (f *fixture) kept(t *testing.T) int {
	t.Helper()
	list, err := f.store.Scan(t.Context(), "output", "", "", 100)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func wantRows(t *testing.T, r *instance.Run, want int64) {
	t.Helper()
	if s := r.Steps[0].Status; s != instance.Succeeded {
		t.Fatalf("step is %s: %+v", s, r.Steps[0].Lines)
	}
	if got := r.StepParams(0).Lookup("rows").Result.Long(); got != want {
		t.Errorf("rows is %d, want %d", got, want)
	}
}

// TestPostOutput sends output data to an attempt by its uuid, in parts, and again after a restart.
func TestPostOutput(t *testing.T) {
	t.Parallel()
	f, began, open := openJobs(t)
	run := f.start(t, "w")
	j := <-began
	f.post(t, "Shell", j.a.UUID, rows, true)
	f.post(t, "Shell", j.a.UUID, rows, true)
	f.close(t)
	f = open()
	defer f.close(t)
	j = <-began
	if j.a.Output == nil || !strings.Contains(string(j.a.Output.Params), `"rows"`) {
		t.Errorf("the runtime is told of %+v", j.a.Output)
	}
	f.post(t, "shell", j.a.UUID, strings.ReplaceAll(rows, "rows", "more"), true)
	_, err := f.PostOutput(t.Context(), engine.JobOutput{Type: "Shell", Job: j.a.UUID, WorkflowID: "other", Data: []byte(rows)})
	if !errors.Is(err, api.BadRequest) || !strings.Contains(err.Error(), "belongs to workflow [w]") {
		t.Errorf("of another workflow: %v", err)
	}
	large := fmt.Sprintf(`{"artifacts":{"x":{"y":%q}}}`, strings.Repeat("y", 749_900))
	if _, err = f.PostOutput(t.Context(), engine.JobOutput{Type: "Shell", Job: j.a.UUID, Data: []byte(large)}); !errors.Is(err, api.BadRequest) {
		t.Errorf("too large together: %v", err)
	}
	done(j.r)
	r := f.await(t, run)
	wantRows(t, r, 7)
	if got := r.StepParams(0).Lookup("more").Result.Str(); got != "7" {
		t.Errorf("more is %q", got)
	}
	f.post(t, "Shell", j.a.UUID, rows, false) // nobody has it any more
}

// TestPostOutput_Before sends data before the engine knows who has the job, and ends the step with the report that says.
func TestPostOutput_Before(t *testing.T) {
	t.Parallel()
	f, began, open := openJobs(t)
	f.post(t, "Shell", "job-1", strings.ReplaceAll(rows, "7", "6"), false)
	f.post(t, "Shell", "job-1", `{"artifacts":{"x":{"y":1}}}`, false)
	f.post(t, "Shell", "job-1", rows, false)
	f.post(t, "Titus", "job-1", strings.ReplaceAll(rows, "7", "5"), false) // another job
	f.close(t)
	f = open()
	defer f.close(t)
	run := f.start(t, "w")
	j := <-began
	j.r.Report(step.Report{State: step.Done, Artifacts: map[string][]byte{"maestro_shell": []byte(`{"job_id":"job-1"}`)}})
	r := f.await(t, run)
	wantRows(t, r, 7)
	if got := string(r.Steps[0].Artifacts["x"]); got != `{"y":1}` {
		t.Errorf("artifact is %s", got)
	}
	for until := time.Now().Add(5 * time.Second); f.kept(t) != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d are kept", f.kept(t))
		}
	}
}

// TestPostOutput_Plain sends plain values: they have the types that the step declares, as if they had been printed.
func TestPostOutput_Plain(t *testing.T) {
	t.Parallel()
	f, began, _ := openJobs(t)
	defer f.close(t)
	f.book.push(t, "w", "", `{"step":{"id":"a","type":"Shell","params":{"rows":{"value":0,"type":"LONG"},"days":{"value":[1],"type":"LONG_ARRAY"},"texts":{"value":{"a":"1"},"type":"STRING_MAP"},"more":{"value":"","type":"STRING"}}}}`)
	run := f.start(t, "w")
	j := <-began
	f.post(t, "Shell", j.a.UUID, `{"params":{"rows":"7","days":[],"texts":{"b":2},"more":5}}`, true)
	done(j.r)
	r := f.await(t, run)
	wantRows(t, r, 7)
	for name, want := range map[string]string{"days": `[]`, "texts": `{"a":"1","b":"2"}`, "more": `"5"`} {
		p := r.StepParams(0).Lookup(name)
		if got := string(p.Result.AppendJSON(nil)); got != want || p.Time == 0 || p.Note != "" {
			t.Errorf("%s is %s at %d (%s), want %s", name, got, p.Time, p.Note, want)
		}
	}
}

// TestArtifactsInParts has artifacts come in parts: reported twice, posted twice, and reported together with the end.
func TestArtifactsInParts(t *testing.T) {
	t.Parallel()
	f, began, _ := openJobs(t)
	defer f.close(t)
	run := f.start(t, "w")
	j := <-began
	for _, text := range []string{`{"a":1,"b":1}`, `{"b":2}`} {
		j.r.Report(step.Report{Artifacts: map[string][]byte{"free": []byte(text), "typed": []byte(`{"type":"X",` + text[1:])}})
		f.post(t, "Shell", j.a.UUID, `{"artifacts":{"posted":`+text+`}}`, true)
	}
	j.r.Report(step.Report{State: step.Done, Output: &step.Output{Artifacts: map[string][]byte{"free": []byte(`{"c":3}`), "posted": []byte(`{"c":3}`)}}})
	r := f.await(t, run)
	for key, want := range map[string]string{"free": `{"a":1,"b":2,"c":3}`, "posted": `{"a":1,"b":2,"c":3}`, "typed": `{"type":"X","b":2}`} {
		if got := string(r.Steps[0].Artifacts[key]); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
}

// TestPostOutput_Race has jobs report at the very moment at which the engine is told that they exist.
func TestPostOutput_Race(t *testing.T) {
	t.Parallel()
	f, began, _ := openJobs(t)
	defer f.close(t)
	for i := range 50 {
		run := f.start(t, "w")
		j := <-began
		id := fmt.Sprint("job-", i)
		go j.r.Report(step.Report{State: step.Continue, Artifacts: map[string][]byte{"maestro_shell": []byte(fmt.Sprintf(`{"job_id":%q}`, id))}})
		if _, err := f.PostOutput(t.Context(), engine.JobOutput{Type: "Shell", Job: id, Data: []byte(rows)}); err != nil {
			t.Fatal(err)
		}
		for until := time.Now().Add(5 * time.Second); ; { // the report has been heard
			if ok, err := f.PostOutput(t.Context(), engine.JobOutput{Type: "Shell", Job: id, Data: []byte(`{"artifacts":{"x":{}}}`)}); ok {
				break
			} else if err != nil || time.Now().After(until) {
				t.Fatal(ok, err)
			}
		}
		done(j.r)
		wantRows(t, f.await(t, run), 7)
	}
}
