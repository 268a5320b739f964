// Package event is what is published about workflows and runs (spec/runtimes 8): reading it in order from the journal,
// and delivering it to sinks outside.
//
// A Source makes Readers, each of which follows the journal from a cursor. The API's feed is one, and each sink has one.
// Events are not stored: a Reader derives them from the journal, always the same ones with the same cursors. What is
// stored is how far a sink has come, and what it could not deliver.
//
// A Delivery brings the events of one Reader to one Sink at least once. Events of one workflow go in order, the next only
// after the one before was taken or given up; workflows go beside each other. A sink that is slow or dead holds up nobody
// but itself: the journal is the queue, and a Delivery holds a bounded part of it in memory. What cannot be delivered
// within a number of attempts or a time is put on the list of dead letters, which clients read, replay and delete.
//
// How long events live is Config.Retention. Older ones are neither served nor delivered, although the journal of a run
// stays with the run. The events of a deleted workflow outlive it: Source.Keep turns the journals of its runs into
// entries that hold the events themselves, at the same places, and Source.Prune removes those when they are too old.
package event
