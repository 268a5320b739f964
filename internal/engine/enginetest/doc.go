// Package enginetest has what tests of the engine share: a store in memory, random workflows, and a runtime that behaves
// as it is told. It is never part of a program.
package enginetest
