package view

import (
	"fmt"

	"maestro/internal/doc"
	"maestro/internal/instance"
)

// Stream turns the journal of one run into the messages of its live stream. Entries must be given in order, from the
// first; a reader that resumes throws away what it has had.
type Stream struct {
	follower
	pos int64
}

// The kinds of messages.
const (
	StepMessage     = "step"     // a step's status changed
	RunMessage      = "run"      // the run's status changed
	TimelineMessage = "timeline" // a line for people
	EndMessage      = "end"      // the run has ended; nothing follows
)

// Message is one message of a stream.
type Message struct {
	Cursor Cursor
	Kind   string
	Data   []byte // JSON
}

// NewStream returns a stream for a run that identity names; it need not be folded.
func NewStream(identity *instance.Run) *Stream { return &Stream{follower: newFollower(identity)} }

// Ended reports whether the run has ended, as far as the entries seen say.
func (s *Stream) Ended() bool { return s.status.Terminal() }

// Read appends the messages that a journal entry gives.
func (s *Stream) Read(dst []Message, pos int64, entry []byte) ([]Message, error) {
	records, err := instance.DecodeEntry(entry)
	if err != nil {
		return dst, fmt.Errorf("entry %d of run %s: %w", pos, s.run.Identity(), err)
	}
	s.pos = pos
	index := 0
	add := func(kind string, data []byte) {
		dst = append(dst, Message{Cursor: Cursor{pos, index}, Kind: kind, Data: data})
		index++
	}
	for i := range records {
		rec := &records[i]
		switch rec.Kind {
		case instance.KindRunStatus:
			old := s.status
			s.status = instance.RunStatus(rec.Status)
			if old.String() != s.status.String() {
				add(RunMessage, s.runData(old, rec.At))
			}
		case instance.KindRunLine:
			line := instance.DecodeLine(rec.Data, rec.At)
			add(TimelineMessage, lineData("", &line))
		case instance.KindStepLine:
			if rec.Step >= 0 && rec.Step < len(s.steps) {
				line := instance.DecodeLine(rec.Data, rec.At)
				s.steps[rec.Step].why = OneLine(&line)
				add(TimelineMessage, lineData(s.run.Plan.Nodes[rec.Step].ID, &line))
			}
		default:
			if c, changed := s.step(rec); changed {
				add(StepMessage, s.stepData(c))
			}
		}
	}
	return dst, nil
}

// End returns the message that ends a stream.
func (s *Stream) End() Message {
	o := doc.Open(nil)
	s.identify(&o)
	o.Text("status", s.status.String())
	return Message{Cursor: Cursor{s.pos, WholeEntry}, Kind: EndMessage, Data: o.Close()}
}

func (s *Stream) identify(o *doc.ObjectWriter) {
	o.Text("workflow_id", s.run.WorkflowID)
	o.Int("workflow_instance_id", s.run.Instance)
	o.Int("workflow_run_id", s.run.Number)
}

func (s *Stream) runData(old instance.RunStatus, at int64) []byte {
	o := doc.Open(nil)
	s.identify(&o)
	o.Text("status", s.status.String())
	o.Text("old_status", old.String())
	o.Int("time", at)
	return o.Close()
}

func (s *Stream) stepData(c stepChange) []byte {
	p := &s.steps[c.step]
	o := doc.Open(nil)
	s.identify(&o)
	o.Text("step_id", s.run.Plan.Nodes[c.step].ID)
	o.Int("step_attempt_id", p.attempt)
	o.Int("step_instance_id", p.sequence)
	o.Text("status", c.new.String())
	o.Text("old_status", c.old.String())
	o.Int("time", c.at)
	o.TextIf("message", s.why(c))
	return o.Close()
}

func lineData(step string, l *instance.Line) []byte {
	level, message := orText(l.Level, "INFO"), l.Message
	if l.Type == "DETAILS" {
		level = "ERROR"
		if len(l.Errors) > 0 {
			message += ": " + l.Errors[0]
		}
	}
	o := doc.Open(nil)
	o.TextIf("step_id", step)
	o.Text("level", level)
	o.Text("message", message)
	o.Int("time", l.At)
	return o.Close()
}
