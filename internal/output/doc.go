// Package output is output data: what a job reports about itself, params to set and artifacts to keep (spec/runtimes 6).
// It finds it in what a job prints, reads every form it may have, and merges one report into another. Whatever way output
// data comes, this package reads it, so that it means the same everywhere. Who runs a job, where output data is kept and
// what it changes in a step is the business of others.
//
// A job writes OutputData, as for the reference:
//
//	{"params": {"rows": {"type": "LONG", "value": 42, "evaluated_result": 42, "evaluated_time": 1700000000000}},
//	 "artifacts": {"report": {"url": "s3://bucket/r.html"}}}
//
// where a param may lack its result and its time, or be just a value: {"params": {"rows": 42}}. An object without params
// and artifacts is plain values only: {"rows": 42}. In a file there may also be lines:
//
//	rows=42
//	note<<END
//	two
//	lines
//	END
//
// A plain value has the type that the step declares, or else the one it looks like. What of a report cannot be meant as it
// stands is an error; what is not used is told, never dropped in silence.
package output
