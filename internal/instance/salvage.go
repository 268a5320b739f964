package instance

// Salvage makes what it can of an entry of a damaged journal, and passes over the rest. What comes out is no run to go on
// with, but tells what may be under way (AtWork). Without steps, the plan may not be that of the run: only what is about
// the run as a whole is taken.
func (r *Run) Salvage(entry []byte, steps bool) {
	records, _ := decodeSome(entry)
	for i := range records {
		if !steps && !records[i].Kind.ofRun() {
			continue
		}
		if r.fold(&records[i]) != nil {
			r.salvage(&records[i])
		}
	}
}

// salvage takes a record that does not follow from those before it: some of these are lost.
func (r *Run) salvage(rec *Record) {
	if rec.Step < 0 || rec.Step >= len(r.Steps) {
		return
	}
	s, to := &r.Steps[rec.Step], StepStatus(rec.Status)
	switch {
	case rec.Kind == KindStepCreated && rec.Attempt > s.Number:
		s.Attempt = Attempt{Number: rec.Attempt, Sequence: rec.A, Status: StepCreated}
	case rec.Kind == KindStepStatus && to < stepStatuses:
		if s.Number == 0 || s.Status.Terminal() && !to.Terminal() { // it is about an attempt whose beginning is lost
			s.Attempt = Attempt{Number: s.Number + 1}
		}
		s.Status = to
	}
}

// Conclude makes the status of a salvaged run that which its row has, since its journal may not tell. Of a run that has
// ended no step is live, whatever became of it.
func (r *Run) Conclude(status RunStatus, ended int64) {
	r.Status, r.Own, r.Ended = status, status, ended
	if !status.Terminal() {
		return
	}
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Number > 0 && !s.Status.Terminal() {
			s.Status, s.Ended = InternallyFailed, ended
		}
	}
}
