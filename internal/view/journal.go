package view

import (
	"strings"
	"unicode/utf8"

	"maestro/internal/instance"
)

// follower knows, of one run, the status of everything as the journal entries seen so far left it: an entry says what
// something became, and readers are also told what it was. It is a function of the entries, so whoever reads them again
// tells the same story.
type follower struct {
	run    *instance.Run // whose journal this is; only what identifies it is used
	status instance.RunStatus
	steps  []place
}

// place is where a step is.
type place struct {
	attempt  int64
	sequence int64
	status   instance.StepStatus
	why      string // the last line of its timeline, in one line: it explains a failure
}

func newFollower(identity *instance.Run) follower {
	return follower{run: identity, steps: make([]place, len(identity.Plan.Nodes))}
}

// stepChange is a change of an attempt's status.
type stepChange struct {
	step     int
	old, new instance.StepStatus
	at       int64
}

// step follows a record about a step and reports the change of status that it is, if it is one.
func (f *follower) step(rec *instance.Record) (stepChange, bool) {
	if rec.Step < 0 || rec.Step >= len(f.steps) {
		return stepChange{}, false
	}
	p := &f.steps[rec.Step]
	switch rec.Kind {
	case instance.KindStepCreated:
		*p = place{attempt: rec.Attempt, sequence: rec.A, status: instance.StepCreated}
		return stepChange{rec.Step, instance.NotCreated, instance.StepCreated, rec.At}, true
	case instance.KindStepStatus:
		c := stepChange{rec.Step, p.status, instance.StepStatus(rec.Status), rec.At}
		p.status = c.new
		return c, true
	}
	return stepChange{}, false
}

// why says in one line how a step came to be in the status it has just entered; most statuses need no explanation.
func (f *follower) why(c stepChange) string {
	last := f.steps[c.step].why
	switch {
	case c.new == instance.Unsatisfied:
		return "no condition that leads here is true"
	case c.new == instance.CompletedWithError:
		return orText(last, "it failed") + "; its failure mode ignores that"
	case !c.new.Terminal() || c.new == instance.Succeeded:
		return ""
	case last != "":
		return last
	case c.new == instance.StepTimedOut || c.new == instance.TimeoutFailed:
		return "it took longer than its timeout"
	case c.new == instance.Skipped:
		return "it was to be skipped"
	}
	return ""
}

// maxOneLine is how long the one line may be, in bytes.
const maxOneLine = 300

// OneLine returns what a timeline line says in one line: the cause where it has one, else the message.
func OneLine(l *instance.Line) string {
	s := l.Message
	if len(l.Errors) > 0 && l.Errors[0] != "" {
		s = l.Errors[0]
	}
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	if len(s) <= maxOneLine {
		return strings.TrimSpace(s)
	}
	cut := maxOneLine
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
