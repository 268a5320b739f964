// Package sel is the parameter expression language: a small, Java-flavoured scripting language with strict types, in
// which workflow authors compute parameters and conditions.
//
// A text is compiled once and run often:
//
//	script, err := sel.CompileEngine("Util.incrementDateInt(RUN_DATE, -1)")
//	value, err := script.Run(&sel.Env{Lookup: params, Now: clock})
//
// [Compile] takes a script as it is. [CompileEngine] prepares the text the way the engine does and makes
// [Script.Run] apply the engine's rules for results. [Interpolate] fills the $name and ${name} of literal strings.
//
// The package is pure. It reads no clock, no random source, no file and no environment; all of these come in
// through [Env], and so do the inputs and the functions behind params. A script can reach nothing else: its types and
// methods are closed tables.
//
// No script can hang or exhaust memory: every evaluation runs within [Limits] and is charged to a meter before it does
// anything, and exceeding a limit is an [Error]. Scripts that belong together share a meter, see [Env].
// A Script is immutable and safe for concurrent use. Each run keeps its state to itself.
//
// The pipeline is source, lexer, parser, tree, compiler, nodes. The tree is what the author wrote, used for printing and
// for free names; the nodes are what runs, with names resolved to slots and costs added up ahead of time.
package sel
