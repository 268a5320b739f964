// Package instance is the state machine: what one run of a workflow is, and what each event makes of it.
//
// It is pure. Time, identities and the outcome of everything that needs the world arrive in events; what must be done
// in the world leaves as effects. Playing the same events into the same run gives the same records and the same
// effects.
//
// State changes only by folding records. Apply decides what an event means and writes it down as records, each of which
// is folded into the run at once; the engine stores the records of one Apply as one journal entry. Loading a run, after
// a crash or to show it to somebody, is folding its entries again, so the state in memory cannot differ from what the
// journal says, and a status cannot change without the record that tells about it.
//
// A Run is not safe for concurrent use: its owner calls Apply. A Plan is immutable and shared by all runs of a version.
package instance
