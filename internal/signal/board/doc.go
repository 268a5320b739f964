// Package board keeps what was announced and wakes who waits for it (spec/signals-triggers 1, 3.4, 4.4).
//
// The Board owns every name: it gives out the numbers of instances, hands their records to whoever commits them, and tells
// those who wait once they are durable. What it holds in memory follows from the store and is loaded name by name; the
// store's unique keys are the guard should two owners ever meet.
//
// It knows neither workflows nor expressions: a waiter is a set of conditions and an opaque key, and an announcement is a
// name with params.
//
// A Board is safe for concurrent use.
package board
