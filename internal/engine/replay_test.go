package engine_test

import (
	"bytes"
	"context"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/store"
)

// life is what one actor did with a run, from when it loaded or made the run until it let go of it.
type life struct {
	run    store.RunID
	passes []engine.Pass
}

// observe keeps the passes of every life.
func (s *simulation) observe(id store.RunID, p engine.Pass) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lives == nil {
		s.lives = make(map[any]*life)
	}
	l := s.lives[p.Life]
	if l == nil {
		l = &life{run: id}
		s.lives[p.Life] = l
	}
	l.passes = append(l.passes, p)
}

// replay plays every life again: the same events into the same run must give the very bytes that were stored, however
// often, whenever and wherever that is.
func (s *simulation) replay() {
	for _, l := range s.lives {
		row, entries, err := s.disk.Load(context.Background(), l.run)
		if err != nil {
			s.t.Fatal(err)
		}
		run, err := s.engine.Load().Fresh(row)
		if err != nil {
			s.t.Fatal(err)
		}
		for i := range l.passes[0].Before {
			if err := run.Fold(entries[i].Data); err != nil {
				s.t.Fatal(err)
			}
		}
		for n, p := range l.passes {
			var records []instance.Record
			for _, ev := range p.Played {
				pass, err := run.Apply(ev)
				if err != nil && pass.Records != nil {
					s.errorf("run %d: %T is refused (%v) and makes records", l.run, ev, err)
				}
				records = append(records, pass.Records...)
			}
			if again, _ := run.Append(nil, records); !bytes.Equal(again, p.Entry) {
				s.errorf("run %d: the events of pass %d after entry %d give %d bytes, and gave %d: %v", l.run, n, l.passes[0].Before, len(again), len(p.Entry), p.Played)
				return
			}
		}
	}
}
