// Package meter counts what an evaluation costs and refuses it at its limits.
//
// A [Meter] belongs to the caller of one evaluation: of all params of a run, of a step attempt, of the conditions after a
// step. Whatever the evaluation does is charged to it before it is done: scripts, interpolated texts, conversions, JSON.
// So many small costs cannot add up to a large one.
//
// What is counted is work and bytes, never time: the same inputs give the same result on every machine. Time plays a part
// only through the function given to [Meter.Until], for callers that may give up without consequence.
package meter

import "strconv"

// Limits bound one evaluation. A zero field means its default.
type Limits struct {
	Work   int64 // steps, exclusive
	Memory int64 // bytes of everything that is made, exclusive; nothing is ever given back
}

// The limits of an evaluation whose caller sets none. A step of work takes less than 10 ns, and what is live at one time
// is less than two thirds of the bytes that were charged: an evaluation takes less than a second and 64 MB.
const (
	DefaultWork   = 100_000_000
	DefaultMemory = 100_000_000
)

// interval is how much work is done between two looks at the function given to Until.
const interval = 1 << 20

// Meter counts the cost of one evaluation. It belongs to one goroutine. Once a charge has been refused, all are.
type Meter struct {
	work   int64 // left before the next look
	memory int64 // left
	later  int64 // work left after that
	limits Limits
	stop   func() bool
	err    *Exceeded

	gate    *Gate // that the evaluation passes when it becomes large; nil: none
	reserve int64 // memory left after that
	large   bool
}

// New returns a meter with nothing spent.
func New(l Limits) *Meter {
	m := &Meter{}
	m.Reset(l)
	return m
}

// Reset makes m a meter with nothing spent.
func (m *Meter) Reset(l Limits) {
	if l.Work <= 0 {
		l.Work = DefaultWork
	}
	if l.Memory <= 0 {
		l.Memory = DefaultMemory
	}
	m.limits, m.work, m.memory, m.later, m.reserve = l, l.Work-1, l.Memory-1, 0, 0
	if m.stop != nil || m.err != nil { // writing pointers costs more than reading them
		m.stop, m.err = nil, nil
	}
}

// Until makes m ask stop now and then; true ends the evaluation. It returns m.
func (m *Meter) Until(stop func() bool) *Meter {
	if m.stop == nil && m.work > interval {
		m.later += m.work - interval
		m.work = interval
	}
	m.stop = stop
	return m
}

// Spend charges work and bytes at once and reports whether they are within the limits; if not, [Meter.Err] says why.
func (m *Meter) Spend(work, memory int64) bool {
	m.work -= work
	m.memory -= memory
	return m.work|m.memory >= 0 || m.more()
}

// Work charges steps of work.
func (m *Meter) Work(steps int) error {
	if m.Spend(int64(steps), 0) {
		return nil
	}
	return m.err
}

// Memory charges bytes that are about to be allocated.
func (m *Meter) Memory(bytes int) error {
	if m.Spend(0, int64(bytes)) {
		return nil
	}
	return m.err
}

// Err returns why a charge was refused, or nil.
func (m *Meter) Err() error {
	if m.err == nil {
		return nil
	}
	return m.err
}

// Spent returns what has been charged so far.
func (m *Meter) Spent() (work, memory int64) {
	return m.limits.Work - 1 - m.work - m.later, m.limits.Memory - 1 - m.memory - m.reserve
}

// more is called when a counter is below zero: at a limit, at the gate, or when it is time for a look.
func (m *Meter) more() bool {
	if m.memory < 0 && m.reserve > 0 && m.err == nil {
		if m.grow(); m.work|m.memory >= 0 {
			return true
		}
	}
	switch {
	case m.err != nil:
	case m.memory < 0:
		m.err = &Exceeded{What: Memory, Limit: m.limits.Memory}
	case m.work+m.later < 0:
		m.err = &Exceeded{What: Work, Limit: m.limits.Work}
	case m.stop != nil && m.stop():
		m.err = &Exceeded{What: Stopped}
	default:
		next := min(m.later, interval-m.work)
		m.work += next
		m.later -= next
		return true
	}
	return false
}

// What is what there was too much of.
type What uint8

// The things that run out.
const (
	Work    What = iota // steps
	Memory              // bytes
	Stopped             // the caller's patience
)

// Exceeded is why an evaluation was refused.
type Exceeded struct {
	What  What
	Limit int64
}

// Error says what the limit is and how to stay below it.
func (e *Exceeded) Error() string {
	switch e.What {
	case Memory:
		return "the values of one evaluation take more than the limit of " + group(e.Limit) + " bytes in all; " +
			"make texts, lists and maps shorter, or repeat them less often"
	case Work:
		return "one evaluation takes more than the limit of " + group(e.Limit) + " steps in all; " +
			"loop less often, over shorter texts, and with simpler patterns"
	}
	return "the evaluation was cancelled"
}

// group writes n with a comma before every third digit.
func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
