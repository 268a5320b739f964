package store

import "context"

// Workflow is the row of a workflow id: what all its versions share.
type Workflow struct {
	Internal      int64  // internal_id, from 10000, never used again
	ID            string // workflow_id
	Inline        bool   // the id of a loop body: it has runs, but no versions of its own
	Active        int64  // active version, 0 for none
	Latest        int64  // newest version
	ActivateTime  int64  // epoch milliseconds, 0 when no version is active
	ActivatedBy   []byte // JSON of the user who activated it
	Properties    []byte // JSON of the current properties snapshot
	ModifyTime    int64  // epoch milliseconds
	FirstInstance int64  // instance ids start above this: the last id of an earlier, deleted workflow of this name
}

// Version is one immutable version of a definition.
type Version struct {
	Workflow   int64 // internal id
	Version    int64
	Created    int64
	Metadata   []byte // JSON
	Definition []byte // JSON of the workflow object
}

// TimelineEntry is one line of a workflow's history.
type TimelineEntry struct {
	Author []byte // JSON of the user
	Log    string
	At     int64 // epoch milliseconds
}

// DefinitionChange is what one push, activation or property change writes, all of it or nothing.
type DefinitionChange struct {
	Workflow Workflow // the new row; Internal 0 creates it and gives it an internal id
	Previous int64    // ModifyTime of the row this was made from: ErrStale when it has changed since; 0 for a new row
	Version  *Version // not nil: also a new version; Version.Workflow is filled in
	Timeline *TimelineEntry
	Event    []byte // not nil: journal entry of run 0, published with the change
	At       int64
	Records  []Record
}

// Keep says what stays of the journal of a run that is deleted: entries at positions that the run's entries had, which
// from then on belong to no run, in order. All of the run's entries are given, but for those at the end that an
// interrupted deletion has dealt with. It is called outside of transactions, while the workflow's versions are still
// there. An error interrupts the deletion.
type Keep func(ctx context.Context, r *Run, entries []Entry) ([]Entry, error)

// Definitions keeps workflows and their versions. It is safe for concurrent use.
type Definitions interface {
	// Define applies the change durably and returns the row as stored: with Internal, and FirstInstance at least the
	// last instance id of a deleted workflow of this name; a later change does not touch FirstInstance. ErrExists when
	// a new workflow's id is taken, ErrStale when the row has changed since it was read or the version's number is taken.
	Define(ctx context.Context, c DefinitionChange) (Workflow, error)

	// Inline returns the row of an inline workflow id, which it creates when there is none.
	Inline(ctx context.Context, id string, now int64) (Workflow, error)

	// Workflow returns the row of a workflow id, or ErrNotFound.
	Workflow(ctx context.Context, id string) (*Workflow, error)

	// WorkflowByInternal returns the row with this internal id, or ErrNotFound.
	WorkflowByInternal(ctx context.Context, internal int64) (*Workflow, error)

	// Workflows returns up to n rows with an id above after, in byte order of id, without inline ones.
	Workflows(ctx context.Context, after string, n int) ([]Workflow, error)

	// Version returns one version, or ErrNotFound.
	Version(ctx context.Context, workflow, version int64) (*Version, error)

	// Timeline returns the newest n lines of a workflow's history, newest first.
	Timeline(ctx context.Context, workflow int64, n int) ([]TimelineEntry, error)

	// Delete removes the row, so that the id is free at once, and everything that belongs to it: runs and journals, then
	// versions and history, a bounded number of rows per transaction. Of the journals, keep says what stays; nil keeps
	// nothing. It returns when all is gone, or when it is interrupted: then Purge does the rest. ErrNotFound when there is
	// no such workflow.
	Delete(ctx context.Context, id string, event []byte, now int64, keep Keep) error

	// Purge finishes all deletions that were interrupted.
	Purge(ctx context.Context, keep Keep) error
}

// Records keeps small keyed collections: output data, job templates, breakpoints, permits, signals. What a value holds
// is the business of the package that writes it. Records are also written as part of a Change or DefinitionChange.
type Records interface {
	// PutRecords writes all records in one durable transaction. ErrExists when a Unique one's key is taken; then
	// nothing was written.
	PutRecords(ctx context.Context, records ...Record) error

	// Record returns one value, or ErrNotFound.
	Record(ctx context.Context, kind, key string) ([]byte, error)

	// Scan returns up to n records of a kind whose key has the prefix and is above after, in byte order of the key.
	Scan(ctx context.Context, kind, prefix, after string, n int) ([]Record, error)
}
