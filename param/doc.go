// Package param is the parameter system: typed params, the rules by which one set of definitions is merged into
// another, and their evaluation in order.
//
// A definition ([Def]) holds a literal or an expression; a [Param] is a definition that takes part in a run and gets
// a result. Sets of both keep their order, because evaluation follows it. The package knows neither the expression
// language nor who calls it: expressions run through an [Evaluator], names that are no param of the set are resolved
// by a [Resolver]. Which sets are merged for which run is the business of package internal/scope.
//
// Definitions are immutable and shared freely between goroutines. [Params] belong to one goroutine while they are
// evaluated and are read only afterwards. The package keeps no state, reads no clock and starts nothing.
//
// Comments cite the specification as "params 6.6".
package param
