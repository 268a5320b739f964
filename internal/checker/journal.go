// Package checker judges from the outside whether an engine kept its word: it reads what the store has and compares it
// with what clients were told. It knows the table of transitions and the form of journal entries, and nothing of how the
// engine decides, folds or recovers: it counts again by itself.
package checker

import (
	"fmt"

	"maestro/internal/instance"
	"maestro/internal/store"
)

// Run is what a journal says became of a run.
type Run struct {
	Status instance.RunStatus
	Ended  int64
	Steps  map[int]*Step
	Acts   []Act // whole-run actions, in order
	Lines  []Text

	Restarts int // of steps, in place
}

// Step is what a journal says became of a step.
type Step struct {
	Attempt  int64
	Status   instance.StepStatus
	Attempts []instance.StepStatus // of each attempt, the last status
	Begun    []bool                // of each attempt, whether it was ever STARTING
	entry    int64                 // in which it became terminal
}

// Act is a whole-run action.
type Act struct {
	Action instance.Action
	User   string
}

// Text is a timeline line: of a step, or of the run when Step is -1.
type Text struct {
	Step    int
	Message string
}

var runMoves = func() map[[2]instance.RunStatus]bool {
	m := make(map[[2]instance.RunStatus]bool)
	for _, t := range instance.RunTransitions() {
		m[[2]instance.RunStatus{t.From, t.To}] = true
	}
	return m
}()

var stepMoves = func() map[[2]instance.StepStatus]bool {
	m := make(map[[2]instance.StepStatus]bool)
	for _, t := range instance.StepTransitions() {
		m[[2]instance.StepStatus{t.From, t.To}] = true
	}
	return m
}()

// Journal reads the journal of one run and returns what became of the run and everything that is wrong with it: entries
// that are missing, doubled or unreadable, transitions that the tables do not have, that are out of the order of time,
// or that leave a terminal status, and a row that says something else than the entries.
func Journal(row *store.Run, entries []store.Entry) (*Run, []string) {
	j := journal{run: &Run{Steps: make(map[int]*Step)}}
	for i := range entries {
		j.entry(i, &entries[i])
	}
	j.row(row, len(entries))
	return j.run, j.problems
}

type journal struct {
	run      *Run
	problems []string
	at       int64 // of the newest record
	seq      int64 // of the entry being read
	broken   bool  // the engine gave the run up: what awaited a retry goes on awaiting it
}

func (j *journal) errorf(format string, args ...any) {
	j.problems = append(j.problems, fmt.Sprintf("entry %d: ", j.seq)+fmt.Sprintf(format, args...))
}

func (j *journal) entry(i int, e *store.Entry) {
	j.seq = e.Seq
	if e.Seq != int64(i)+1 {
		j.errorf("is number %d in order", i+1)
	}
	records, err := instance.DecodeEntry(e.Data)
	if err != nil {
		j.errorf("unreadable: %v", err)
		return
	}
	if len(records) == 0 {
		j.errorf("says nothing")
		return
	}
	for k := range records {
		j.record(&records[k])
	}
	if last := records[len(records)-1].At; e.At != last {
		j.errorf("is of %d, its last record of %d", e.At, last)
	}
}

func (j *journal) record(rec *instance.Record) {
	if rec.At < j.at {
		j.errorf("kind %d of step %d at %d comes after %d", rec.Kind, rec.Step, rec.At, j.at)
	}
	j.at = max(j.at, rec.At)
	if rec.Kind == instance.KindSnapshot { // of the whole run, and no news
		return
	}
	r := j.run
	if r.Status.Terminal() && rec.Kind != instance.KindRunStatus && rec.Kind != instance.KindRunLine {
		j.errorf("kind %d of step %d after the run ended %s", rec.Kind, rec.Step, r.Status)
	}
	switch rec.Kind {
	case instance.KindRunStatus:
		j.runStatus(rec)
	case instance.KindRunAction:
		r.Acts = append(r.Acts, Act{instance.Action(rec.A), rec.Text})
	case instance.KindRunLine:
		l := instance.DecodeLine(rec.Data, rec.At)
		j.broken = j.broken || l.Status == "INTERNAL_ERROR"
		r.Lines = append(r.Lines, Text{-1, l.Message})
	case instance.KindStepLine:
		r.Lines = append(r.Lines, Text{rec.Step, instance.DecodeLine(rec.Data, rec.At).Message})
	case instance.KindStepCreated:
		j.created(rec)
	case instance.KindStepStatus:
		j.stepStatus(rec)
	default:
		if rec.Kind == instance.KindStepRestart {
			r.Restarts++
		}
		if s := r.Steps[rec.Step]; rec.Kind != instance.KindStepRestart && (s == nil || s.Status.Terminal() && s.entry != j.seq) {
			j.errorf("kind %d of step %d, which is not live", rec.Kind, rec.Step)
		}
	}
}

func (j *journal) runStatus(rec *instance.Record) {
	r, to := j.run, instance.RunStatus(rec.Status)
	if !runMoves[[2]instance.RunStatus{r.Status, to}] {
		j.errorf("run goes from %s to %s", r.Status, to)
	}
	if to.Terminal() && to != instance.FailedCleared {
		r.Ended = rec.At
		for n, s := range r.Steps {
			if !s.Status.Terminal() || s.Status.Retryable() && !j.broken {
				j.errorf("run ends while step %d is %s", n, s.Status)
			}
		}
	}
	r.Status = to
}

func (j *journal) created(rec *instance.Record) {
	s := j.run.Steps[rec.Step]
	if s == nil {
		s = &Step{}
		j.run.Steps[rec.Step] = s
	}
	if j.run.Status != instance.InProgress {
		j.errorf("attempt of step %d while the run is %s", rec.Step, j.run.Status)
	}
	if rec.Attempt != s.Attempt+1 || s.Attempt > 0 && (!s.Status.Terminal() || s.Status.Complete()) {
		j.errorf("step %d gets attempt %d after attempt %d, %s", rec.Step, rec.Attempt, s.Attempt, s.Status)
	}
	s.Attempt, s.Status, s.entry = rec.Attempt, instance.StepCreated, 0
	s.Attempts, s.Begun = append(s.Attempts, s.Status), append(s.Begun, false)
}

func (j *journal) stepStatus(rec *instance.Record) {
	s, to := j.run.Steps[rec.Step], instance.StepStatus(rec.Status)
	if s == nil {
		j.errorf("step %d becomes %s before it has an attempt", rec.Step, to)
		return
	}
	if !stepMoves[[2]instance.StepStatus{s.Status, to}] {
		j.errorf("step %d goes from %s to %s", rec.Step, s.Status, to)
	}
	if s.Status.Terminal() && s.entry != j.seq {
		j.errorf("step %d, %s since entry %d, becomes %s", rec.Step, s.Status, s.entry, to)
	}
	s.Status, s.Attempts[len(s.Attempts)-1] = to, to
	if to == instance.Starting {
		s.Begun[len(s.Begun)-1] = true
	}
	if to.Terminal() {
		s.entry = j.seq
	}
}

// row compares the row with what the entries say.
func (j *journal) row(row *store.Run, entries int) {
	j.seq = int64(entries)
	if row == nil {
		return
	}
	if got := instance.RunStatus(row.Status); got != j.run.Status {
		j.errorf("row is %s, entries say %s", got, j.run.Status)
	}
	if row.Ended != j.run.Ended {
		j.errorf("row ended at %d, entries say %d", row.Ended, j.run.Ended)
	}
	if row.Entries != int64(entries) {
		j.errorf("row counts %d entries of %d", row.Entries, entries)
	}
	if live := j.run.Status == instance.InProgress; live != (row.Wake != 0) {
		j.errorf("run is %s and its wake is %d", j.run.Status, row.Wake)
	}
}
