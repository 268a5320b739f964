package instance

import (
	"fmt"
	"slices"
)

// maxDependencies is beyond what any definition can have; more is damage.
const maxDependencies = 1 << 16

// Fold replays one journal entry. It is how a run is loaded; Apply uses the same steps for what it records.
func (r *Run) Fold(entry []byte) error {
	records, err := DecodeEntry(entry)
	if err != nil {
		return err
	}
	for i := range records {
		if err := r.fold(&records[i]); err != nil {
			return fmt.Errorf("%w (record %d of its entry)", err, i+1)
		}
	}
	if r.grow(len(entry)); len(records) > 0 && records[len(records)-1].Kind == KindSnapshot {
		r.grown = growth{}
	}
	return nil
}

// record notes that something happened, and makes it so.
func (r *Run) record(rec Record) {
	if err := r.fold(&rec); err != nil {
		panic(err) // the decision itself was wrong: a broken invariant, which stops this run and no other
	}
	r.pass.Records = append(r.pass.Records, rec)
}

func (r *Run) fold(rec *Record) error {
	r.Modified = max(r.Modified, rec.At)
	switch rec.Kind {
	case KindRunStatus:
		return r.foldRunStatus(rec)
	case KindRunLine:
		r.Lines = appendLine(r.Lines, decodeLine(rec.Data, rec.At))
		return nil
	case KindRunAction:
		r.Ending, r.EndedBy, r.EndedFor = Action(rec.A), rec.Text, string(rec.Data)
		return nil
	case KindSnapshot: // it says again what the records before it have said
		return nil
	}
	if rec.Step < 0 || rec.Step >= len(r.Steps) {
		return fmt.Errorf("instance: run %s has no step %d", r.Identity(), rec.Step)
	}
	s := &r.Steps[rec.Step]
	switch rec.Kind {
	case KindStepCreated:
		return r.foldCreated(s, rec)
	case KindStepStatus:
		return r.foldStepStatus(s, rec)
	case KindStepParams:
		s.results, s.resultsAt, s.params = rec.Data, rec.At, nil
	case KindStepEdges:
		s.Edges = decodeEdges(rec.Data, rec.At, len(r.Plan.Nodes[rec.Step].Successors))
	case KindStepLine:
		s.Lines = appendLine(s.Lines, decodeLine(rec.Data, rec.At))
	case KindStepArtifact:
		if s.Artifacts == nil {
			s.Artifacts = make(map[string][]byte)
		}
		s.Artifacts[rec.Text] = rec.Data
	case KindStepOutput:
		s.Output = rec.Data
		s.Posted += len(rec.Data)
	case KindStepEnding:
		s.ending, s.endingFrom, s.endingAt, s.endingTold = StepStatus(rec.Status), rec.A, rec.At, rec.At
		s.endedBy = Ender{Action: Action(rec.B), User: rec.Text}
	case KindStepTold:
		s.endingTold = rec.At
	case KindStepTags:
		s.Tags = decodeTags(rec.Data)
	case KindStepSignals:
		if rec.A < 0 || rec.A > maxDependencies {
			return fmt.Errorf("instance: step %s of run %s cannot have %d signal dependencies", r.Plan.Nodes[rec.Step].ID, r.Identity(), rec.A)
		}
		s.Deps, s.Signals = rec.Data, make([]Dependency, rec.A)
	case KindStepSignal:
		if rec.A < 0 || rec.A >= int64(len(s.Signals)) {
			return fmt.Errorf("instance: step %s of run %s has no signal dependency %d", r.Plan.Nodes[rec.Step].ID, r.Identity(), rec.A)
		}
		s.Signals[rec.A] = foldSignal(rec)
	case KindStepSent:
		s.Sent = rec.Data
	case KindStepRestart:
		s.RestartBy = rec.Data
	case KindStepWait:
		if s.Waits == "" {
			s.waitsSince = rec.At
		}
		s.Waits = rec.Text
	default:
		return fmt.Errorf("instance: unknown record kind %d in run %s", rec.Kind, r.Identity())
	}
	return nil
}

func (r *Run) foldRunStatus(rec *Record) error {
	to := RunStatus(rec.Status)
	if to > FailedCleared || !runAllowed[r.Status][to] {
		return fmt.Errorf("instance: run %s cannot go from %s to %s", r.Identity(), r.Status, to)
	}
	r.Status = to
	if to == FailedCleared {
		return nil
	}
	r.Own = to
	if rec.A != 0 {
		if rec.A < 0 || rec.A > int64(RunSucceeded) {
			return fmt.Errorf("instance: run %s cannot have ended with status %d", r.Identity(), rec.A)
		}
		r.Own = RunStatus(rec.A)
	}
	if to == InProgress || rec.B != 0 {
		r.Started = rec.At
	}
	if to.Terminal() {
		r.Ended = rec.At
	}
	return nil
}

func (r *Run) foldCreated(s *Step, rec *Record) error {
	if rec.Attempt != s.Number+1 || s.Number > 0 && (!s.Status.Terminal() || s.Status.Complete()) {
		return fmt.Errorf("instance: step %s of run %s cannot have attempt %d after attempt %d, %s",
			r.Plan.Nodes[rec.Step].ID, r.Identity(), rec.Attempt, s.Number, s.Status)
	}
	if s.Number > 0 && r.History {
		s.Earlier = append(s.Earlier, s.Attempt)
	}
	last := s.Attempt
	s.Attempt = Attempt{
		Number: rec.Attempt, Sequence: rec.A, Status: StepCreated, Flags: rec.B, Modified: rec.At,
		Retries: last.Retries, Manual: last.Manual, retry: last.retry, timeout: last.timeout,
		Deps: last.Deps, Signals: slices.Clone(last.Signals), // what was waited for is not waited for again (spec/signals-triggers 3.2)
		Retryable: rec.B&FlagManual == 0 && (last.Number == 0 || last.Retryable),
	}
	s.Times[StepCreated] = rec.At
	r.nextSequence = max(r.nextSequence, rec.A+1)
	switch {
	case last.Number == 0:
		r.active++
	case last.Status.Retryable():
		s.Retries[retryKind(last.Status)]++
	default:
		s.Manual++
		r.active++
	}
	return nil
}

func (r *Run) foldStepStatus(s *Step, rec *Record) error {
	from, to := s.Status, StepStatus(rec.Status)
	if to >= stepStatuses || !stepAllowed[from][to] {
		return fmt.Errorf("instance: step %s of run %s cannot go from %s to %s", r.Plan.Nodes[rec.Step].ID, r.Identity(), from, to)
	}
	s.Status, s.Modified = to, rec.At
	if s.Waits != "" {
		s.Waits, s.waited = "", s.waited+max(rec.At-s.waitsSince, 0)
	}
	if !to.Terminal() {
		s.Times[to] = rec.At
		return nil
	}
	s.Ended, s.ending = rec.At, NotCreated
	if !to.Retryable() {
		s.Output = nil // merged, or never going to be
	}
	if to.Restartable() {
		s.Retryable = false
	}
	if from.live() && !to.live() {
		r.active--
	}
	switch {
	case to.Complete() && !from.Complete():
		r.releaseSuccessors(rec.Step, -1)
	case from.Complete() && !to.Complete():
		r.releaseSuccessors(rec.Step, +1)
	}
	return nil
}

// live reports whether a step in this status moves on by itself: it is under way, or will be retried.
func (s StepStatus) live() bool { return !s.Terminal() || s.Retryable() }

// releaseSuccessors counts a step that has become complete, or is not complete after all, for those who wait for it.
func (r *Run) releaseSuccessors(step, by int) {
	for _, e := range r.Plan.Nodes[step].Successors {
		r.Steps[e.To].waiting += by
	}
}
