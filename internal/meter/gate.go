package meter

// light is how many bytes an evaluation may make without passing a gate: all that most need.
const light = 1 << 20

// Gate lets only so many evaluations at a time become large: their limits hold for each, and many of them together would
// take all memory. A large evaluation waits its turn; small ones never wait.
type Gate struct{ turns chan struct{} }

// NewGate returns a gate for n large evaluations at a time.
func NewGate(n int) *Gate { return &Gate{make(chan struct{}, n)} }

// Enter begins an evaluation that passes g when it becomes large. It reports false where the evaluation is part of one that
// has begun already, and only the outer one is to Leave.
func (m *Meter) Enter(g *Gate) bool {
	if m.gate != nil {
		return false
	}
	m.gate = g
	if m.memory > light {
		m.reserve, m.memory = m.memory-light, light
	}
	return true
}

// Leave ends what Enter began, and gives the turn to the next.
func (m *Meter) Leave() {
	m.memory, m.reserve = m.memory+m.reserve, 0
	if m.large {
		<-m.gate.turns
	}
	m.gate, m.large = nil, false
}

// grow waits for the turn of an evaluation that has become large.
func (m *Meter) grow() {
	m.memory, m.reserve = m.memory+m.reserve, 0
	if m.memory >= 0 { // else it ends here
		m.gate.turns <- struct{}{}
		m.large = true
	}
}
