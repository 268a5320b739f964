package engine_test

import (
	"fmt"
	"testing"
	"time"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/store"
)

// longRun starts a run that writes many entries, in two attempts, and is still under way.
func longRun(l *lab, e *engine.Engine, entries int) engine.Started {
	l.t.Helper()
	var at reporters
	l.work.onStart = at.add
	l.push("long", parallel, `{"step":{"id":"a","type":"Shell","retry_policy":{"error_retry_limit":5,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":1}},"transition":{"successors":{"b":"a__step_attempt_id == 2"}}}}`,
		`{"step":{"id":"b","type":"Shell","params":{"n":{"type":"LONG","expression":"a__step_attempt_id"}}}}`)
	run := l.start(e, "long")
	for n := range 2 {
		idle()
		for i := range entries / 2 {
			at.report(n, step.Report{State: step.Continue, Artifacts: map[string][]byte{"progress": fmt.Appendf(nil, `{"at":%d,"try":%d}`, i, n)}})
			idle()
		}
		if n == 0 {
			at.report(0, step.Report{State: step.UserError, Begun: true})
			time.Sleep(2 * time.Second)
		}
	}
	return run
}

// TestLoadsFromSnapshot: an actor reads a few hundred entries at most, however many there are, and goes on as if it had
// read all; whoever wants earlier attempts still sees them. To know what a run is called reads no entry at all.
func TestLoadsFromSnapshot(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		e, s := l.open(engine.Config{}, nil)
		run := longRun(l, e, 3000)
		id := l.row(run).ID
		l.crash(e, s)
		whole := int(l.row(run).Entries)
		if whole < 3000 {
			t.Fatalf("the run has %d entries", whole)
		}
		read := l.disk.Read(id)
		l.work.onStart = nil
		e, _ = l.open(engine.Config{}, nil)
		time.Sleep(soonest)
		l.want(run, instance.RunSucceeded)
		if n := l.disk.Read(id) - read; n > 300 {
			t.Errorf("%d of %d entries were read to go on", n, whole)
		}
		loads := l.disk.Loads(id)
		if r, err := e.IdentifyID(t.Context(), id); err != nil || r.Identity() != "[long][1][1]" {
			t.Errorf("got %v", err)
		}
		if l.disk.Loads(id) != loads {
			t.Error("the journal was read to know what the run is called")
		}
		r, err := e.Load(t.Context(), "long", 1, 1)
		if err != nil || len(r.Steps[0].Earlier) != 1 || string(r.Steps[0].Earlier[0].Artifacts["progress"]) != `{"at":1499,"try":0}` {
			t.Errorf("the first attempt is not seen: %v", err)
		}
		if p := r.StepParams(1); p == nil || p.Lookup("n").Result.Long() != 2 {
			t.Errorf("a step evaluated after loading has %v", p)
		}
		l.judge()
		l.close(e)
	})
}

// TestDamagedSnapshot: the entries before a snapshot say what it says.
func TestDamagedSnapshot(t *testing.T) {
	for name, damage := range map[string]func(entry []byte) []byte{
		"cut short":          func(entry []byte) []byte { return changeSnapshot(entry, func(d []byte) []byte { return d[:len(d)/2] }) },
		"of another version": func(entry []byte) []byte { return changeSnapshot(entry, func(d []byte) []byte { d[0]++; return d }) },
		"noise": func(entry []byte) []byte {
			return changeSnapshot(entry, func(d []byte) []byte { return []byte{d[0], 255, 255, 3} })
		},
		"not there": func(entry []byte) []byte { return changeSnapshot(entry, func([]byte) []byte { return nil }) },
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				e, s := l.open(engine.Config{}, nil)
				run := longRun(l, e, 700)
				l.crash(e, s)
				damaged := false
				l.disk.Damage(l.row(run).ID, func(row *store.Run, entries []store.Entry) {
					if row.Snapshot > 0 {
						at := &entries[row.Snapshot-1]
						at.Data, damaged = damage(at.Data), true
					}
				})
				if !damaged {
					t.Fatal("the run has no snapshot")
				}
				l.work.onStart = nil
				e, _ = l.open(engine.Config{}, nil)
				time.Sleep(soonest)
				l.want(run, instance.RunSucceeded)
				if _, err := e.Load(t.Context(), "long", 1, 1); err != nil {
					t.Errorf("it cannot be shown: %v", err)
				}
				l.close(e)
			})
		})
	}
}

// changeSnapshot changes the snapshot of an entry; nil takes it away.
func changeSnapshot(entry []byte, change func([]byte) []byte) []byte {
	records, err := instance.DecodeEntry(entry)
	if err != nil {
		panic(err)
	}
	last := &records[len(records)-1]
	if last.Data = change(last.Data); last.Data == nil {
		records = records[:len(records)-1]
	}
	return instance.AppendEntry(nil, records)
}
