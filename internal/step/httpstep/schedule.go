package httpstep

import (
	"container/heap"
	"time"
)

// schedule says what is to be done next: a queue of attempts whose request is to be sent, first come, first served, and a
// heap of those for which something is due later. Its owner guards it.
type schedule struct {
	queue []*call // from head on
	head  int
	later dues
}

// push appends to the queue.
func (s *schedule) push(c *call) {
	if s.head > 64 && 2*s.head > len(s.queue) { // half of it is used up
		n := copy(s.queue, s.queue[s.head:])
		clear(s.queue[n:])
		s.queue, s.head = s.queue[:n], 0
	}
	s.queue = append(s.queue, c)
}

// pop takes the first of the queue that still waits in it. Who left it for another reason is passed over.
func (s *schedule) pop() *call {
	for s.head < len(s.queue) {
		c := s.queue[s.head]
		s.queue[s.head] = nil
		s.head++
		if c.state == queued {
			return c
		}
	}
	if s.queue, s.head = s.queue[:0], 0; cap(s.queue) > 1024 {
		s.queue = nil
	}
	return nil
}

// at makes c due, and reports whether it is due before all others.
func (s *schedule) at(c *call, due time.Time) bool {
	c.due = due
	if c.place < 0 {
		heap.Push(&s.later, c)
	} else {
		heap.Fix(&s.later, c.place)
	}
	return c.place == 0
}

// forget makes c not due.
func (s *schedule) forget(c *call) {
	if c.place >= 0 {
		heap.Remove(&s.later, c.place)
	}
}

// next takes what is due now; otherwise it returns how long until something is.
func (s *schedule) next(now time.Time) (*call, time.Duration) {
	if len(s.later) == 0 {
		return nil, time.Hour
	}
	if wait := s.later[0].due.Sub(now); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&s.later).(*call), 0
}

// dues implements heap.Interface; every call knows its place.
type dues []*call

func (d dues) Len() int           { return len(d) }
func (d dues) Less(i, j int) bool { return d[i].due.Before(d[j].due) }
func (d dues) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i, j
}

func (d *dues) Push(x any) {
	c := x.(*call)
	c.place = len(*d)
	*d = append(*d, c)
}

func (d *dues) Pop() any {
	old := *d
	c := old[len(old)-1]
	old[len(old)-1] = nil
	*d = old[:len(old)-1]
	c.place = -1
	return c
}

// memory remembers identities for a while, and forgets the oldest when there are many.
type memory struct {
	now, before map[string]struct{}
	since       time.Time
}

const (
	memoryTime = time.Minute
	memorySize = 4096
)

func (m *memory) add(id string) {
	if m.now == nil || len(m.now) >= memorySize || time.Since(m.since) > memoryTime {
		m.now, m.before, m.since = map[string]struct{}{}, m.now, time.Now()
	}
	m.now[id] = struct{}{}
}

func (m *memory) has(id string) bool {
	if _, ok := m.now[id]; ok {
		return true
	}
	_, ok := m.before[id]
	return ok
}
