// Package spec is what a user wrote: workflow definitions, their steps, transitions and triggers, the properties kept
// beside them, and job templates. It reads them from a parsed document, checks them, and writes them back as the same
// JSON; and it turns the steps of a definition into the graph that the engine walks.
//
// It does not evaluate anything: params are package param's, expressions package sel's, and the dry run that proves a
// definition can start is put together by the server. It knows no clock; whoever checks a schedule gives the time.
//
// The way in is always text, tree, value: internal/doc or internal/yamldoc parse the text, Decode… reads the tree and
// Validate checks the value. Both report every problem they find, each with its path and its place in the text. All
// types are plain data: safe for concurrent readers once decoded, and not to be changed after that.
//
// The format is described in definition.md, whose sections the comments of this package cite with §.
package spec
