// Package scope says which params a run or a step gets and what its expressions see.
//
// It knows the rows of params 7 (which set is merged when, on whose behalf), what is passed down to nested runs, the
// meaning of a name at workflow and step level (params 10.2 to 10.4), and the functions of the params object
// (params 10.5). It joins package param, which merges and evaluates, to package sel, which runs expressions.
//
// The package is pure. What the engine knows about finished steps and signals comes in through [World], and time, ids
// and randomness are arguments. An [Exprs] may be used by many goroutines; everything else belongs to its caller.
package scope
