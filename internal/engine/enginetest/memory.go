package enginetest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"maestro/internal/store"
)

// Memory is a store without a disk, for simulations that open thousands of them. It keeps the promises of storetest but
// for definitions, which engines do not use: those methods panic.
type Memory struct {
	store.Store // nil: the roles that are not implemented

	mu      sync.Mutex
	runs    map[store.RunID]*memoryRun
	numbers map[[3]int64]store.RunID
	uuids   map[memoryUUID]store.RunID
	feed    []store.Entry // in order of Pos
	pos     int64         // of the newest
	leases  map[int32]*memoryLease
	records map[[2]string][]byte
	stats   store.Stats
	loads   map[store.RunID]int
	read    map[store.RunID]int // entries
}

type memoryRun struct {
	row     store.Run
	entries []store.Entry
}

type memoryUUID struct {
	workflow int64
	uuid     [16]byte
}

type memoryLease struct {
	epoch, until int64
	node         string
}

var _ store.Store = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{
		runs: make(map[store.RunID]*memoryRun), numbers: make(map[[3]int64]store.RunID), uuids: make(map[memoryUUID]store.RunID),
		leases: make(map[int32]*memoryLease), records: make(map[[2]string][]byte), loads: make(map[store.RunID]int),
		read: make(map[store.RunID]int),
	}
}

// Commit implements store.Runs.
func (m *Memory) Commit(ctx context.Context, changes []store.Change) []error {
	errs := make([]error, len(changes))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Commits++
	for i := range changes {
		if errs[i] = context.Cause(ctx); errs[i] == nil {
			errs[i] = m.apply(&changes[i])
		}
	}
	return errs
}

func (m *Memory) apply(ch *store.Change) error {
	if l := m.leases[ch.Group]; l == nil || l.epoch != ch.Epoch || m.stale(ch) {
		return store.ErrStale
	}
	for i := range ch.Runs {
		if err := m.insert(ch.Runs[i].Insert); err != nil {
			m.remove(ch.Runs[:i])
			return err
		}
	}
	if err := m.put(ch.Records); err != nil {
		m.remove(ch.Runs)
		return err
	}
	for i := range ch.Runs {
		m.write(&ch.Runs[i])
	}
	return nil
}

// stale reports whether the run of some part is not there, or has other entries than its writer knows.
func (m *Memory) stale(ch *store.Change) bool {
	type state struct {
		exists bool
		last   int64
	}
	runs := make(map[store.RunID]state, len(ch.Runs))
	for i := range ch.Runs {
		part := &ch.Runs[i]
		is, known := runs[part.ID]
		if r := m.runs[part.ID]; !known && r != nil {
			is = state{true, int64(len(r.entries))}
		}
		if part.Insert != nil {
			is = state{part.Insert.Group == ch.Group, 0}
		}
		if part.Entry != nil {
			if is.last++; part.Seq != is.last {
				return true
			}
		}
		if !is.exists {
			return true
		}
		runs[part.ID] = is
	}
	return false
}

// write writes a part that cannot fail any more.
func (m *Memory) write(part *store.RunChange) {
	r := m.runs[part.ID]
	if part.Entry != nil {
		m.pos++
		e := store.Entry{Pos: m.pos, Run: part.ID, Seq: part.Seq, At: part.At, Data: slices.Clone(part.Entry)}
		r.entries = append(r.entries, e)
		if part.Snapshot {
			r.row.Snapshot = part.Seq
		}
		m.feed = append(m.feed, e)
		m.stats.Statements++
	}
	if u := part.Update; u != nil {
		r.row.Status, r.row.Ended, r.row.Wake = u.Status, u.Ended, u.Wake
		m.stats.Statements++
	}
}

// insert makes a new run of a row, if there is one.
func (m *Memory) insert(row *store.Run) error {
	if row == nil {
		return nil
	}
	if row.Instance <= 0 || row.Run <= 0 {
		return errors.New("memory: impossible row")
	}
	number, uuid := [3]int64{row.Workflow, row.Instance, row.Run}, memoryUUID{row.Workflow, row.UUID}
	if m.runs[row.ID] != nil || m.numbers[number] != 0 || m.uuids[uuid] != 0 {
		return store.ErrExists
	}
	r := &memoryRun{row: *row}
	r.row.Header, r.row.Snapshot = slices.Clone(row.Header), 0
	m.runs[row.ID], m.numbers[number] = r, row.ID
	if row.UUID != [16]byte{} {
		m.uuids[uuid] = row.ID
	}
	m.stats.Statements++
	return nil
}

// remove takes back what insert has made for parts.
func (m *Memory) remove(parts []store.RunChange) {
	for i := range parts {
		if row := parts[i].Insert; row != nil {
			delete(m.runs, row.ID)
			delete(m.numbers, [3]int64{row.Workflow, row.Instance, row.Run})
			delete(m.uuids, memoryUUID{row.Workflow, row.UUID})
		}
	}
}

func (m *Memory) put(records []store.Record) error {
	before := m.records
	m.records = maps.Clone(before)
	for _, r := range records {
		key := [2]string{r.Kind, r.Key}
		if _, ok := m.records[key]; ok && r.Unique {
			m.records = before
			return store.ErrExists
		}
		if r.Value == nil {
			delete(m.records, key)
			continue
		}
		m.records[key] = append([]byte{}, r.Value...)
	}
	return nil
}

// view is a read.
func (m *Memory) view(ctx context.Context, f func() error) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return f()
}

func (r *memoryRun) copy(header bool) store.Run {
	row := r.row
	row.Entries = int64(len(r.entries))
	row.Header, row.Snapshot = nil, 0
	if header {
		row.Header, row.Snapshot = slices.Clone(r.row.Header), r.row.Snapshot
	}
	return row
}

func (m *Memory) find(ctx context.Context, id func() (store.RunID, bool)) (row *store.Run, err error) {
	err = m.view(ctx, func() error {
		i, ok := id()
		if !ok || m.runs[i] == nil {
			return store.ErrNotFound
		}
		c := m.runs[i].copy(true)
		row = &c
		return nil
	})
	return row, err
}

// Load implements store.Runs.
func (m *Memory) Load(ctx context.Context, id store.RunID) (*store.Run, []store.Entry, error) {
	return m.load(ctx, id, func(*memoryRun) int64 { return 1 })
}

// LoadPresent implements store.Runs.
func (m *Memory) LoadPresent(ctx context.Context, id store.RunID) (*store.Run, []store.Entry, error) {
	return m.load(ctx, id, func(r *memoryRun) int64 { return max(r.row.Snapshot, 1) })
}

func (m *Memory) load(ctx context.Context, id store.RunID, from func(*memoryRun) int64) (*store.Run, []store.Entry, error) {
	var entries []store.Entry
	row, err := m.find(ctx, func() (store.RunID, bool) {
		if r := m.runs[id]; r != nil {
			entries = slices.Clone(r.entries[min(from(r)-1, int64(len(r.entries))):])
			m.loads[id]++
			m.read[id] += len(entries)
		}
		return id, true
	})
	return row, entries, err
}

// Row implements store.Rows.
func (m *Memory) Row(ctx context.Context, id store.RunID) (*store.Run, error) {
	return m.find(ctx, func() (store.RunID, bool) { return id, true })
}

// Loads returns how often a run was loaded.
func (m *Memory) Loads(id store.RunID) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loads[id]
}

// Read returns how many entries of a run were read by loading it.
func (m *Memory) Read(id store.RunID) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.read[id]
}

// Damage changes what is stored of a run behind everybody's back.
func (m *Memory) Damage(id store.RunID, change func(row *store.Run, entries []store.Entry)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[id]
	change(&r.row, r.entries)
}

// Find implements store.Rows.
func (m *Memory) Find(ctx context.Context, workflow, inst, run int64) (*store.Run, error) {
	return m.find(ctx, func() (store.RunID, bool) {
		if run == 0 {
			for m.numbers[[3]int64{workflow, inst, run + 1}] != 0 {
				run++
			}
		}
		id, ok := m.numbers[[3]int64{workflow, inst, run}]
		return id, ok
	})
}

// FindUUID implements store.Rows.
func (m *Memory) FindUUID(ctx context.Context, workflow int64, uuid [16]byte) (*store.Run, error) {
	return m.find(ctx, func() (store.RunID, bool) { id, ok := m.uuids[memoryUUID{workflow, uuid}]; return id, ok })
}

// choose returns the rows for which keep is true, in order.
func (m *Memory) choose(ctx context.Context, n int, header bool, keep func(*memoryRun) bool, order func(a, b store.Run) int) (rows []store.Run, err error) {
	err = m.view(ctx, func() error {
		for _, r := range m.runs {
			if keep(r) {
				rows = append(rows, r.copy(header))
			}
		}
		slices.SortFunc(rows, order)
		if n > 0 && len(rows) > n {
			rows = rows[:n]
		}
		return nil
	})
	return rows, err
}

// List implements store.Rows.
func (m *Memory) List(ctx context.Context, q store.RunQuery) ([]store.Run, error) {
	to := q.To
	if to == 0 {
		to = math.MaxInt64
	}
	return m.choose(ctx, q.Limit, q.Header, func(r *memoryRun) bool {
		n := r.row.Instance
		if q.Instance != 0 {
			n = r.row.Run
		}
		newest := m.numbers[[3]int64{r.row.Workflow, r.row.Instance, r.row.Run + 1}] == 0
		return r.row.Workflow == q.Workflow && (q.Instance == 0 || r.row.Instance == q.Instance) && n >= q.From && n <= to &&
			(!q.Latest || newest) && (len(q.Statuses) == 0 || slices.Contains(q.Statuses, r.row.Status))
	}, func(a, b store.Run) int {
		c := cmp.Or(cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Run, b.Run))
		if q.Desc {
			return -c
		}
		return c
	})
}

// Counts implements store.Rows.
func (m *Memory) Counts(ctx context.Context, workflow int64) (store.Counts, error) {
	c := store.Counts{ByStatus: map[uint8]int64{}}
	err := m.view(ctx, func() error {
		for _, r := range m.runs {
			if r.row.Workflow == workflow {
				c.ByStatus[r.row.Status]++
				c.MaxInstance = max(c.MaxInstance, r.row.Instance)
			}
		}
		return nil
	})
	return c, err
}

// Newest implements store.Rows.
func (m *Memory) Newest(ctx context.Context) (newest store.RunID, err error) {
	err = m.view(ctx, func() error {
		for id := range m.runs {
			newest = max(newest, id)
		}
		return nil
	})
	return newest, err
}

// Live implements store.Rows.
func (m *Memory) Live(ctx context.Context, group int32, after store.RunID, n int) ([]store.Run, error) {
	return m.choose(ctx, n, true, func(r *memoryRun) bool {
		return r.row.Group == group && r.row.Ended == 0 && r.row.ID > after
	}, func(a, b store.Run) int { return cmp.Compare(a.ID, b.ID) })
}

// Due implements store.Rows.
func (m *Memory) Due(ctx context.Context, group int32, t int64, n int) ([]store.Run, error) {
	return m.choose(ctx, n, false, func(r *memoryRun) bool {
		return r.row.Group == group && r.row.Wake > 0 && r.row.Wake <= t
	}, func(a, b store.Run) int { return cmp.Or(cmp.Compare(a.Wake, b.Wake), cmp.Compare(a.ID, b.ID)) })
}

// All returns the ids of all runs in order.
func (m *Memory) All() []store.RunID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.runs))
}

// After implements store.Feed.
func (m *Memory) After(ctx context.Context, pos int64, run store.RunID, n int) (entries []store.Entry, err error) {
	err = m.view(ctx, func() error {
		from, _ := slices.BinarySearchFunc(m.feed, pos+1, func(e store.Entry, pos int64) int { return cmp.Compare(e.Pos, pos) })
		for _, e := range m.feed[from:] {
			if (run == 0 || e.Run == run) && len(entries) < n {
				entries = append(entries, e)
			}
		}
		return nil
	})
	return entries, err
}

// Publish implements store.Feed.
func (m *Memory) Publish(ctx context.Context, at int64, data []byte) (pos int64, err error) {
	err = m.view(ctx, func() error {
		m.pos++
		pos = m.pos
		m.feed = append(m.feed, store.Entry{Pos: pos, At: at, Data: slices.Clone(data)})
		return nil
	})
	return pos, err
}

// Prune implements store.Feed.
func (m *Memory) Prune(ctx context.Context, at, pos int64, n int) (removed int, err error) {
	err = m.view(ctx, func() error {
		done := false
		m.feed = slices.DeleteFunc(m.feed, func(e store.Entry) bool {
			if e.Run != 0 || done {
				return false
			}
			if done = removed >= n || e.At >= at || e.Pos > pos; done {
				return false
			}
			removed++
			return true
		})
		return nil
	})
	return removed, err
}

// Claim implements store.Leases.
func (m *Memory) Claim(ctx context.Context, node string, groups int32, now, ttl int64) ([]store.Lease, error) {
	m.mu.Lock()
	for g := range groups {
		if m.leases[g] == nil {
			m.leases[g] = &memoryLease{}
		}
	}
	for _, l := range m.leases {
		if l.node == "" || l.node != node && l.until <= now {
			l.node, l.epoch = node, l.epoch+1
		}
	}
	m.mu.Unlock()
	return m.Renew(ctx, node, now, ttl)
}

// Renew implements store.Leases.
func (m *Memory) Renew(ctx context.Context, node string, now, ttl int64) (held []store.Lease, err error) {
	err = m.view(ctx, func() error {
		for _, g := range slices.Sorted(maps.Keys(m.leases)) {
			if l := m.leases[g]; l.node == node {
				l.until = now + ttl
				held = append(held, store.Lease{Group: g, Epoch: l.epoch})
			}
		}
		return nil
	})
	return held, err
}

// Release implements store.Leases.
func (m *Memory) Release(ctx context.Context, node string) error {
	return m.view(ctx, func() error {
		for _, l := range m.leases {
			if l.node == node {
				l.node, l.until = "", 0
			}
		}
		return nil
	})
}

// PutRecords implements store.Records.
func (m *Memory) PutRecords(ctx context.Context, records ...store.Record) error {
	return m.view(ctx, func() error { return m.put(records) })
}

// Record implements store.Records.
func (m *Memory) Record(ctx context.Context, kind, key string) (value []byte, err error) {
	err = m.view(ctx, func() error {
		v, ok := m.records[[2]string{kind, key}]
		if !ok {
			return store.ErrNotFound
		}
		value = append([]byte{}, v...)
		return nil
	})
	return value, err
}

// Scan implements store.Records.
func (m *Memory) Scan(ctx context.Context, kind, prefix, after string, n int) (found []store.Record, err error) {
	err = m.view(ctx, func() error {
		for key, value := range m.records {
			if key[0] == kind && strings.HasPrefix(key[1], prefix) && key[1] > after {
				found = append(found, store.Record{Kind: kind, Key: key[1], Value: append([]byte{}, value...)})
			}
		}
		slices.SortFunc(found, func(a, b store.Record) int { return cmp.Compare(a.Key, b.Key) })
		found = found[:min(n, len(found))]
		return nil
	})
	return found, err
}

// Stats implements store.Store.
func (m *Memory) Stats() store.Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats
}

// Close implements store.Store. The contents stay, for whoever looks at them later.
func (m *Memory) Close() error { return nil }
