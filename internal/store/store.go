// Package store is the contract between the engine and whatever keeps its state. It has no SQL and no driver: the
// packages below it (sqlite, postgres) implement it, and storetest holds every one of them to the same promises.
//
// State is kept as a journal. A run is one row that says what was started (Run) and a sequence of entries that say what
// happened to it (Entry); folding the entries gives the state, for recovery, for reading and for publishing alike, so
// there is no second copy of a status that could disagree with its event. See docs/decisions/0002-journal.md.
//
// Nothing here rests on there being one writer: every write names the group it belongs to and the epoch of the lease
// it is made under, and is refused when that lease has moved on.
package store

import (
	"context"
	"errors"
)

// Errors of a store, besides ErrUnavailable. An implementation maps its driver's errors to these by code, never by text.
var (
	// ErrStale says that a write was refused because its owner is not the owner any more: the group's epoch has moved
	// on, or the run has entries that the writer has not seen. The writer drops what it has and loads again.
	ErrStale = errors.New("store: stale owner")
	// ErrExists says that the key of a new row is taken.
	ErrExists = errors.New("store: already exists")
	// ErrNotFound says that there is no such row.
	ErrNotFound = errors.New("store: not found")
	// ErrNewer says that the database was written by a newer version of this program.
	ErrNewer = errors.New("store: written by a newer version")
	// ErrForeign says that the file is a database of another program.
	ErrForeign = errors.New("store: a database of another program")
	// ErrBusy says that another process has the database open.
	ErrBusy = errors.New("store: in use by another process")
)

// RunID is the surrogate key of a run, given by the engine: unique, and growing with time.
type RunID int64

// Run is the row of one run of a workflow instance. Everything but Status, Ended, Wake and what follows from its entries is
// written once.
type Run struct {
	ID       RunID
	Workflow int64    // internal id of the workflow
	Instance int64    // workflow_instance_id, from 1
	Run      int64    // workflow_run_id, from 1
	UUID     [16]byte // unique per workflow: the idempotency key of the start; all zero: none
	Version  int64    // of the definition
	Group    int32    // who owns it
	Parent   RunID    // the run that launched it, 0 for a root

	Created int64  // epoch milliseconds
	Header  []byte // what was decided at the start, encoded by package instance; immutable

	Status  uint8 // instance.RunStatus, the aggregated status that lists and strategies look at
	Ended   int64 // epoch milliseconds, 0 while the run is not terminal
	Wake    int64 // epoch milliseconds at which the run must be in memory again, 0 when nothing is due
	Entries int64 // how many journal entries the run has

	Snapshot int64 // Seq of the newest entry that was written with RunChange.Snapshot, 0 for none; read together with Header
}

// Update changes the mutable columns of a run. All of them are written.
type Update struct {
	Status uint8
	Ended  int64
	Wake   int64
}

// Change is what the owner of some runs wants written: all of it or nothing. What ends a run and what its parent makes
// of that are one change, and so are a parent's launch and the runs that it launches.
type Change struct {
	Group int32 // the group under whose lease the change is made
	Epoch int64 // of that lease

	Runs    []RunChange // runs of the group, as their rows say; their entries follow each other in this order
	Records []Record    // rows of other kinds that must be written together with this change
}

// RunChange is the part of a Change that is about one run. Two parts about one run apply one after the other.
type RunChange struct {
	ID     RunID
	Insert *Run    // not nil: the run is new, with this row, which may be a terminal one; Insert.ID == ID
	Update *Update // not nil: new values of the mutable columns of an existing run
	Entry  []byte  // not nil: the next journal entry
	Seq    int64   // number of Entry within the run, from 1; refused with ErrStale when it is not the next one
	At     int64   // epoch milliseconds, the time of Entry

	Snapshot bool // Entry holds all that those before it came to, so that whoever needs only the present begins with it
}

// Record is a row of one of the small keyed collections (see Records): engine state that belongs to no single run.
type Record struct {
	Kind   string // the collection, such as "output" or "breakpoint"
	Key    string // unique within the collection, compared byte by byte
	Value  []byte // nil deletes
	Unique bool   // refuse with ErrExists when the key is taken, instead of replacing
}

// Entry is one journal entry of one run. Entries of all runs are ordered by Pos; an entry that is visible has no
// invisible entry before it, so a reader that remembers a Pos misses nothing.
type Entry struct {
	Pos  int64
	Run  RunID // 0: the entry is about a workflow definition, not a run
	Seq  int64 // within the run, from 1; 0 when Run is 0
	At   int64
	Data []byte
}

// Runs keeps runs and their journals. It is safe for concurrent use.
type Runs interface {
	Rows

	// Commit applies changes, each one whole or not at all, durably, in order, in as few transactions as it can, and
	// reports one error per change. A change is refused when any part of it is, with ErrStale when a part is stale, else
	// with ErrExists; that does not hold up the others. A new run that is not of the change's group is a stale part. Any
	// other error is reported for all changes that were not applied; whether a change with such an error was applied
	// is unknown, and only loading tells. The changes are not looked at after Commit has returned.
	Commit(ctx context.Context, changes []Change) []error

	// Load returns a run and all of its entries in order, or ErrNotFound.
	Load(ctx context.Context, id RunID) (*Run, []Entry, error)

	// LoadPresent is Load without the entries before the newest snapshot; where there is none it returns all.
	LoadPresent(ctx context.Context, id RunID) (*Run, []Entry, error)
}

// Rows finds the rows of runs, without reading their journals.
type Rows interface {
	// Row returns the row of a run, or ErrNotFound.
	Row(ctx context.Context, id RunID) (*Run, error)

	// Find returns the row of a run by its numbers; run 0 means the newest run of the instance. ErrNotFound.
	Find(ctx context.Context, workflow, instance, run int64) (*Run, error)

	// FindUUID returns the row of the run of the workflow that was started with this uuid, or ErrNotFound.
	FindUUID(ctx context.Context, workflow int64, uuid [16]byte) (*Run, error)

	// Newest returns the highest ID that any run has, 0 when there is none.
	Newest(ctx context.Context) (RunID, error)

	// List returns rows without Header in the order and range that q asks for.
	List(ctx context.Context, q RunQuery) ([]Run, error)

	// Counts returns how many runs of the workflow have each status, and the highest instance id.
	Counts(ctx context.Context, workflow int64) (Counts, error)

	// Live returns up to n rows with Header of runs of the group that are not terminal, with an ID above after, in
	// order of ID: the work list of recovery.
	Live(ctx context.Context, group int32, after RunID, n int) ([]Run, error)

	// Due returns up to n rows without Header of runs of the group whose Wake is set and at or before t, soonest first.
	Due(ctx context.Context, group int32, t int64, n int) ([]Run, error)
}

// RunQuery selects runs of one workflow. Exactly one of Instance and the instance range is used.
type RunQuery struct {
	Workflow int64
	Instance int64   // not 0: all runs of this instance with From <= run <= To
	Latest   bool    // only the newest run of each instance with From <= instance <= To
	From, To int64   // inclusive; To 0 means no upper bound
	Statuses []uint8 // empty: any
	Desc     bool    // highest first
	Limit    int     // 0: no limit
	Header   bool    // also read Header
}

// Counts says how many runs a workflow has.
type Counts struct {
	ByStatus    map[uint8]int64
	MaxInstance int64
}

// Feed reads the journal of all runs in order of Pos.
type Feed interface {
	// After returns up to n entries with a Pos above pos, oldest first. With run not 0, only entries of that run.
	After(ctx context.Context, pos int64, run RunID, n int) ([]Entry, error)

	// Publish appends an entry that belongs to no run, durably, and returns its Pos.
	Publish(ctx context.Context, at int64, data []byte) (int64, error)

	// Prune removes entries that belong to no run, oldest first, up to n of them, as long as their time is before at and
	// their Pos not above pos. It returns how many it removed.
	Prune(ctx context.Context, at, pos int64, n int) (int, error)
}

// Lease is the right to write the runs of a group.
type Lease struct {
	Group int32
	Epoch int64 // grows each time the group changes hands
}

// Leases hands out the groups. On a store that one process has to itself they are static: every group is granted to
// the first who asks, with an epoch above all earlier ones.
type Leases interface {
	// Claim takes over every group that nobody holds, in the name of node, and returns all groups that node now holds:
	// those below groups, and those above that were ever claimed, since there may be runs of them. The lease lasts until
	// ttl milliseconds after now unless renewed.
	Claim(ctx context.Context, node string, groups int32, now, ttl int64) ([]Lease, error)

	// Renew extends all leases of node and returns those it still holds.
	Renew(ctx context.Context, node string, now, ttl int64) ([]Lease, error)

	// Release gives up all leases of node at once.
	Release(ctx context.Context, node string) error
}

// Store is all roles together, as one implementation provides them.
type Store interface {
	Runs
	Feed
	Leases
	Definitions
	Records

	// Stats returns running totals since the store was opened.
	Stats() Stats
	// Close releases everything. Writes under way are finished first.
	Close() error
}

// Stats counts the work a store has done since it was opened.
type Stats struct {
	Commits    int64 // write transactions
	Statements int64 // statements executed inside them, transaction control included
	Bytes      int64 // size of the data in bytes, now; the files may be larger
}
