package engine

import (
	"sync"
	"sync/atomic"

	"maestro/internal/store"
)

// hub tells those who watch a run that its journal has grown. It carries no data: watchers read the journal, so a slow
// one holds up nobody and misses nothing.
type hub struct {
	watching atomic.Int64

	mu   sync.Mutex
	runs map[store.RunID]map[chan struct{}]struct{}
}

// all is the key of those who watch every run.
const all store.RunID = 0

func newHub() *hub { return &hub{runs: make(map[store.RunID]map[chan struct{}]struct{})} }

func (h *hub) watch(id store.RunID) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	if h.runs[id] == nil {
		h.runs[id] = make(map[chan struct{}]struct{})
	}
	h.runs[id][ch] = struct{}{}
	h.mu.Unlock()
	h.watching.Add(1)
	var once sync.Once
	return ch, func() {
		once.Do(func() {
			h.mu.Lock()
			delete(h.runs[id], ch)
			if len(h.runs[id]) == 0 {
				delete(h.runs, id)
			}
			h.mu.Unlock()
			h.watching.Add(-1)
		})
	}
}

func (h *hub) tell(id store.RunID) {
	if h.watching.Load() == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, key := range [...]store.RunID{id, all} {
		for ch := range h.runs[key] {
			select {
			case ch <- struct{}{}:
			default:
			}
		}
	}
}

// Watch returns a channel that gets a value, at once or soon, after the run's journal has grown; run 0 means any run.
// stop must be called.
func (e *Engine) Watch(run store.RunID) (grown <-chan struct{}, stop func()) { return e.hub.watch(run) }

// Tell says that the journal has grown by an entry that no actor wrote.
func (e *Engine) Tell() { e.hub.tell(all) }
