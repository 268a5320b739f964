package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maestro/client"
	verdict "maestro/internal/checker"
	"maestro/internal/store/sqlite"
)

// maxMemory is what a server may use while bodies and logs of 10 GB come in.
const maxMemory = 200 << 20

// court compares what the server says with what really happened in the world.
type court struct {
	t        *testing.T
	o        *outside
	u        *users
	attempts []*client.StepInstance

	began, done map[string]int // processes, by uuid
}

// all judges.
func (j *court) all(d *daemon) {
	j.began, j.done = map[string]int{}, map[string]int{}
	for _, line := range j.o.written("began") {
		uuid, life, _ := strings.Cut(line, ":")
		j.began[uuid]++
		if life != "well" {
			j.o.count("process-" + life)
		}
	}
	for _, uuid := range j.o.written("done") {
		j.done[uuid]++
	}
	for flow := range j.u.flows() {
		j.flow(flow)
	}
	j.leftovers()
	j.o.inspect(d)
	d.stop()
	if n := j.o.peak; n > maxMemory {
		j.t.Errorf("a server used %d MiB", n>>20)
	}
	if n := j.o.service.longest.Load(); n > 16<<20 {
		j.t.Errorf("%d bytes of a body without end were taken", n)
	}
	j.store(filepath.Join(d.dir, "m.db"))
	for _, crime := range j.o.crimes {
		j.t.Error(crime)
		for _, a := range j.attempts {
			if strings.Contains(crime, a.UUID) {
				j.t.Log(story(a))
			}
		}
	}
}

// flow judges all runs of a workflow.
func (j *court) flow(flow string) {
	ctx := j.t.Context()
	for run, err := range j.u.client.Instances(ctx, flow) {
		if err != nil {
			j.t.Error(err)
			return
		}
		ref := client.RunRef{Workflow: flow, Instance: run.ID, Run: run.RunID}
		if !client.Terminal(run.Status) {
			j.t.Errorf("%s is %s", ref, run.Status)
		}
		steps, _, err := j.u.client.Steps(ctx, ref)
		if err != nil {
			j.t.Error(err)
			return
		}
		for _, s := range steps {
			for k := int64(1); k <= s.Attempt; k++ {
				a, err := j.u.client.Step(ctx, client.StepRef{RunRef: ref, Step: s.StepID, Attempt: k}, false)
				if err != nil {
					j.t.Error(err)
					return
				}
				j.attempt(a)
			}
		}
	}
}

// attempt judges one attempt.
func (j *court) attempt(a *client.StepInstance) {
	j.attempts = append(j.attempts, a)
	name := fmt.Sprintf("[%s][%d][%d][%s][%d]", a.WorkflowID, a.Instance, a.Run, a.StepID, a.Attempt)
	complain := func(format string, args ...any) {
		j.t.Helper()
		j.t.Errorf("%s (%s, %s): %s\n%s", name, a.UUID, a.State.Status, fmt.Sprintf(format, args...), story(a))
	}
	if !client.StepTerminal(a.State.Status) {
		complain("has not ended")
	}
	millis, _ := dig(string(a.JSON), "timeout_in_millis").(float64)
	timeout := time.Duration(millis) * time.Millisecond
	took := time.Duration(a.State.EndTime-a.State.StartTime) * time.Millisecond
	if timedOut := strings.HasPrefix(a.State.Status, "TIME"); a.State.StartTime > 0 && took > timeout+spare {
		complain("took %s, with a timeout of %s", took, timeout)
	} else if timedOut && timeout == patientTimeout && !j.o.cluster.hasLost(a.UUID) { // which nobody tells
		complain("timed out, though its work had ended")
	}
	succeeded := a.State.Status == "SUCCEEDED"
	var definition struct {
		Step struct {
			Type string `json:"type"`
		} `json:"step"`
	}
	_ = json.Unmarshal(a.Definition, &definition)
	switch kind := definition.Step.Type; kind {
	case "Http":
		j.call(a, name, succeeded, complain)
	case "Kubernetes", "Notebook":
		j.pod(a, succeeded, complain)
	case "Shell":
		if n := j.began[a.UUID]; n > 1 {
			complain("its process began %d times", n)
		}
		if succeeded && j.done[a.UUID] != 1 {
			complain("its process has not done its work")
		}
		j.proof(a, "proof", a.UUID, succeeded, complain)
	default:
		complain("is of type %q", kind)
	}
}

// story tells what became of an attempt, for people.
func story(a *client.StepInstance) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %+v", a.UUID, a.State)
	var raw struct{ Timeline []json.RawMessage }
	_ = json.Unmarshal(a.JSON, &raw)
	for _, e := range raw.Timeline {
		if !strings.Contains(string(e), `"STATUS"`) {
			fmt.Fprintf(&b, "\n\t%.1000s", e)
		}
	}
	return b.String()
}

type complaint func(format string, args ...any)

func (j *court) call(a *client.StepInstance, name string, succeeded bool, complain complaint) {
	s := j.o.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if succeeded && !s.did[a.UUID] {
		complain("the service has not done it")
	}
	keys := s.keys[name]
	switch {
	case keys == nil:
	case len(keys) > 1:
		complain("its requests had the keys %v", keys)
	case a.StepID == "b" && !keys[""], a.StepID != "b" && !keys[a.UUID]:
		complain("its requests had the key %v", keys)
	}
	j.proof(a, "response_body", answerOf(a.UUID), succeeded, complain)
}

func (j *court) pod(a *client.StepInstance, succeeded bool, complain complaint) {
	c := j.o.cluster
	begun := 0
	for _, p := range c.Begun() {
		if _, uuid := attemptOf(p.Metadata.Annotations); uuid == a.UUID {
			begun++
		}
	}
	c.mu.Lock()
	did := c.did[a.UUID]
	c.mu.Unlock()
	if begun > 1 && !c.hasLost(a.UUID) { // of one that vanishes before anybody has noted it, nobody can know
		complain("its pod began %d times", begun)
	}
	if succeeded && !did {
		complain("its pod has not done its work")
	}
	if !succeeded && did && a.State.Status == "PLATFORM_FAILED" {
		complain("its pod has done its work")
	}
	j.proof(a, "proof", a.UUID, succeeded, complain)
}

// proof looks for what the work left in the params of its step.
func (j *court) proof(a *client.StepInstance, name, want string, succeeded bool, complain complaint) {
	var params map[string]struct {
		Result any `json:"evaluated_result"`
	}
	_ = json.Unmarshal(a.Params, &params)
	if got := params[name].Result; succeeded && got != want {
		complain("param %s is %v", name, got)
	}
}

// leftovers looks for work that goes on although nobody waits for it.
func (j *court) leftovers() {
	var pods []string
	var pids []int
	for range 300 {
		pods, pids = nil, j.o.processes()
		for _, p := range j.o.cluster.Pods() {
			if p.Alive() {
				pods = append(pods, p.Metadata.Annotations["step_identity"])
			}
		}
		if len(pods)+len(pids) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	j.o.crime("pods %v and processes %v are left", pods, pids)
}

// store has the checker judge what is stored.
func (j *court) store(path string) {
	ctx := context.WithoutCancel(j.t.Context())
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		j.t.Fatal(err)
	}
	defer s.Close()
	r, err := verdict.Store(ctx, s, j.u.starts, true)
	if err != nil {
		j.t.Fatal(err)
	}
	for _, p := range r.Problems {
		j.t.Errorf("store: %s", p)
	}
}
