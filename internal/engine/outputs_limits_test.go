package engine_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"maestro/api"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/output"
	"maestro/internal/step"
	"maestro/spec"
)

// openWith is openJobs with a configuration, and with params of every kind of refusal.
func openWith(t *testing.T, cfg engine.Config) (*fixture, chan onJob, func() *fixture) {
	t.Helper()
	b, began := &book{byID: map[string]*engine.Definition{}}, make(chan onJob, 10)
	b.push(t, "w", "", `{"step":{"id":"a","type":"Shell","retry_policy":{"error_retry_limit":0},"params":{
		"rows":{"value":0,"type":"LONG"},"fixed":{"value":1,"type":"LONG","mode":"CONSTANT"},"once":{"value":1,"type":"LONG","mode":"IMMUTABLE"},
		"nest":{"value":{"x":{"value":1,"type":"LONG"}},"type":"MAP"}}}}`)
	s := openStore(t, filepath.Join(t.TempDir(), "m.db"))
	t.Cleanup(func() { s.Close() })
	open := func() *fixture {
		w := &work{onStart: func(a *step.Attempt, r step.Reporter) { began <- onJob{a, r} }}
		e := engine.New(cfg, s, b, newLanguage(t), map[spec.StepType]step.Runtime{spec.TypeShell: w}, quiet())
		if err := e.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		return &fixture{Engine: e, book: b, store: s, work: w}
	}
	return open(), began, open
}

func tokenOf(t *testing.T, a *step.Attempt) string {
	t.Helper()
	for _, kv := range a.Env {
		if kv[0] == output.TokenVar {
			return kv[1]
		}
	}
	t.Fatalf("the attempt has no token: %v", a.Env)
	return ""
}

// TestOutputToken has output data taken from the job of an attempt alone, by the token that it has, also after a restart.
func TestOutputToken(t *testing.T) {
	t.Parallel()
	f, began, open := openWith(t, engine.Config{OutputTokens: true, OutputURL: "http://here/"})
	run := f.start(t, "w")
	j := <-began
	other := f.start(t, "w")
	k := <-began
	if fmt.Sprint(j.a.Env[1]) != "[MAESTRO_OUTPUT_URL http://here/]" {
		t.Errorf("environment %v", j.a.Env)
	}
	token, another := tokenOf(t, j.a), tokenOf(t, k.a)
	if token == another {
		t.Fatal("two attempts have one token")
	}
	refused := func(want error, q engine.JobOutput) {
		t.Helper()
		q.Data = []byte(rows)
		if _, err := f.PostOutput(t.Context(), q); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", q, err, want)
		}
	}
	uuid := j.a.UUID
	refused(api.Unauthorized, engine.JobOutput{Type: "Shell", Job: uuid})
	refused(api.Unauthorized, engine.JobOutput{Type: "Shell", Job: "job-of-nobody"})
	for _, forged := range []string{"x", uuid, uuid + ".", uuid + ".AAAA", token[:len(token)-1], token + "A", uuid + another[36:], "." + token[37:]} {
		refused(api.Forbidden, engine.JobOutput{Token: forged, Type: "Shell", Job: uuid})
	}
	refused(api.Forbidden, engine.JobOutput{Token: another, Type: "Shell", Job: uuid})
	refused(api.BadRequest, engine.JobOutput{Token: token, WorkflowID: "other"})
	if n := f.kept(t); n != 0 {
		t.Errorf("%d refused posts are kept", n)
	}
	give := func(q engine.JobOutput) {
		t.Helper()
		if ok, err := f.PostOutput(t.Context(), q); !ok || err != nil {
			t.Errorf("%+v: %t, %v", q, ok, err)
		}
	}
	give(engine.JobOutput{Token: token, Data: []byte(rows)})
	give(engine.JobOutput{Token: token, Type: "Shell", Job: "not-yet-known", Data: []byte(`{"artifacts":{"x":{}}}`)})
	f.close(t)
	f = open()
	defer f.close(t)
	for range 2 {
		if again := <-began; again.a.UUID == j.a.UUID {
			j = again
		} else {
			k = again
		}
	}
	if tokenOf(t, j.a) != token {
		t.Error("the token has changed")
	}
	give(engine.JobOutput{Token: token, Type: "Shell", Job: uuid, Data: []byte(`{"artifacts":{"y":{}}}`)})
	done(j.r)
	r := f.await(t, run)
	wantRows(t, r, 7)
	if len(r.Steps[0].Artifacts) != 2 {
		t.Errorf("artifacts %v", r.Steps[0].Artifacts)
	}
	done(k.r)
	wantRows(t, f.await(t, other), 0)
}

// unfits is what can never be merged into the step, and why not.
var unfits = map[string]string{
	`{"params":{"nope":1}}`:                                "Invalid output parameter [nope], not defined in params",
	`{"params":{"rows":"many"}}`:                           "rows",
	`{"params":{"rows":[1]}}`:                              "rows",
	`{"params":{"rows":{"type":"MAP","value":{}}}}`:        "rows",
	`{"params":{"fixed":2}}`:                               "fixed",
	`{"params":{"once":2}}`:                                "once",
	`{"params":{"nest":{"x":"text"}}}`:                     "nest",
	`{"params":{"rows":7,"fixed":2},"artifacts":{"x":{}}}`: "fixed",
}

// TestPostOutput_Unfit refuses what cannot be merged when it is posted, or tells it in the timeline when that was before
// the step was known to have the job. Either way the step succeeds.
func TestPostOutput_Unfit(t *testing.T) {
	t.Parallel()
	f, began, open := openWith(t, engine.Config{})
	i := 0
	for data := range unfits {
		f.post(t, "Shell", fmt.Sprint("job-", i), data, false)
		i++
	}
	f.post(t, "Shell", fmt.Sprint("job-", i), rows, false)
	run := f.start(t, "w")
	j := <-began
	for data, why := range unfits {
		if _, err := f.PostOutput(t.Context(), engine.JobOutput{Type: "Shell", Job: j.a.UUID, Data: []byte(data)}); !errors.Is(err, api.BadRequest) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", data, err)
		}
	}
	f.post(t, "Shell", j.a.UUID, `{"params":{"fixed":1,"once":1,"nest":{"x":5}}}`, true) // changes what may be changed
	for n := range i + 1 {
		j.r.Report(step.Report{Artifacts: map[string][]byte{"maestro_shell": fmt.Appendf(nil, `{"job_id":"job-%d"}`, n)}})
	}
	f.close(t)
	f = open()
	defer f.close(t)
	j = <-began
	done(j.r)
	r := f.await(t, run)
	wantRows(t, r, 7)
	told := 0
	for _, l := range r.Steps[0].Lines {
		if strings.Contains(l.Message, "was not taken") {
			told++
		}
	}
	if want := len(unfits) - 1; told != want { // each reason once: two are refused for the same
		t.Errorf("%d of %d are told: %+v", told, want, r.Steps[0].Lines)
	}
}

// TestPostOutput_Altogether bounds what the posts of one attempt add to the store.
func TestPostOutput_Altogether(t *testing.T) {
	t.Parallel()
	f, began, _ := openWith(t, engine.Config{})
	defer f.close(t)
	run := f.start(t, "w")
	j := <-began
	taken, bytes := 0, 0
	var err error
	for i := range 120 {
		data := fmt.Sprintf(`{"artifacts":{"x":{"y":"%d%s"}}}`, i, strings.Repeat("y", 700_000))
		if _, err = f.PostOutput(t.Context(), engine.JobOutput{Type: "Shell", Job: j.a.UUID, Data: []byte(data)}); err != nil {
			break
		}
		taken++
		bytes += len(data)
	}
	if !errors.Is(err, api.BadRequest) || taken < 10 || bytes > 17<<20 {
		t.Errorf("%d posts of %d bytes were taken: %.300v", taken, bytes, err)
	}
	done(j.r)
	if s := f.await(t, run).Steps[0].Status; s != instance.Succeeded {
		t.Errorf("the step is %s", s)
	}
}

// TestPostOutput_Flood has a stranger send output data for jobs that there are not. It pushes out only what it sent, the
// oldest first, and what others send is kept and reaches its step, also after a restart.
func TestPostOutput_Flood(t *testing.T) {
	t.Parallel()
	f, began, open := openWith(t, engine.Config{OutputUnclaimed: 1 << 20})
	send := func(sender, job, data string) {
		t.Helper()
		if ok, err := f.PostOutput(t.Context(), engine.JobOutput{Sender: sender, Type: "Shell", Job: job, Data: []byte(data)}); ok || err != nil {
			t.Fatalf("%s %s: %t, %v", sender, job, ok, err)
		}
	}
	stored := func() (bytes int, oldest string) {
		t.Helper()
		list, err := f.store.Scan(t.Context(), "output", "", "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			bytes += len(r.Value)
		}
		return bytes, list[0].Key
	}
	large := fmt.Sprintf(`{"artifacts":{"x":{"y":%q}}}`, strings.Repeat("y", 100_000))
	flood := func(from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			send("stranger", fmt.Sprintf("nobody-%03d", i), large)
		}
	}
	flood(0, 30)
	send("friend", "job-1", rows)
	flood(30, 60)
	f.close(t)
	f = open()
	defer f.close(t)
	flood(60, 90)
	if bytes, oldest := stored(); bytes > 1<<20 || oldest != "shell/job-1" {
		t.Errorf("%d bytes are kept, from %s on", bytes, oldest)
	}
	run := f.start(t, "w")
	j := <-began
	j.r.Report(step.Report{State: step.Done, Artifacts: map[string][]byte{"maestro_shell": []byte(`{"job_id":"job-1"}`)}})
	wantRows(t, f.await(t, run), 7)

	run = f.start(t, "w")
	j = <-began
	send("stranger", "job-2", rows) // of the same sender: the oldest goes, not the newest
	j.r.Report(step.Report{State: step.Done, Artifacts: map[string][]byte{"maestro_shell": []byte(`{"job_id":"job-2"}`)}})
	wantRows(t, f.await(t, run), 7)
}
