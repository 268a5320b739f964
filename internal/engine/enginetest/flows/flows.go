// Package flows makes up workflows at random, for tests of everything that runs them.
package flows

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
)

// Flow is a workflow as tests make it up: its steps in an order in which edges only lead forward.
type Flow struct {
	Steps   []Step
	Timeout int // seconds, 0 for none
}

// Step is one step of a Flow.
type Step struct {
	ID          string
	Type        string // NoOp, Sleep, Shell
	Next        []Edge
	Sleep       int // seconds, of Sleep
	Timeout     int // seconds, 0 for none
	Retries     [3]int
	Backoff     int // seconds, fixed
	FailureMode string
	Tag         string
}

// Edge leads to a later step. When is the condition: "true", "false", or an expression.
type Edge struct {
	To   int
	When string
}

// Shape says what Random may make.
type Shape struct {
	Steps      int      // at most
	Types      []string // to choose from
	Conditions []string // to choose from
	Modes      []string // failure modes to choose from
	Timeouts   []int    // of steps, to choose from
}

// Random makes up a workflow: chains, fans, joins and islands.
func Random(r *rand.Rand, s Shape) *Flow {
	f := &Flow{Steps: make([]Step, 1+r.IntN(s.Steps))}
	dense := []float64{0.15, 0.4, 0.8}[r.IntN(3)]
	reach := 1 + r.IntN(len(f.Steps)+3)
	for i := range f.Steps {
		st := &f.Steps[i]
		st.ID = "s" + strconv.Itoa(i)
		st.Type = pick(r, s.Types)
		st.FailureMode = pick(r, s.Modes)
		st.Sleep = r.IntN(120)
		if len(s.Timeouts) > 0 {
			st.Timeout = pick(r, s.Timeouts)
		}
		st.Retries = [3]int{r.IntN(3), r.IntN(3), r.IntN(2)}
		st.Backoff = 1 + r.IntN(90)
		for to := i + 1; to < min(len(f.Steps), i+1+reach); to++ {
			if r.Float64() < dense {
				st.Next = append(st.Next, Edge{To: to, When: pick(r, s.Conditions)})
			}
		}
	}
	return f
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// JSON returns the steps as they are written in a definition.
func (f *Flow) JSON() []string {
	out := make([]string, len(f.Steps))
	for i := range f.Steps {
		data, _ := json.Marshal(map[string]any{"step": f.form(i)}) // plain values: cannot fail
		out[i] = string(data)
	}
	return out
}

// form returns one step. JSON objects of Go are sorted by key, which keeps successors in the order of their numbers.
func (f *Flow) form(i int) map[string]any {
	s := &f.Steps[i]
	m := map[string]any{"id": s.ID, "type": s.Type, "retry_policy": map[string]any{
		"error_retry_limit": s.Retries[0], "platform_retry_limit": s.Retries[1], "timeout_retry_limit": s.Retries[2],
		"backoff": map[string]any{
			"type": "FIXED_BACKOFF", "error_retry_backoff_in_secs": s.Backoff, "platform_retry_backoff_in_secs": s.Backoff, "timeout_retry_backoff_in_secs": s.Backoff,
		},
	}}
	if s.FailureMode != "" {
		m["failure_mode"] = s.FailureMode
	}
	if s.Timeout > 0 {
		m["timeout"] = s.Timeout
	}
	if s.Tag != "" {
		m["tags"] = []any{s.Tag}
	}
	if s.Type == "Sleep" {
		m["params"] = map[string]any{"sleep_seconds": map[string]any{"type": "LONG", "value": s.Sleep}}
	}
	if len(s.Next) > 0 {
		next := make(map[string]string)
		for _, e := range s.Next {
			next[f.Steps[e.To].ID] = e.When
		}
		m["transition"] = map[string]any{"successors": next}
	}
	return m
}
