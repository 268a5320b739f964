package inflight

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"maestro/internal/store"
)

// ErrCondemned says that the process died twice while it evaluated the same. It is wrapped with what to do.
var ErrCondemned = errors.New("the server died twice while it evaluated this")

// Guard is told of evaluations. A nil Guard takes no notice. It is safe for concurrent use.
type Guard struct {
	file    *file
	records store.Records
	log     *slog.Logger

	alone   sync.RWMutex // held for reading by every evaluation, for writing by those of suspects
	careful bool         // there are suspects; fixed after Open

	mu       sync.Mutex
	suspects map[int64]suspect
}

// suspect is what the last process, or one before it, was evaluating when it died.
type suspect struct {
	Deaths int   `json:"deaths"` // in a row, without getting further
	At     int64 `json:"at"`     // Mark.At
	Time   int64 `json:"time"`   // of the last one, epoch milliseconds
}

const (
	suspectKind = "suspect" // the collection of records of suspects: the ID of the mark
	enough      = 2         // deaths
	maxSuspects = 1000      // that are no runs; the oldest are forgotten
)

// Open reads what the last process left at path, and counts it. now is epoch milliseconds.
func Open(ctx context.Context, path string, records store.Records, now int64, log *slog.Logger) (*Guard, error) {
	f, left, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("note what is being evaluated: %w", err)
	}
	g := &Guard{file: f, records: records, log: log, suspects: make(map[int64]suspect)}
	if err := g.count(ctx, left, now); err != nil {
		f.f.Close()
		return nil, fmt.Errorf("count what was being evaluated: %w", err)
	}
	g.careful = len(g.suspects) > 0
	return g, nil
}

// Close lets go of the file.
func (g *Guard) Close() error {
	if g == nil {
		return nil
	}
	return g.file.f.Close()
}

// count makes suspects of what was left, and lets go of runs that were suspects and were not left this time: they got
// through a life of the process.
func (g *Guard) count(ctx context.Context, left []Mark, now int64) error {
	known, err := g.known(ctx)
	if err != nil {
		return err
	}
	for _, m := range left {
		s := suspect{Deaths: 1, At: m.At, Time: now}
		if was, ok := known[m.ID]; ok && was.At == m.At {
			s.Deaths += was.Deaths
		}
		known[m.ID] = s
		g.suspects[m.ID] = s
		g.log.Warn("the server died while it evaluated this; it is evaluated alone from now on", "what", m.text(), "deaths", s.Deaths)
	}
	var changes []store.Record
	for id, s := range known {
		_, again := g.suspects[id]
		switch {
		case again:
			changes = append(changes, record(id, &s))
		case id > 0 && s.Deaths < enough:
			changes = append(changes, record(id, nil))
		default:
			g.suspects[id] = s
		}
	}
	for _, id := range g.tooManyTexts() {
		delete(g.suspects, id)
		changes = append(changes, record(id, nil))
	}
	return g.records.PutRecords(ctx, changes...)
}

func (g *Guard) known(ctx context.Context) (map[int64]suspect, error) {
	known := make(map[int64]suspect)
	for after := ""; ; {
		const page = 500
		list, err := g.records.Scan(ctx, suspectKind, "", after, page)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			after = r.Key
			id, err := strconv.ParseInt(r.Key, 10, 64)
			var s suspect
			if err == nil && json.Unmarshal(r.Value, &s) == nil {
				known[id] = s
			}
		}
		if len(list) < page {
			return known, nil
		}
	}
}

// tooManyTexts returns the oldest suspects that are no runs, as far as there are too many.
func (g *Guard) tooManyTexts() []int64 {
	var ids []int64
	for id := range g.suspects {
		if id < 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) <= maxSuspects {
		return nil
	}
	slices.SortFunc(ids, func(a, b int64) int { return int(g.suspects[a].Time - g.suspects[b].Time) })
	return ids[:len(ids)-maxSuspects]
}

func record(id int64, s *suspect) store.Record {
	r := store.Record{Kind: suspectKind, Key: strconv.FormatInt(id, 10)}
	if s != nil {
		r.Value, _ = json.Marshal(s) // numbers: cannot fail
	}
	return r
}

// Run marks a run with so many journal entries; -1 says that it is being loaded.
func Run(id store.RunID, entries int64) Mark { return Mark{ID: int64(id), At: entries} }

// Text marks what is no run, such as a definition that is pushed, by the text that makes it what it is.
func Text(parts ...string) Mark {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return Mark{ID: -1 - int64(binary.BigEndian.Uint64(h.Sum(nil))>>1)}
}

func (m Mark) text() string {
	if m.ID > 0 {
		return "run " + strconv.FormatInt(m.ID, 10)
	}
	return "a definition, start or trigger " + strconv.FormatInt(m.ID, 10)
}

// Condemned returns an ErrCondemned if what the mark stands for must not be evaluated any more.
func (g *Guard) Condemned(m Mark) error {
	if g == nil || !g.careful {
		return nil
	}
	g.mu.Lock()
	s := g.suspects[m.ID]
	g.mu.Unlock()
	if s.Deaths < enough {
		return nil
	}
	return fmt.Errorf("%w, the last time before %s: it takes more memory or stack than there is, or meets a fault of the program. The log of the server tells how it died",
		ErrCondemned, time.UnixMilli(s.Time).UTC().Format(time.RFC3339))
}

// Runs returns the runs that are condemned.
func (g *Guard) Runs() (ids []store.RunID) {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, s := range g.suspects {
		if id > 0 && s.Deaths >= enough {
			ids = append(ids, store.RunID(id))
		}
	}
	return ids
}

// Pass is an evaluation under way.
type Pass struct {
	g     *Guard
	mark  Mark
	slot  int
	alone bool
}

// Enter notes that an evaluation begins. Leave must be called when it has ended, by the same goroutine, which must not
// enter again before.
func (g *Guard) Enter(m Mark) Pass {
	if g == nil {
		return Pass{}
	}
	p := Pass{g: g, mark: m}
	if g.careful {
		p.alone = g.suspect(m)
		if p.alone {
			g.alone.Lock()
		} else {
			g.alone.RLock()
		}
	}
	p.slot = g.file.enter(m)
	return p
}

func (g *Guard) suspect(m Mark) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.suspects[m.ID]
	return ok
}

// Leave notes that the evaluation has ended.
func (p Pass) Leave() {
	if p.g == nil {
		return
	}
	p.g.file.leave(p.slot)
	switch {
	case p.alone:
		if p.mark.ID < 0 {
			p.g.acquit(p.mark)
		}
		p.g.alone.Unlock()
	case p.g.careful:
		p.g.alone.RUnlock()
	}
}

// acquit forgets a suspect that was evaluated after all. Runs are suspects for as long as the process lives: what killed
// it may be still to come.
func (g *Guard) acquit(m Mark) {
	g.mu.Lock()
	delete(g.suspects, m.ID)
	g.mu.Unlock()
	if err := g.records.PutRecords(context.Background(), record(m.ID, nil)); err != nil {
		g.log.Debug("a suspect could not be forgotten", "what", m.text(), "error", err)
	}
}
