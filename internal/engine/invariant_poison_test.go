package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/store"
)

// TestInvariant_NoPoison damages the data of a run in every way, and has what is told of it be wrong.
func TestInvariant_NoPoison(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(row *store.Run, entries []store.Entry)
	}{
		{"entry is cut short", func(_ *store.Run, e []store.Entry) { e[0].Data = e[0].Data[:len(e[0].Data)-1] }},
		{"entry is noise", func(_ *store.Run, e []store.Entry) { e[0].Data = []byte{1, 2, 3, 255, 255, 255, 255, 255} }},
		{"entry says what cannot be", func(_ *store.Run, e []store.Entry) {
			e[0].Data = instance.AppendEntry(nil, []instance.Record{{Kind: instance.KindRunStatus, Status: uint8(instance.RunSucceeded), At: 1}})
		}},
		{"entry names a step that is not there", func(_ *store.Run, e []store.Entry) {
			e[0].Data = instance.AppendEntry(nil, []instance.Record{{Kind: instance.KindStepCreated, Step: 99, Attempt: 1, At: 1}})
		}},
		{"entry asks for a table of negative size", func(_ *store.Run, e []store.Entry) {
			e[0].Data = instance.AppendEntry(nil, []instance.Record{
				{Kind: instance.KindStepCreated, Attempt: 1, At: 1}, {Kind: instance.KindStepSignals, A: -1, At: 1},
			})
		}},
		{"header is empty", func(row *store.Run, _ []store.Entry) { row.Header = nil }},
		{"header is noise", func(row *store.Run, _ []store.Entry) { row.Header = []byte{1, 5, 200, 1, 1, 1} }},
		{"header starts from a step that is not there", func(row *store.Run, _ []store.Entry) {
			row.Header = (&instance.Header{Start: []int{-1}}).AppendHeader(nil)
		}},
		{"params are noise", func(row *store.Run, _ []store.Entry) {
			h, _ := instance.DecodeHeader(row.Header)
			h.Params = []byte{0, 1, 200, 3}
			row.Header = h.AppendHeader(nil)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				l.work.onStart = hold
				l.push("wf", parallel, shell)
				l.push("seq", `{"owner":"tester","run_strategy":"sequential"}`, shell)
				e, s := l.open(engine.Config{}, nil)
				bad, good := l.start(e, "wf"), l.start(e, "wf")
				badSeq, queued := l.start(e, "seq"), l.start(e, "seq")
				badQueued, last := l.start(e, "seq"), l.start(e, "seq")
				l.crash(e, s)
				for _, run := range []engine.Started{bad, badSeq, badQueued} {
					l.disk.Damage(l.row(run).ID, c.damage)
				}
				l.work.onStart = nil
				e, _ = l.open(engine.Config{}, nil)
				<-e.Recovered()
				time.Sleep(soonest)
				for _, run := range []engine.Started{good, queued, last} {
					l.want(run, instance.RunSucceeded)
				}
				for _, run := range []engine.Started{bad, badSeq, badQueued} {
					l.want(run, instance.RunFailed)
					_, entries, _ := l.disk.Load(t.Context(), l.row(run).ID)
					records, err := instance.DecodeEntry(entries[len(entries)-1].Data)
					if err != nil || len(records) != 2 || !bytes.Contains(records[0].Data, []byte("damaged")) {
						t.Errorf("the last entry does not tell why: %v %v", err, records)
					}
					if _, err := e.Load(t.Context(), run.WorkflowID, run.Instance, 0); !engine.IsDamaged(err) {
						t.Errorf("the run is read as if it were sound: %v", err)
					}
					r, err := e.LoadDamaged(t.Context(), l.row(run).ID)
					if err != nil || r.Own != instance.RunFailed || !strings.Contains(fmt.Sprint(r.Lines), "damaged") {
						t.Errorf("nobody can read why: %v", err)
						continue
					}
					for i := range r.Steps {
						if st := r.Steps[i].Status; st != instance.NotCreated && !st.Terminal() {
							t.Errorf("step %d is shown as %s", i, st)
						}
					}
				}
				l.close(e)
			})
		})
	}
}

// TestInvariant_NoPoison_Newer leaves a run alone whose data was written by another version of the program: it is sound.
// What it would be read as must not be taken for it.
func TestInvariant_NoPoison_Newer(t *testing.T) {
	header := func(row *store.Run, change func(h *instance.Header)) {
		h, _ := instance.DecodeHeader(row.Header)
		change(h)
		row.Header = h.AppendHeader(nil)
	}
	for name, other := range map[string]func(row *store.Run, e []store.Entry, by int){
		"version of an entry":   func(_ *store.Run, e []store.Entry, by int) { e[0].Data[0] += byte(by) },
		"version of the header": func(row *store.Run, _ []store.Entry, by int) { row.Header[0] += byte(by) },
		"order of the steps": func(row *store.Run, _ []store.Entry, by int) {
			header(row, func(h *instance.Header) { h.Plan += uint32(by) })
		},
		"form of the run's params": func(row *store.Run, _ []store.Entry, by int) {
			header(row, func(h *instance.Header) { h.Params[0] += byte(by * 100) })
		},
		"params of the run": func(row *store.Run, _ []store.Entry, by int) {
			header(row, func(h *instance.Header) { h.Params[1] += byte(by) })
		},
		"params of a step": func(_ *store.Run, e []store.Entry, by int) {
			records, _ := instance.DecodeEntry(e[0].Data)
			i := slices.IndexFunc(records, func(r instance.Record) bool { return r.Kind == instance.KindStepParams })
			records[i].Data[1] += byte(by)
			e[0].Data = instance.AppendEntry(nil, records)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				l.work.onStart = hold
				l.push("wf", parallel, shell)
				e, s := l.open(engine.Config{}, nil)
				run := l.start(e, "wf")
				l.crash(e, s)
				l.disk.Damage(l.row(run).ID, func(row *store.Run, e []store.Entry) { other(row, e, 1) })
				l.work.onStart = nil
				e, _ = l.open(engine.Config{}, nil)
				<-e.Recovered() // nobody waits for it
				time.Sleep(time.Second)
				good := l.start(e, "wf")
				time.Sleep(soonest)
				l.want(run, instance.InProgress)
				l.want(good, instance.RunSucceeded)
				if _, err := e.Load(t.Context(), "wf", 1, 1); !errors.Is(err, instance.ErrNewer) || engine.IsDamaged(err) {
					t.Errorf("it is read as if it were of this program: %v", err)
				}
				if r, err := e.LoadDamaged(t.Context(), l.row(run).ID); err != nil || r.Status != instance.InProgress ||
					!strings.Contains(fmt.Sprint(r.Lines), "this program cannot read the run") {
					t.Errorf("it cannot be looked at: %v", err)
				}
				l.close(e)
				l.disk.Damage(l.row(run).ID, func(row *store.Run, e []store.Entry) { other(row, e, -1) })
				e, _ = l.open(engine.Config{}, nil)
				time.Sleep(soonest)
				l.want(run, instance.RunSucceeded)
				l.close(e)
			})
		})
	}
}

// broken is a language that panics whatever it is asked.
type broken struct{ instance.Language }

// TestInvariant_NoPoison_Panics has the language panic wherever a run may ask it, and the runtime, too.
func TestInvariant_NoPoison_Panics(t *testing.T) {
	for _, at := range []string{"NextWake", "Apply", "Start", "Stop"} {
		t.Run(at, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				var hurt atomic.Bool
				l.work.onStart = func(a *step.Attempt, r step.Reporter) {
					if a.WorkflowID == "bad" && at == "Start" {
						panic("start")
					}
					r.Report(step.Report{State: step.Continue})
				}
				l.work.onStop = func(a *step.Attempt, r step.Reporter) {
					if a.WorkflowID == "bad" && at == "Stop" && hurt.CompareAndSwap(false, true) {
						panic("stop")
					}
					r.Report(step.Report{State: step.Stopped})
				}
				once := `{"step":{"id":"a","type":"Shell","retry_policy":{"platform_retry_limit":0}}}`
				l.push("bad", parallel, once)
				l.push("good", parallel, once)
				e, _ := l.open(engine.Config{IdleAfter: time.Hour}, nil)
				bad, good := l.start(e, "bad"), l.start(e, "good")
				idle()
				e.Inspect(l.row(bad).ID, func(r *instance.Run) {
					switch at {
					case "NextWake":
						r.Plan = nil // it looks there for what is at work
					case "Apply":
						r.Language = broken{} // it asks for the retry policy
					}
				})
				if at == "Apply" {
					e.Deliver(l.row(bad).ID, instance.Reported{At: time.Now().UnixMilli(), Attempt: 1, Outcome: instance.OutcomeUserError})
				}
				idle()
				for _, run := range []engine.Started{bad, good} {
					_, _ = e.ActOnRun(t.Context(), engine.RunAction{WorkflowID: run.WorkflowID, Instance: run.Instance, Action: instance.Stop, User: "u"})
				}
				time.Sleep(time.Hour)
				l.want(good, instance.RunStopped)
				row := l.row(bad)
				if got := instance.RunStatus(row.Status); !got.Terminal() {
					t.Errorf("bad run is %s", got)
				}
				r, err := e.LoadAny(row.ID)
				if err != nil {
					t.Fatal(err)
				}
				told := false
				for _, line := range slices.Concat(r.Lines, r.Steps[0].Lines) {
					told = told || line.Status == "INTERNAL_ERROR"
				}
				if !told {
					t.Errorf("nobody is told why: %v %v", r.Lines, r.Steps[0].Lines)
				}
				l.judge()
				l.close(e)
			})
		})
	}
}
