// Package catalog keeps workflow definitions: their versions, which of them is active, the properties that all versions
// of a workflow share, its history, and job templates.
//
// It decides what a push, an activation, a change of properties or a deletion means (definition 2, 3, 12 to 14; api 4,
// 5.2, 8) and hands each to the store as one change: row, version, line of history and published event, all or nothing.
// Reads hand out parsed definitions that all runs share; they are immutable.
//
// It is not for runs. Of them it knows only how many there are, to refuse changes that they stand in the way of.
//
// A Catalog is safe for concurrent use. Changes of one workflow are made one after the other; changes by another process
// in between are noticed by the store and the change is made again from the new state. Time is an argument of New.
package catalog
