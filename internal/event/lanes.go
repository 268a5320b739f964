package event

import (
	"container/heap"
	"time"

	"maestro/internal/view"
)

// letter is an event on its way.
type letter struct {
	Event
	attempts int
	first    time.Time // attempt
	last     time.Time
	err      error // of the last attempt
	doomed   bool  // given up; only its dead letter is still to be written
	done     bool
}

// lane is the letters of one workflow, oldest first. Only the first one is ever under way.
type lane struct {
	workflow string
	letters  []*letter
	due      time.Time // not before then
}

// lanes is all letters in memory: in the order of the journal, and by workflow. A lane is in exactly one place: ready,
// waiting for its time, or taken by a sender.
type lanes struct {
	window  []*letter // in order; those at the front are not done
	byFlow  map[string]*lane
	ready   []*lane
	waiting waiting
	passed  view.Cursor // behind the last letter that left the window
}

func newLanes(from view.Cursor) *lanes {
	return &lanes{byFlow: make(map[string]*lane), passed: from}
}

// add puts an event in its lane.
func (s *lanes) add(e Event) {
	l := &letter{Event: e}
	s.window = append(s.window, l)
	if have := s.byFlow[e.Workflow]; have != nil {
		have.letters = append(have.letters, l)
		return
	}
	lane := &lane{workflow: e.Workflow, letters: []*letter{l}}
	s.byFlow[e.Workflow] = lane
	s.ready = append(s.ready, lane)
}

// next takes a lane whose first letter can go now; nil when there is none.
func (s *lanes) next() *lane {
	if len(s.ready) == 0 {
		return nil
	}
	l := s.ready[0]
	s.ready[0] = nil
	s.ready = s.ready[1:]
	return l
}

// finish ends the first letter of a lane that was taken, and lets the next one go.
func (s *lanes) finish(l *lane) {
	l.letters[0].done = true
	l.letters = l.letters[1:]
	if len(l.letters) == 0 {
		delete(s.byFlow, l.workflow)
	} else {
		s.ready = append(s.ready, l)
	}
	n := 0
	for n < len(s.window) && s.window[n].done {
		s.passed = s.window[n].Cursor
		s.window[n] = nil
		n++
	}
	s.window = s.window[n:]
}

// wait holds a lane that was taken until its time.
func (s *lanes) wait(l *lane, until time.Time) {
	l.due = until
	heap.Push(&s.waiting, l)
}

// wake makes lanes ready whose time has come.
func (s *lanes) wake(now time.Time) {
	for len(s.waiting) > 0 && !s.waiting[0].due.After(now) {
		s.ready = append(s.ready, heap.Pop(&s.waiting).(*lane))
	}
}

// due returns when the next lane is to be woken; false: none waits.
func (s *lanes) due() (time.Time, bool) {
	if len(s.waiting) == 0 {
		return time.Time{}, false
	}
	return s.waiting[0].due, true
}

// waiting is a heap of lanes by the time they wait for.
type waiting []*lane

func (w waiting) Len() int           { return len(w) }
func (w waiting) Less(i, j int) bool { return w[i].due.Before(w[j].due) }
func (w waiting) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *waiting) Push(x any)        { *w = append(*w, x.(*lane)) }
func (w *waiting) Pop() any {
	old := *w
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*w = old[:len(old)-1]
	return x
}
