package instance

import (
	"fmt"
	"maps"
	"slices"
)

// A snapshot is what the entries before it, and the records of its own entry, came to. It is the last record of an entry
// (KindSnapshot), so whoever follows all of a journal passes over it, and whoever needs only the present begins with it.
//
// A snapshot is a copy of what the entries say: one of another version, or that is damaged, is no loss, since the entries
// are all there. So its form may change with any release; it is one number, the version, and then every field in order.
//
// What follows from the rest is left out: the counts that releaseSuccessors keeps, params, policies and timeouts. Earlier
// attempts are left out as well; those who want them read all entries.
const snapshotVersion = 1

// SnapshotRule says how much a journal must have grown since its newest snapshot for the next one.
type SnapshotRule struct {
	Entries int // at least so many entries
	Times   int // and so many times the snapshot's own size in bytes
}

// defaultSnapshots has loading fold a few hundred entries at most, but where the state itself is large, and makes a
// journal at most half as large again.
var defaultSnapshots = SnapshotRule{Entries: 256, Times: 2}

// growth is what a journal has grown by since its newest snapshot.
type growth struct {
	entries, bytes int
	snapshot       int // size of the snapshot that was found too large
}

// Append is AppendEntry for the owner of the run, whose state is that after the records. It reports whether the entry ends
// with a snapshot.
func (r *Run) Append(dst []byte, records []Record) (entry []byte, snapshot bool) {
	from := len(dst)
	dst = AppendEntry(dst, records)
	r.grow(len(dst) - from)
	rule := r.Snapshots
	if rule == (SnapshotRule{}) {
		rule = defaultSnapshots
	}
	if r.grown.entries < rule.Entries || r.grown.bytes < rule.Times*r.grown.snapshot {
		return dst, false
	}
	data := r.appendSnapshot(nil)
	if r.grown.bytes < rule.Times*len(data) {
		r.grown.snapshot = len(data)
		return dst, false
	}
	r.grown = growth{}
	return appendRecord(dst, &Record{Kind: KindSnapshot, At: records[len(records)-1].At, Data: data}, records[0].At), true
}

func (r *Run) grow(bytes int) {
	r.grown.entries++
	r.grown.bytes += bytes
}

// Begin makes a run before its first record what it was after an entry that ends with a snapshot.
func (r *Run) Begin(entry []byte) error {
	records, err := DecodeEntry(entry)
	if err != nil {
		return err
	}
	for i := range records {
		if records[i].Kind == KindSnapshot {
			return r.restore(records[i].Data)
		}
	}
	return fmt.Errorf("instance: an entry of run %s that should have a snapshot has none", r.Identity())
}

// appendSnapshot appends the state of r.
func (r *Run) appendSnapshot(dst []byte) []byte {
	e := encoder{dst: append(dst, snapshotVersion), last: r.Created}
	e.uint(uint64(len(r.Steps)))
	e.uint(uint64(r.Status))
	e.uint(uint64(r.Own))
	e.time(r.Started)
	e.time(r.Ended)
	e.time(r.Modified)
	e.lines(r.Lines)
	e.uint(uint64(r.Ending))
	e.text(r.EndedBy)
	e.text(r.EndedFor)
	e.int(r.nextSequence)
	for i := range r.Steps {
		e.int(r.Steps[i].Number)
		if r.Steps[i].Number > 0 {
			e.attempt(&r.Steps[i].Attempt)
		}
	}
	return e.dst
}

// restore makes r, which is new, what a snapshot says.
func (r *Run) restore(data []byte) error {
	d := decoder{data: data}
	if v := d.byte(); v != snapshotVersion {
		return fmt.Errorf("%w: snapshot of run %s: it has version %d, this program knows %d", ErrNewer, r.Identity(), v, snapshotVersion)
	}
	s := fieldDecoder{decoder: d, last: r.Created}
	if n := s.uvarint(); n != uint64(len(r.Steps)) {
		return fmt.Errorf("instance: snapshot of run %s is of %d steps, the run has %d", r.Identity(), n, len(r.Steps))
	}
	r.Status, r.Own = RunStatus(s.below(uint64(FailedCleared)+1)), RunStatus(s.below(uint64(FailedCleared)+1))
	r.Started, r.Ended, r.Modified = s.time(), s.time(), s.time()
	r.Lines = s.lines()
	r.Ending = Action(s.below(1 << 8))
	r.EndedBy, r.EndedFor = s.text(), s.text()
	r.nextSequence = s.varint()
	r.active = 0
	for i := range r.Steps {
		st := &r.Steps[i]
		st.waiting = len(r.Plan.Nodes[i].Predecessors)
		if st.Number = s.varint(); st.Number > 0 {
			s.attempt(&st.Attempt, len(r.Plan.Nodes[i].Successors))
			if st.Status.live() {
				r.active++
			}
		}
	}
	for i := range r.Steps {
		if st := &r.Steps[i]; st.Number > 0 && st.Status.Complete() {
			r.releaseSuccessors(i, -1)
		}
	}
	if err := s.end(); err != nil {
		return fmt.Errorf("instance: snapshot of run %s is damaged: %w", r.Identity(), err)
	}
	return nil
}

func (e *encoder) lines(lines []Line) {
	e.uint(uint64(len(lines)))
	for _, l := range lines {
		e.time(l.At)
		e.bytes(l.Encode())
	}
}

func (e *encoder) attempt(a *Attempt) {
	e.int(a.Sequence)
	e.uint(uint64(a.Status))
	for _, at := range a.Times {
		e.time(at)
	}
	e.time(a.Ended)
	e.time(a.Modified)
	e.int(a.Flags)
	for _, n := range a.Retries {
		e.int(n)
	}
	e.int(a.Manual)
	e.bool(a.Retryable)
	e.uint(uint64(len(a.Artifacts)))
	for _, key := range slices.Sorted(maps.Keys(a.Artifacts)) {
		e.text(key)
		e.bytes(a.Artifacts[key])
	}
	e.lines(a.Lines)
	e.bytes(a.Output)
	e.bool(a.Edges != nil)
	for _, edge := range a.Edges {
		e.bool(edge.Done)
		e.bool(edge.True)
		e.time(edge.At)
		e.text(edge.Note)
	}
	e.bool(a.Signals != nil)
	e.dependencies(a.Signals)
	e.bytes(a.Deps)
	e.bytes(a.Sent)
	e.bytes(a.RestartBy)
	e.bytes(a.results)
	e.time(a.resultsAt)
	e.uint(uint64(a.ending))
	e.int(a.endingFrom)
	e.time(a.endingAt)
	e.time(a.endingTold)
	e.uint(uint64(a.endedBy.Action))
	e.text(a.endedBy.User)
	e.bool(a.Tags != nil)
	if a.Tags != nil {
		e.bytes(a.Tags.AppendJSON(nil))
	}
	e.int(int64(a.Posted))
	e.text(a.Waits)
	e.time(a.waitsSince)
	e.int(a.waited)
}

func (d *fieldDecoder) lines() []Line {
	n := d.count()
	if n == 0 {
		return nil
	}
	lines := make([]Line, n)
	for i := range lines {
		at := d.time()
		lines[i] = decodeLine(d.blob(), at)
	}
	return lines
}

func (d *fieldDecoder) attempt(a *Attempt, successors int) {
	a.Sequence = d.varint()
	a.Status = StepStatus(d.below(uint64(stepStatuses)))
	for i := range a.Times {
		a.Times[i] = d.time()
	}
	a.Ended, a.Modified = d.time(), d.time()
	a.Flags = d.varint()
	for i := range a.Retries {
		a.Retries[i] = d.varint()
	}
	a.Manual, a.Retryable = d.varint(), d.bool()
	if n := d.count(); n > 0 {
		a.Artifacts = make(map[string][]byte, n)
		for range n {
			key := d.text()
			a.Artifacts[key] = d.blob()
		}
	}
	a.Lines, a.Output = d.lines(), d.blob()
	if d.bool() {
		a.Edges = make([]EdgeResult, successors)
		for i := range a.Edges {
			a.Edges[i] = EdgeResult{Done: d.bool(), True: d.bool(), At: d.time(), Note: d.text()}
		}
	}
	if waits := d.bool(); waits {
		a.Signals = d.dependencies()
	} else {
		d.below(1)
	}
	a.Deps, a.Sent, a.RestartBy, a.results, a.resultsAt = d.blob(), d.blob(), d.blob(), d.blob(), d.time()
	a.ending = StepStatus(d.below(uint64(stepStatuses)))
	a.endingFrom, a.endingAt, a.endingTold = d.varint(), d.time(), d.time()
	a.endedBy = Ender{Action: Action(d.below(1 << 8)), User: d.text()}
	if d.bool() {
		a.Tags = decodeTags(d.blob())
	}
	a.Posted = int(d.varint())
	a.Waits, a.waitsSince, a.waited = d.text(), d.time(), d.varint()
}
