package view

import (
	"fmt"

	"maestro/internal/doc"
	"maestro/internal/instance"
)

// Publisher turns the journal of one run into the events that are published about it (spec/runtimes 8.2). Entries must
// be given in order, from the first.
//
// The reference publishes one event per write of a step, and clients know its writes by the changes that come together.
// They are the same here whatever the entries of our journal hold together: an event ends where the reference writes,
// and a step that was told to begin is published with what its runtime says next.
type Publisher struct {
	follower
	cluster string
	tags    []byte // JSON, nil for none
	batches []batch
	at      int64 // of the entry being read
	pos     int64
	index   int
}

// batch is the changes of a step that will be published together.
type batch struct {
	changes   []stepChange
	attempt   int64
	sequence  int64
	artifacts bool // the entry that is being read has artifacts of the step
}

// Event is a published event.
type Event struct {
	Cursor Cursor
	Type   string
	Data   []byte // JSON
}

// The types of events about runs.
const (
	StepEvent = "STEP_INSTANCE_STATUS_CHANGE_EVENT"
	RunEvent  = "WORKFLOW_INSTANCE_STATUS_CHANGE_EVENT"
)

// NewPublisher returns a publisher for a run that identity names; it need not be folded. cluster is the name of this
// cluster in events.
func NewPublisher(identity *instance.Run, cluster string) *Publisher {
	p := &Publisher{follower: newFollower(identity), cluster: cluster, batches: make([]batch, len(identity.Plan.Nodes))}
	tags := identity.Plan.Workflow.Tags
	tags = append(tags[:len(tags):len(tags)], identity.Header.Tags...)
	if len(tags) > 0 {
		p.tags = tags.AppendJSON(nil)
	}
	return p
}

// Ended reports whether the run has ended and nothing more will be published about it.
func (p *Publisher) Ended() bool { return p.status.Terminal() }

// Read appends the events that a journal entry of time at gives.
func (p *Publisher) Read(dst []Event, pos, at int64, entry []byte) ([]Event, error) {
	records, err := instance.DecodeEntry(entry)
	if err != nil {
		return dst, fmt.Errorf("entry %d of run %s: %w", pos, p.run.Identity(), err)
	}
	p.pos, p.at, p.index = pos, at, 0
	for i := range records {
		rec := &records[i]
		if rec.Kind == instance.KindRunStatus {
			dst = p.runStatus(dst, rec)
			continue
		}
		if rec.Kind == instance.KindStepArtifact && rec.Step < len(p.batches) {
			p.batches[rec.Step].artifacts = true
		}
		c, changed := p.step(rec)
		if !changed {
			continue
		}
		b := &p.batches[c.step]
		if c.old == instance.NotCreated {
			dst = p.flush(dst, c.step) // of the attempt before
			b.attempt, b.sequence = p.steps[c.step].attempt, p.steps[c.step].sequence
		}
		b.changes = append(b.changes, c)
		if p.writes(c) {
			dst = p.flush(dst, c.step)
		}
	}
	for step := range p.batches {
		if !p.holds(step) {
			dst = p.flush(dst, step)
		}
		p.batches[step].artifacts = false
	}
	return dst, nil
}

// holds reports whether the changes of a step wait for what comes next: the reference goes on in the same pass after
// STARTING, and after RUNNING where the runtime had nothing to keep.
func (p *Publisher) holds(step int) bool {
	b := &p.batches[step]
	if len(b.changes) == 0 {
		return true
	}
	switch b.changes[len(b.changes)-1].new {
	case instance.Starting:
		return true
	case instance.Running:
		return p.run.Plan.Nodes[step].Work == instance.Outside && !b.artifacts
	default:
		return false
	}
}

// writes reports whether the reference writes a step in the middle of a pass, after this change.
func (p *Publisher) writes(c stepChange) bool {
	switch c.new {
	case instance.Initialized, instance.StepPaused, instance.WaitingForPermits:
		return true
	case instance.Finishing: // done together with artifacts
		work := p.run.Plan.Nodes[c.step].Work
		return work == instance.Outside || work == instance.Loop
	default:
		return false
	}
}

// runStatus publishes that a run began or ended. Being accepted is silent, and so are the marks on FAILED.
func (p *Publisher) runStatus(dst []Event, rec *instance.Record) []Event {
	old := p.status
	p.status = instance.RunStatus(rec.Status)
	switch {
	case p.status == instance.Created, old.Terminal():
		return dst
	case old == instance.RunNone && p.status == instance.RunFailed:
		old = p.status // a start that failed and was kept anyway (spec/engine 2.1)
	case old == instance.RunNone:
		old = instance.Created
	}
	o := doc.Open(nil)
	p.identify(&o)
	o.Text("workflow_uuid", p.run.UUID)
	o.Text("correlation_id", p.run.CorrelationID())
	o.Int("depth", p.run.Header.Depth)
	o.Text("workflow_name", p.run.Plan.Workflow.DisplayName())
	o.Text("cluster_name", p.cluster)
	o.Raw("tags", p.tags)
	o.Text("old_status", old.String())
	o.Text("new_status", p.status.String())
	o.Int("event_time", rec.At)
	return p.event(dst, RunEvent, &o)
}

// flush publishes the changes of a step that are waiting.
func (p *Publisher) flush(dst []Event, step int) []Event {
	b := &p.batches[step]
	if len(b.changes) == 0 {
		return dst
	}
	o := doc.Open(nil)
	p.identify(&o)
	o.Text("step_id", p.run.Plan.Nodes[step].ID)
	o.Int("step_attempt_id", b.attempt)
	o.Text("workflow_uuid", p.run.UUID)
	o.Text("step_uuid", p.run.AttemptUUID(step, b.attempt))
	o.Text("correlation_id", p.run.CorrelationID())
	o.Int("step_instance_id", b.sequence)
	o.Text("cluster_name", p.cluster)
	o.Key("status_change_records")
	o.Out = append(o.Out, '[')
	for i, c := range b.changes {
		if i > 0 {
			o.Out = append(o.Out, ',')
		}
		one := doc.Open(o.Out)
		one.Text("old_status", c.old.String())
		one.Text("new_status", c.new.String())
		one.Int("event_time", c.at)
		o.Out = one.Close()
	}
	o.Out = append(o.Out, ']')
	b.changes = b.changes[:0]
	return p.event(dst, StepEvent, &o)
}

func (p *Publisher) identify(o *doc.ObjectWriter) {
	o.Text("workflow_id", p.run.WorkflowID)
	o.Int("workflow_instance_id", p.run.Instance)
	o.Int("workflow_run_id", p.run.Number)
}

// event ends a payload with what all events have.
func (p *Publisher) event(dst []Event, kind string, o *doc.ObjectWriter) []Event {
	o.Int("sync_time", p.at)
	o.Int("send_time", p.at)
	o.Text("type", kind)
	dst = append(dst, Event{Cursor: Cursor{p.pos, p.index}, Type: kind, Data: o.Close()})
	p.index++
	return dst
}
