package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/store/faulty"
)

// wide is a workflow with something in every state that matters: work that runs, work that has not said a word, work that
// ended, work that waits for its retry, a step that waits in memory, one that waits for a signal, and one to come.
var wide = []string{
	`{"step":{"id":"runs","type":"Shell","transition":{"successors":{"later":"true"}}}}`,
	`{"step":{"id":"mute","type":"Shell"}}`,
	`{"step":{"id":"ended","type":"Shell"}}`,
	`{"step":{"id":"retries","type":"Shell","retry_policy":{"error_retry_limit":3,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":86400}}}}`,
	`{"step":{"id":"second","type":"Shell","retry_policy":{"error_retry_limit":3,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":1}}}}`,
	`{"step":{"id":"sleeps","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":86400}}}}`,
	`{"step":{"id":"waits","type":"Shell","signal_dependencies":[{"name":"never"}]}}`,
	`{"step":{"id":"later","type":"Shell"}}`,
}

// underWay are the attempts of wide whose runtimes have work.
var underWay = []string{"mute/1", "runs/1", "second/2"}

func actWide(a *step.Attempt, r step.Reporter) {
	switch fmt.Sprintf("%s/%d", a.StepID, a.Number) {
	case "ended/1":
		r.Report(step.Report{State: step.Done})
	case "retries/1", "second/1":
		r.Report(step.Report{State: step.UserError})
	case "mute/1":
	default:
		r.Report(step.Report{State: step.Continue})
	}
}

// stops remembers which attempts of a run were to be stopped, and whether its end was durable then.
type stops struct {
	mu    sync.Mutex
	list  []string
	early int
}

// watch takes the place of the runtime's Stop for the run.
func (s *stops) watch(l *lab, run engine.Started) {
	l.work.onStop = func(a *step.Attempt, r step.Reporter) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.list = append(s.list, fmt.Sprintf("%s/%d", a.StepID, a.Number))
		if !instance.RunStatus(l.row(run).Status).Terminal() {
			s.early++
		}
		r.Report(step.Report{State: step.Stopped})
	}
}

func (s *stops) want(t *testing.T, want []string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.list)
	if !slices.Equal(s.list, want) {
		t.Errorf("stopped are %v, want %v", s.list, want)
	}
	if s.early > 0 {
		t.Errorf("%d were stopped before the end of the run was durable", s.early)
	}
}

// TestBrokenRunIsStopped breaks a run in memory: what its runtimes have under way is stopped, once its end is durable, and
// nothing of it is left, also when the commit of the end fails and when it is written and reported as failed.
func TestBrokenRunIsStopped(t *testing.T) {
	for name, fault := range map[string]faulty.Fault{
		"all is well":       {},
		"end is refused":    {Err: store.ErrFull},
		"end is ambiguous":  {Err: store.ErrBusy, Apply: true},
		"end is slow":       {Delay: time.Minute},
		"runtime panics":    {},
		"runtime is silent": {},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				l.work.onStart = actWide
				l.push("wf", parallel, wide...)
				hurt := false
				e, _ := l.open(engine.Config{IdleAfter: time.Hour}, func(w faulty.Write) faulty.Fault {
					if w.Method == "Commit" && w.First().Update != nil && w.First().Update.Status == uint8(instance.RunFailed) && !hurt {
						hurt = true
						return fault
					}
					return faulty.Fault{}
				})
				run := l.start(e, "wf")
				time.Sleep(time.Minute)
				if n := e.Board().Waiting(); n != 1 {
					t.Fatalf("%d steps wait for signals", n)
				}
				var seen stops
				seen.watch(l, run)
				if report := l.work.onStop; name == "runtime panics" {
					l.work.onStop = func(a *step.Attempt, r step.Reporter) { report(a, r); panic("stop") }
				} else if name == "runtime is silent" {
					l.work.onStop = func(a *step.Attempt, _ step.Reporter) { report(a, deaf{}) }
				}
				id, failing := l.row(run).ID, 0
				e.Inspect(id, func(r *instance.Run) { r.Language = broken{}; failing, _ = r.Plan.Ordinal("runs") })
				e.Deliver(id, instance.Reported{At: time.Now().UnixMilli(), Step: failing, Attempt: 1, Outcome: instance.OutcomeUserError})
				time.Sleep(soonest)
				seen.want(t, underWay)
				l.want(run, instance.RunFailed)
				if n := e.Board().Waiting(); n != 0 {
					t.Errorf("%d steps still wait for signals", n)
				}
				if n := e.Workers(); n != 0 {
					t.Errorf("%d attempts are still thought to be at work", n)
				}
				for _, r := range l.judge() {
					for n, s := range r.Steps {
						if !s.Status.Terminal() {
							t.Errorf("step %d is left %s", n, s.Status)
						}
					}
				}
				l.close(e)
			})
		})
	}
}

// deaf takes no report.
type deaf struct{}

func (deaf) Report(step.Report) {}

// TestDamagedRunIsStopped damages the data of a run that is under way: what can still be read of it says what is to be
// stopped.
func TestDamagedRunIsStopped(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(row *store.Run, entries []store.Entry)
		want   []string
	}{
		{"last entry is cut short", func(_ *store.Run, e []store.Entry) { last := &e[len(e)-1]; last.Data = last.Data[:len(last.Data)-1] }, underWay},
		{"first entry is lost", func(_ *store.Run, e []store.Entry) { e[0].Data = nil }, []string{"runs/1", "second/2"}},
		{"header is noise", func(row *store.Run, _ []store.Entry) { row.Header = []byte{1, 5, 200, 1, 1, 1} }, underWay},
		{"header starts from a step that is not there", func(row *store.Run, _ []store.Entry) {
			row.Header = (&instance.Header{Start: []int{-1}}).AppendHeader(nil)
		}, underWay},
		{"params are noise", func(row *store.Run, _ []store.Entry) {
			h, _ := instance.DecodeHeader(row.Header)
			h.Params = []byte{0, 1, 200, 3}
			row.Header = h.AppendHeader(nil)
		}, underWay},
		{"all but the first entry is lost", func(_ *store.Run, e []store.Entry) {
			for i := range e[1:] {
				e[1+i].Data = []byte{}
			}
		}, []string{"ended/1", "mute/1", "retries/1", "runs/1", "second/1"}},
		{"what starts the second attempt is lost", func(_ *store.Run, e []store.Entry) {
			for i := range e {
				if records, _ := instance.DecodeEntry(e[i].Data); len(records) > 0 && records[0].Attempt == 2 {
					e[i].Data = []byte{1}
				}
			}
		}, underWay},
		{"last entry makes no sense", func(_ *store.Run, e []store.Entry) {
			e[len(e)-1].Data = instance.AppendEntry(nil, []instance.Record{{Kind: 200, Step: 0, At: 1}, {Kind: instance.KindStepLine, Step: 99, At: 1}})
		}, underWay},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				l.work.onStart = actWide
				l.push("wf", parallel, wide...)
				e, s := l.open(engine.Config{}, nil)
				run, good := l.start(e, "wf"), l.start(e, "wf")
				time.Sleep(time.Minute)
				l.crash(e, s)
				l.disk.Damage(l.row(run).ID, c.damage)
				var seen stops
				seen.watch(l, run)
				e, _ = l.open(engine.Config{}, nil)
				<-e.Recovered()
				time.Sleep(soonest)
				l.want(run, instance.RunFailed)
				l.want(good, instance.InProgress)
				seen.want(t, c.want)

				var text strings.Builder // an end is written once, however often somebody asks for the run
				for range 3 {
					_, err := e.Ask(l.row(run).ID, instance.Wake{At: time.Now().UnixMilli()})
					fmt.Fprintln(&text, err)
					time.Sleep(soonest)
				}
				if !strings.Contains(text.String(), "damaged") {
					t.Errorf("asking says %s", text.String())
				}
				seen.want(t, c.want)
				l.close(e)
			})
		})
	}
}
