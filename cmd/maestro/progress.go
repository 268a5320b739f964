package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"maestro/client"
)

// progress shows a run while it happens, and counts its steps for the final line. It is fed with events and ticks by
// its owner (follow) and writes to out: on a terminal it redraws a list of steps in place, elsewhere it prints a line
// for each change that matters. It is for one goroutine.
type progress struct {
	out     io.Writer
	ref     client.RunRef
	live    bool // redraw in place
	color   bool
	unicode bool
	silent  bool // write nothing but keep count
	size    func() (width, height int)
	now     func() time.Time
	zone    *time.Location

	steps   []*stepProgress // in the order of the definition
	byID    map[string]*stepProgress
	status  string // of the run, empty until it is known
	started int64  // epoch milliseconds
	ended   int64
	lost    bool // the connection is gone for the moment
	drawn   int  // lines on the screen that the next frame replaces
}

// stepProgress is what is known of one step.
type stepProgress struct {
	id      string
	status  string
	attempt int64
	started int64 // of this attempt, when it began to do its work; 0 when it never did
	since   int64 // when it got its status
	ended   int64
	why     string // skipped or failed
	noted   bool   // that it waits has been said
}

// newProgress returns a progress of a run whose definition has these steps.
func (p *program) newProgress(ref client.RunRef, steps []string) *progress {
	v := &progress{
		out:     p.out,
		ref:     ref,
		live:    p.live(),
		color:   p.color(),
		unicode: p.unicode(),
		silent:  p.quiet || p.wantsJSON(),
		size:    p.screen.size,
		now:     p.now,
		zone:    p.zone,
		byID:    make(map[string]*stepProgress, len(steps)),
	}
	for _, id := range steps {
		v.step(id)
	}
	return v
}

// step returns a step, which it adds when the definition does not have it.
func (v *progress) step(id string) *stepProgress {
	s, ok := v.byID[id]
	if !ok {
		s = &stepProgress{id: id, status: "NOT_CREATED", attempt: 1}
		v.byID[id] = s
		v.steps = append(v.steps, s)
	}
	return s
}

// event takes note of what happened. On a terminal the next tick shows it.
func (v *progress) event(ev client.Event) {
	if ev.Kind == client.Reconnecting {
		if !v.lost && !v.live {
			v.printf("connection lost, trying again: %v", ev.Lost)
		}
		v.lost = true
		return
	}
	v.lost = false
	switch {
	case ev.Step != nil:
		v.stepChanged(ev.Step)
	case ev.Run != nil:
		v.runChanged(ev.Run)
	case ev.Line != nil:
		v.line(ev.Line)
	}
}

func (v *progress) stepChanged(ev *client.StepEvent) {
	if ev.WorkflowID != "" && ev.WorkflowID != v.ref.Workflow {
		return // inside a loop; the loop itself is what we show
	}
	s := v.step(ev.StepID)
	if ev.Attempt != s.attempt && ev.Attempt != 0 {
		*s = stepProgress{id: s.id, attempt: ev.Attempt}
	}
	s.status, s.since, s.noted = ev.Status, ev.Time, false
	if ev.Message != "" {
		s.why = ev.Message
	}
	switch {
	case client.StepTerminal(ev.Status):
		s.ended = ev.Time
		if ev.Status == "SUCCEEDED" {
			s.why = ev.Message // a warning on the way is not why
		}
		if s.why == "" {
			s.why = reason(ev.Status)
		}
	case s.started == 0 && working(ev.Status):
		s.started, s.ended = ev.Time, 0
	}
	if !v.live && notable(ev.Status) {
		v.printStep(ev.Time, s)
	}
}

func (v *progress) runChanged(ev *client.RunEvent) {
	if ev.WorkflowID != "" && ev.WorkflowID != v.ref.Workflow {
		return
	}
	if client.Terminal(v.status) && !client.Terminal(ev.Status) {
		v.ended, v.started = 0, 0 // a restart
	}
	v.status = ev.Status
	if ev.Run > 1 {
		v.ref.Run = ev.Run
	}
	switch {
	case client.Terminal(ev.Status):
		v.ended = ev.Time
		if v.started == 0 {
			v.started = ev.Time
		}
	case ev.Status == "IN_PROGRESS" || v.started == 0:
		v.started = ev.Time
	}
	if !v.live && !client.Terminal(ev.Status) { // the end has its own line
		v.printAt(ev.Time, "%s  %s", v.ref, paint(v.color, statusStyle(ev.Status), ev.Status))
	}
}

// line keeps the words of a timeline that explain a failure.
func (v *progress) line(ev *client.LineEvent) {
	if ev.Level != "WARN" && ev.Level != "ERROR" {
		return
	}
	text := firstLine(ev.Message)
	if ev.StepID == "" {
		if !v.live {
			v.printAt(ev.Time, "%s  %s", v.ref, text)
		}
		return
	}
	s := v.step(ev.StepID)
	if s.why == "" || s.why == reason(s.status) {
		s.why = text
	}
}

// tick is called a few times a second: on a terminal it redraws, elsewhere it mentions steps that are held up, which
// would otherwise look like silence.
func (v *progress) tick() {
	switch {
	case v.silent:
	case v.live:
		v.draw()
	default:
		now := v.now().UnixMilli()
		for _, s := range v.steps {
			if held(s.status) && !s.noted && now-s.since > 2000 {
				s.noted = true
				v.printStep(now, s)
			}
		}
	}
}

// finish shows how the run ended.
func (v *progress) finish() {
	if v.live && !v.silent {
		v.draw()
		v.drawn = 0
	}
	v.printf("%s", v.summary())
}

// summary is the final line, such as: run demo/1 SUCCEEDED in 3.2s (7 steps: 5 succeeded, 2 skipped).
func (v *progress) summary() string {
	took := span(time.Duration(v.ended-v.started) * time.Millisecond)
	line := fmt.Sprintf("run %s %s in %s", v.ref, paint(v.color, statusStyle(v.status), v.status), took)
	if len(v.steps) == 0 {
		return line
	}
	var parts []string
	for _, t := range v.tallies() {
		if t.n > 0 {
			parts = append(parts, group(t.n)+" "+t.standing.word())
		}
	}
	return fmt.Sprintf("%s (%s: %s)", line, plural(len(v.steps), "step"), strings.Join(parts, ", "))
}

func (v *progress) printf(format string, args ...any) {
	if !v.silent {
		fmt.Fprintf(v.out, format+"\n", args...)
	}
}

// printAt prints a line that begins with the time of day.
func (v *progress) printAt(ms int64, format string, args ...any) {
	at := time.UnixMilli(ms).In(v.zone).Format("15:04:05.000")
	v.printf("%s", strings.TrimRight(paint(v.color, dim, at)+"  "+fmt.Sprintf(format, args...), " "))
}

// printStep prints a step's change as one line.
func (v *progress) printStep(ms int64, s *stepProgress) {
	if v.silent {
		return
	}
	width := 0
	for _, other := range v.steps {
		width = max(width, min(len(other.id), maxIDWidth))
	}
	v.printAt(ms, "%-*s  %s%s", width, s.id, paint(v.color, statusStyle(s.status), s.status), v.details(s))
}
