// Package signal keeps what was announced and wakes who waits for it (spec/signals-triggers 1 to 4).
//
// A signal is a name with an ordered list of instances, numbered from 1. The Board owns every name: it gives out the
// numbers, hands the records of an instance to whoever commits them, and tells those who wait once they are durable.
// What it holds in memory follows from the store and is loaded name by name; the store's unique keys are the guard should
// two owners ever meet.
//
// The package knows neither workflows nor expressions: a waiter is a set of conditions and an opaque key, and an
// announcement is a name with params.
//
// A Board is safe for concurrent use. All else is plain data.
package signal
