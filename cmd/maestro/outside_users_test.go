package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"maestro/client"
	verdict "maestro/internal/checker"
)

// Timeouts of steps. The work of patient steps always ends by itself, and early enough to be heard of.
const (
	stepTimeout    = 3 * time.Second
	patientTimeout = 12 * time.Second
)

// users start runs and stop some of them.
type users struct {
	o      *outside
	client *client.Client

	mu     sync.Mutex
	starts []verdict.Ack // acknowledged
}

// flows are what is run: steps of every kind, alone, side by side and one after the other.
func (u *users) flows() map[string]string {
	const (
		retries = `"retry_policy":{"error_retry_limit":1,"platform_retry_limit":3,"timeout_retry_limit":1,"backoff":{"type":"FIXED_BACKOFF",
			"error_retry_backoff_in_secs":1,"platform_retry_backoff_in_secs":1,"timeout_retry_backoff_in_secs":1}}`
		proof = `"proof":{"type":"STRING","value":""}`
	)
	job := func(id, kind string, patient bool, params string, next ...string) string {
		timeout := stepTimeout
		if patient {
			timeout = patientTimeout
		}
		for i := range next {
			next[i] = fmt.Sprintf(`%q:"true"`, next[i])
		}
		return fmt.Sprintf(`{"step":{"id":%q,"type":%q,"timeout":%v,%s,"failure_mode":"IGNORE_FAILURE","transition":{"successors":{%s}},"params":{%s,%s}}}`,
			id, kind, timeout.Seconds(), retries, strings.Join(next, ","), proof, params)
	}
	call := func(id string, key bool, next ...string) string {
		return job(id, "Http", false, fmt.Sprintf(`"http":{"type":"MAP","value":{
			"url":{"type":"STRING","value":%q},"method":{"type":"STRING","value":"POST"},"idempotency_key":{"type":"BOOLEAN","value":%t},
			"headers":{"type":"STRING_MAP","value":{"X-Uuid":"${step_instance_uuid}",
				"X-Attempt":"[${workflow_id}][${workflow_instance_id}][1][${step_id}][${step_attempt_id}]"}}}},
			"state_expr":{"type":"STRING","value":"if (status_code == 200) return 'DONE'; if (status_code == 202) return 'CONTINUE'; return 'PLATFORM_ERROR';"}`,
			u.o.service.URL+"/do", key), next...)
	}
	pod := func(id, image string, next ...string) string {
		return job(id, "Kubernetes", image == "patient", fmt.Sprintf(`"kubernetes":{"type":"MAP","value":{"image":{"type":"STRING","value":%q}}}`, image), next...)
	}
	note := func(id, image string, next ...string) string {
		return job(id, "Notebook", image == "patient", fmt.Sprintf(`"kubernetes":{"type":"MAP","value":{"image":{"type":"STRING","value":%q}}},
			"notebook":{"type":"MAP","value":{"input_path":{"type":"STRING","value":"in.ipynb"}}}`, image), next...)
	}
	shell := func(id string, patient bool, next ...string) string {
		return job(id, "Shell", patient, fmt.Sprintf(`"shell":{"type":"MAP","value":{"command":{"type":"STRING","value":"/bin/sh"},
			"args":{"type":"STRING_ARRAY","value":[%q]},"kill_grace_seconds":{"type":"LONG","value":1},
			"env":{"type":"STRING_MAP","value":{"WORLD":%q,"SEED":"%d","PATIENT":"%t"}}}}`, u.o.dir+"/step.sh", u.o.dir, u.o.seed, patient), next...)
	}
	return map[string]string{
		"calls":  call("a", true, "b", "c") + "," + call("b", false) + "," + call("c", true),
		"pods":   pod("a", "job", "b", "c") + "," + pod("b", "stubborn") + "," + pod("c", "patient"),
		"notes":  note("a", "patient", "b") + "," + note("b", "stubborn"),
		"shells": shell("a", false, "c") + "," + shell("b", true, "c") + "," + shell("c", false),
		"mixed":  call("a", true, "b") + "," + pod("b", "patient", "c") + "," + note("c", "job", "d") + "," + shell("d", true),
	}
}

func (u *users) push(t *testing.T) {
	t.Helper()
	for id, steps := range u.flows() {
		text := fmt.Sprintf(`{"properties":{"owner":"torture","run_strategy":1000,"step_concurrency":100},"workflow":{"id":%q,"steps":[%s]}}`, id, steps)
		if _, err := u.client.Push(t.Context(), client.JSON, []byte(text)); err != nil {
			t.Fatalf("push %s: %v\n%s", id, err, text)
		}
	}
}

// work starts runs, and stops some, while the server comes and goes.
func (u *users) work() {
	var all sync.WaitGroup
	r := u.o.draw("users")
	for flow, n := range map[string]int{"calls": 6, "pods": 6, "notes": 4, "shells": 5, "mixed": 7} {
		r := rand.New(rand.NewPCG(u.o.seed, uint64(len(flow)*100+n)))
		for range n {
			id := fmt.Sprintf("%08x-%04x-4000-8000-%012x", r.Uint32(), r.Uint32()&0xffff, r.Uint64()&0xffffffffffff)
			after := between(r, 0, 2500)
			all.Go(func() {
				time.Sleep(after)
				u.start(flow, id)
			})
		}
	}
	for range 12 {
		after, luck := between(r, 500, 4000), rand.New(rand.NewPCG(u.o.seed, r.Uint64()))
		all.Go(func() {
			time.Sleep(after)
			u.act(luck)
		})
	}
	all.Wait()
}

// start starts a run, as often as it takes.
func (u *users) start(flow, id string) {
	ctx, cancel := context.WithTimeout(u.o.t.Context(), calm)
	defer cancel()
	for {
		got, err := u.client.Start(ctx, flow, client.StartRequest{RequestID: id})
		if err == nil {
			u.mu.Lock()
			defer u.mu.Unlock()
			u.starts = append(u.starts, verdict.Ack{Workflow: flow, Instance: got.Instance, Run: got.Run, UUID: got.UUID})
			return
		}
		if ctx.Err() != nil {
			u.o.crime("after %s, the start of %s is not acknowledged: %v", calm, flow, err)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// act ends a run, or a step of it, in some way.
func (u *users) act(luck *rand.Rand) {
	u.mu.Lock()
	if len(u.starts) == 0 {
		u.mu.Unlock()
		return
	}
	a := u.starts[max(0, len(u.starts)-1-luck.IntN(8))] // those before have mostly ended
	u.mu.Unlock()
	run := client.RunRef{Workflow: a.Workflow, Instance: max(a.Instance, 1)}
	step := client.StepRef{RunRef: run, Step: string(rune('a' + luck.IntN(3)))}
	ctx, cancel := context.WithTimeout(u.o.t.Context(), 3*time.Second)
	defer cancel()
	act := []struct {
		name string
		do   func() error
	}{
		{"stop", func() error { _, err := u.client.Stop(ctx, run); return err }},
		{"kill", func() error { _, err := u.client.Kill(ctx, run); return err }},
		{"stop step", func() error { _, err := u.client.StopStep(ctx, step); return err }},
		{"kill step", func() error { _, err := u.client.KillStep(ctx, step); return err }},
		{"skip step", func() error { _, err := u.client.SkipStep(ctx, step); return err }},
	}[luck.IntN(5)]
	for ctx.Err() == nil {
		err := act.do()
		if err == nil {
			u.o.count("user: " + act.name)
		}
		if _, refused := errors.AsType[*client.Error](err); err == nil || refused {
			return
		}
		time.Sleep(50 * time.Millisecond) // there is no server at present
	}
}

// await waits until every run has ended.
func (u *users) await(t *testing.T, within time.Duration) {
	t.Helper()
	late := time.Now().Add(within)
	for flow := range u.flows() {
		for {
			live, err := u.live(flow)
			if err == nil && live == 0 {
				break
			}
			if time.Now().After(late) {
				t.Errorf("%s after the last trouble, %d runs of %s have not ended (%v)", within, live, flow, err)
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// live counts the runs of a workflow that have not ended.
func (u *users) live(flow string) (n int64, err error) {
	o, err := u.client.Overview(u.o.t.Context(), flow)
	if err != nil {
		return 0, err
	}
	for _, count := range o.Nonterminal {
		n += count
	}
	return n, nil
}
