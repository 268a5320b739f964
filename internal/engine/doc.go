// Package engine drives runs: it owns their state in memory, makes every change durable before it has an effect, and
// finds its way back after a crash.
//
// Each run in memory belongs to one goroutine, its actor, which drains its inbox, applies the events to the run (package
// instance, pure), hands the resulting change to the committer, waits until it is durable, and then performs the effects.
// The committer puts the changes of all actors that are ready into one transaction. A commit that fails, for whatever
// reason, makes the actor drop its state; the next event loads it again. There is no repair in place.
//
// The engine does not know what a step means (package instance does), how state is kept (package store) or how work is
// done (package step).
package engine
