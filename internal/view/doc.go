// Package view builds what clients see of runs: instances, steps, overviews and timelines as JSON (spec/api 3), the
// events that are published (spec/engine 21), and the messages of the live stream.
//
// It is pure: everything is made from a folded run or from journal entries, so what clients read, what is published and
// what is streamed cannot disagree with the journal. JSON is appended to a buffer of the caller.
//
// A run that is shown belongs to the caller while it is: params and retry policies are restored when first asked for.
package view
