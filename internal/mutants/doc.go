// Package mutants keeps the breakages that the tests of the engine must notice. Each is a small change of the program
// that breaks one promise, with the tests that must fail because of it. `make mutants` makes them one at a time, in an
// overlay and never in the tree, and fails when one of them survives.
//
// The list is in testdata, a file for each subject. A mutant reads
//
//	mutant NAME
//	why  what is broken
//	file internal/engine/actor.go
//	test ./internal/engine TestOne|TestTwo
//	-lines that the file has
//	+lines that it has instead
//
// The removed lines are whole lines, and must be found exactly once: when the code has moved on, its mutants move with it
// or make mutants fails. A mutant may have several hunks, parted by a line @@, and several lines test; it is caught when
// one of them fails.
package mutants
