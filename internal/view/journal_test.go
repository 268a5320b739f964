package view_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/view"
)

func nodeOf(t testing.TB, text string) *doc.Node {
	t.Helper()
	n, err := doc.ParseJSON([]byte(text), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func problems(t testing.TB) *doc.Problems {
	p := new(doc.Problems)
	t.Cleanup(func() {
		if p.Failed() {
			t.Errorf("the workflow is wrong: %v", p.Err())
		}
	})
	return p
}

// short names of statuses, as in the batches below.
var short = strings.NewReplacer("NOT_CREATED", "N", "CREATED", "C", "INITIALIZED", "I", "WAITING_FOR_SIGNALS", "WS",
	"EVALUATING_PARAMS", "EP", "WAITING_FOR_PERMITS", "WP", "STARTING", "S", "RUNNING", "R", "FINISHING", "F")

// published returns what is published about a run: its own changes, and the batches of its steps.
func published(t *testing.T, b *built) (run, steps []string) {
	t.Helper()
	p := view.NewPublisher(b.Run, "test")
	var events []view.Event
	for i, e := range b.entries {
		var err error
		if events, err = p.Read(events, int64(i+1), 5000, e); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range events {
		var v struct {
			Type      string
			Attempt   int64  `json:"step_attempt_id"`
			Step      string `json:"step_id"`
			Old       string `json:"old_status"`
			New       string `json:"new_status"`
			StepUUID  string `json:"step_uuid"`
			Cluster   string `json:"cluster_name"`
			EventTime int64  `json:"event_time"`
			Changes   []struct {
				Old string `json:"old_status"`
				New string `json:"new_status"`
			} `json:"status_change_records"`
		}
		if err := json.Unmarshal(e.Data, &v); err != nil {
			t.Fatalf("%v: %s", err, e.Data)
		}
		if v.Cluster != "test" || v.Type != e.Type {
			t.Errorf("event %s", e.Data)
		}
		if e.Type == view.RunEvent {
			run = append(run, v.Old+">"+v.New)
			continue
		}
		text := v.Changes[0].Old
		for _, c := range v.Changes {
			text += ">" + c.New
		}
		steps = append(steps, fmt.Sprintf("%s%d %s", v.Step, v.Attempt, short.Replace(text)))
	}
	return run, steps
}

// TestPublished compares with what the reference publishes (spec/runtimes 8.2).
func TestPublished(t *testing.T) {
	kill := instance.ActOnRun{At: 2000, Action: instance.Kill, User: "u", Reason: "r"}
	for name, c := range map[string]struct {
		run   func(t *testing.T) *built
		final string
		steps []string
	}{
		"noop": {
			run: func(t *testing.T) *built { return build(t, noop).start() }, final: "SUCCEEDED",
			steps: []string{"a1 N>C>I", "a1 I>WS>EP>WP", "a1 WP>S>R>F>SUCCEEDED"},
		},
		"sleep": {
			run: func(t *testing.T) *built { return build(t, sleep).start().wake(4000) }, final: "SUCCEEDED",
			steps: []string{"a1 N>C>I", "a1 I>WS>EP>WP", "a1 WP>S>R", "a1 R>F>SUCCEEDED"},
		},
		"killed while asleep": {
			run: func(t *testing.T) *built { return build(t, sleep).start().apply(kill) }, final: "FAILED",
			steps: []string{"a1 N>C>I", "a1 I>WS>EP>WP", "a1 WP>S>R", "a1 R>FATALLY_FAILED"},
		},
		"done outside, in one": {
			run: func(t *testing.T) *built { return build(t, outer).start().done(0, instance.OutcomeDone) }, final: "SUCCEEDED",
			steps: []string{"a1 N>C>I", "a1 I>WS>EP>WP", "a1 WP>S>R>F", "a1 F>SUCCEEDED"},
		},
		"done outside, in two": {
			run: func(t *testing.T) *built {
				return build(t, outer).start().done(0, instance.OutcomeContinue).done(0, instance.OutcomeDone)
			}, final: "SUCCEEDED",
			// A runtime that keeps nothing when it begins goes on in the same pass of the reference.
			steps: []string{"a1 N>C>I", "a1 I>WS>EP>WP", "a1 WP>S>R>F", "a1 F>SUCCEEDED"},
		},
		"retried": {
			run: func(t *testing.T) *built {
				return build(t, outer).start().done(0, instance.OutcomeUserError).wake(120_000).done(0, instance.OutcomeFatalError)
			}, final: "FAILED",
			steps: []string{
				"a1 N>C>I", "a1 I>WS>EP>WP", "a1 WP>S>R>USER_FAILED",
				"a2 N>C>I", "a2 I>WS>EP>WP", "a2 WP>S>R>FATALLY_FAILED",
			},
		},
		"ignored": {
			run: func(t *testing.T) *built { return build(t, ignore).start().done(0, instance.OutcomeFatalError) }, final: "SUCCEEDED",
			steps: []string{"a1 N>C>I", "a1 I>WS>EP>WP", "a1 WP>S>R>FATALLY_FAILED>COMPLETED_WITH_ERROR"},
		},
		"not taken": {
			run: func(t *testing.T) *built {
				b := build(t, branch)
				b.lang.untrue[0] = true
				return b.start()
			}, final: "SUCCEEDED",
			steps: []string{"a1 N>C>I", "a1 I>WS>EP>WP", "a1 WP>S>R>F>SUCCEEDED", "b1 N>C>UNSATISFIED"},
		},
		"bad params": {
			run: func(t *testing.T) *built {
				b := build(t, noop)
				b.lang.fails[0] = true
				return b.start()
			}, final: "FAILED",
			steps: []string{"a1 N>C>I", "a1 I>WS>EP>INTERNALLY_FAILED"},
		},
		"signal": {
			run: func(t *testing.T) *built {
				return build(t, signal).start().apply(instance.Signalled{At: 1500, Attempt: 1, Sequence: 9})
			}, final: "SUCCEEDED",
			steps: []string{"a1 N>C>I", "a1 I>WS", "a1 WS>EP>WP", "a1 WP>S>R>F>SUCCEEDED"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			run, steps := published(t, c.run(t))
			if want := []string{"CREATED>IN_PROGRESS", "IN_PROGRESS>" + c.final}; !slices.Equal(run, want) {
				t.Errorf("the run: got %v, want %v", run, want)
			}
			if !slices.Equal(slices.Sorted(slices.Values(steps)), slices.Sorted(slices.Values(c.steps))) {
				t.Errorf("its steps: got %v, want %v", steps, c.steps)
			}
		})
	}
}

func TestPublishedWithoutItsTurn(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(b *built) *built
		want []string
	}{
		"refused":     {func(b *built) *built { return endQueued(b, instance.RunStopped) }, []string{"CREATED>STOPPED"}},
		"kept failed": {func(b *built) *built { return endQueued(b, instance.RunFailed) }, []string{"FAILED>FAILED"}},
		"killed while queued": {func(b *built) *built {
			return endQueued(b.apply(instance.Queue{At: 1000}), instance.RunFailed)
		}, []string{"CREATED>FAILED"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.end(build(t, noop))
			if run, steps := published(t, b); !slices.Equal(run, c.want) || len(steps) > 0 {
				t.Errorf("got %v and %v, want %v", run, steps, c.want)
			}
		})
	}
}

func endQueued(b *built, to instance.RunStatus) *built {
	return b.apply(instance.EndQueued{At: 1000, Status: to})
}

func TestStream(t *testing.T) {
	b := build(t, branch)
	b.lang.untrue[0] = true
	b.start()
	s := view.NewStream(b.Run)
	messages, err := s.Read(nil, 17, b.entries[0])
	if err != nil {
		t.Fatal(err)
	}
	messages = append(messages, s.End())
	var got []string
	for _, m := range messages {
		var v struct {
			Step    string `json:"step_id"`
			Status  string
			Old     string `json:"old_status"`
			Message string
		}
		if err := json.Unmarshal(m.Data, &v); err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimSpace(strings.Join([]string{m.Cursor.String(), m.Kind, v.Step, v.Old + ">" + v.Status, v.Message}, " ")))
	}
	want := []string{
		"17.0 run  >CREATED", "17.1 run  CREATED>IN_PROGRESS", "17.2 step a NOT_CREATED>CREATED", "17.3 step a CREATED>INITIALIZED",
		"17.4 step a INITIALIZED>WAITING_FOR_SIGNALS", "17.5 step a WAITING_FOR_SIGNALS>EVALUATING_PARAMS",
		"17.6 step a EVALUATING_PARAMS>WAITING_FOR_PERMITS", "17.7 step a WAITING_FOR_PERMITS>STARTING", "17.8 step a STARTING>RUNNING",
		"17.9 step a RUNNING>FINISHING", "17.10 step a FINISHING>SUCCEEDED", "17.11 step b NOT_CREATED>CREATED",
		"17.12 step b CREATED>UNSATISFIED no condition that leads here is true", "17.13 run  IN_PROGRESS>SUCCEEDED", "17 end  >SUCCEEDED",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !s.Ended() {
		t.Error("the stream does not know that the run has ended")
	}
}

// TestStreamTellsWhy looks for the one line that explains a failure.
func TestStreamTellsWhy(t *testing.T) {
	b := build(t, outer).start().done(0, instance.OutcomeFatalError, instance.DetailsLine("INTERNAL_ERROR", "Failed", "exit code 3"))
	s := view.NewStream(b.Run)
	var messages []view.Message
	for i, e := range b.entries {
		var err error
		if messages, err = s.Read(messages, int64(i+1), e); err != nil {
			t.Fatal(err)
		}
	}
	found, told := false, false
	for _, m := range messages {
		found = found || m.Kind == view.StepMessage && strings.Contains(string(m.Data), `"status":"FATALLY_FAILED"`) &&
			strings.Contains(string(m.Data), `"message":"exit code 3"`)
		told = told || m.Kind == view.TimelineMessage &&
			string(m.Data) == `{"step_id":"a","level":"ERROR","message":"Failed: exit code 3","time":1020}`
	}
	if !found || !told {
		t.Errorf("nothing explains the failure in %s", messages)
	}
	if _, err := s.Read(nil, 9, []byte("?")); err == nil {
		t.Error("a damaged entry is no error")
	}
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "0", "12", "12.3", "9223372036854775807", "9223372036854775808", "1.", ".1", "-1", "1.2.3", "1.99999999999", "+1", "1e3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := view.ParseCursor(s)
		if err != nil {
			return
		}
		if c.Pos < 0 || c.Index < 0 {
			t.Fatalf("%q is %+v", s, c)
		}
		again, err := view.ParseCursor(c.String())
		if err != nil || again != c && c.Pos != 0 {
			t.Fatalf("%q is %+v, printed %q, which is %+v, %v", s, c, c.String(), again, err)
		}
		if c.Before(c.Pos, c.Index) || c.Unread() > c.Pos {
			t.Fatalf("%+v is before itself", c)
		}
	})
}
