// Package step is the contract between the engine and the runtimes that do a step's work outside of it: a shell
// process, an HTTP call, a Kubernetes pod. A runtime knows how to begin, find again and stop one kind of work; it does
// not know what a workflow is, how attempts are retried or where state is kept.
//
// The contract restates spec/runtimes sections 1 and 2 for an engine that reacts to events instead of polling:
//
//   - Start is called only after the intent to start this attempt is durable, and at least once. After a restart of the
//     engine it is called again for every attempt that was under way, with the artifacts reported so far. A runtime
//     that finds the work of this identity already begun attaches to it instead of beginning again.
//   - Everything that happens afterwards is told through the Reporter, from any goroutine, at any time.
//   - The first final report of an attempt counts. Later ones are ignored.
//   - A runtime keeps no state that it could not find again from the Attempt alone. It never blocks the caller of Start
//     and Stop for longer than it takes to hand the work over, bounds its own goroutines and memory, and obeys the
//     context it was opened with. A panic in Start or Stop becomes a platform error of that attempt.
package step

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"maestro/param"
	"maestro/spec"
)

// State is what a report says about the work (spec/runtimes 2.1).
type State uint8

// The states of a report.
const (
	Continue      State = iota // the work is under way; not final
	Done                       // it ended well
	UserError                  // the user's code or input failed; retried within error_retry_limit
	PlatformError              // infrastructure failed; retried within platform_retry_limit
	FatalError                 // it failed, and trying again is pointless
	Stopped                    // it was stopped, by us or by somebody else
	TimedOut                   // it ran longer than the outside system allows
	Internal                   // the step cannot be run as it is written; neither retried nor ignored
)

// String returns the name used in logs and expressions.
func (s State) String() string {
	names := [...]string{"CONTINUE", "DONE", "USER_ERROR", "PLATFORM_ERROR", "FATAL_ERROR", "STOPPED", "TIMED_OUT", "INTERNAL_ERROR"}
	if int(s) < len(names) {
		return names[s]
	}
	return "UNKNOWN"
}

// Final reports whether a report in this state ends the attempt.
func (s State) Final() bool { return s != Continue }

// Attempt is one attempt of one step: all that a runtime is told. It is read-only and shared.
type Attempt struct {
	UUID string // identity of the attempt: the same at every call, never used for another attempt

	WorkflowID     string
	WorkflowName   string
	Instance       int64 // workflow_instance_id
	Run            int64 // workflow_run_id
	RunUUID        string
	CorrelationID  string
	Version        int64
	StepID         string
	Number         int64 // step_attempt_id, from 1
	StepInstanceID int64
	Owner          string
	RunPolicy      string

	Definition     *spec.Step
	Params         *param.Params // evaluated params of the step
	WorkflowParams *param.Params // evaluated params of the run

	Artifacts map[string][]byte // key → JSON object, as reported and persisted so far
	Output    *Output           // posted by the job through the API and persisted so far; nil if none
	Started   time.Time         // when this attempt entered STARTING
	Deadline  time.Time         // when the step's timeout ends it
	Env       [][2]string       // names and values of variables that the job is to have in its environment
	Again     bool              // an earlier process may have begun this attempt already
}

// Identity names the work of an attempt in the world outside: a directory, a process, a pod. It is a hash over all that
// identifies the attempt, of fixed length and in one letter case, so that no two attempts share it, whatever texts their
// ids and uuids were made of.
func (a *Attempt) Identity() string {
	h := sha256.New()
	for _, part := range []string{
		a.UUID, a.WorkflowID, strconv.FormatInt(a.Instance, 10), strconv.FormatInt(a.Run, 10), a.RunUUID, a.StepID, strconv.FormatInt(a.Number, 10),
	} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Report is what a runtime has to say about an attempt.
type Report struct {
	State State

	// Begun says, in a report that ends the attempt, that the work had begun: the attempt was RUNNING before it
	// failed. A final report without it means that it could not be started. Done implies it.
	Begun bool

	// Waits says, in a report of state Continue, what the work waits for on this server before it can begin: a clause
	// that follows "waits for", with the setting that limits it. The attempt is not RUNNING yet and its timeout stands
	// still, until a report without it.
	Waits string

	Artifacts map[string][]byte // key → JSON object; merged into those of the attempt
	Timeline  []Line            // appended to the timeline of the attempt
	Output    *Output           // what the job reported; merged into params and artifacts if the attempt succeeds
}

// Output is what a job reports about itself (spec/runtimes 6): params to set, artifacts to keep.
type Output struct {
	Params    []byte            // JSON object: name → evaluated param; of what was posted also name → plain value
	Artifacts map[string][]byte // key → JSON object
}

// Level of a timeline line.
type Level uint8

// The levels of a timeline line.
const (
	Info Level = iota
	Warn
	Err
)

// Line is one human-readable line of an attempt's timeline.
type Line struct {
	Level   Level
	Message string   // a clause that a user of the workflow understands
	Errors  []string // not empty: the line has details; the first is the cause
	Code    string   // status code of a line with details, such as INTERNAL_ERROR

	Retryable bool // of a line with details: the same request may succeed later
}

// Reporter takes reports of one attempt. It never blocks for long and may be called from any goroutine; a report made
// after the attempt has ended, or after the engine has stopped, is dropped.
type Reporter interface {
	Report(r Report)
}

// Runtime does the work of one type of step.
type Runtime interface {
	// Start begins the work of an attempt, or finds it again, and returns without waiting for it. ctx ends when the
	// engine stops: the runtime then lets go of the attempt without stopping work that can outlive the process.
	Start(ctx context.Context, a *Attempt, r Reporter)

	// Stop ends the work of an attempt, if there is any, and then reports Stopped (also when there was none, when it had
	// already ended, and when Start was never called). It may be called more than once.
	Stop(ctx context.Context, a *Attempt, r Reporter)
}

// Log is one stream of an attempt's log. Positions count from the first byte that was ever written.
type Log struct {
	Name  string // "stdout", "stderr", "log"
	Start int64  // of the first byte that is still kept: what is older went to keep within a limit
	Size  int64  // where it ends at present
}

// DroppedError says that a log is no longer kept at the offset that was asked for, but from a later one on.
type DroppedError struct {
	Stream string
	Next   int64 // from where it is kept
}

// Error returns where the log goes on.
func (e *DroppedError) Error() string {
	return fmt.Sprintf("%s is kept from byte %d on: what is older went to keep within the limit of the log", e.Stream, e.Next)
}

// ErrLogGone says that a log, or all that there was from the offset on, was removed.
var ErrLogGone = errors.New("the log was removed")

// Logs is implemented by runtimes that keep what the work wrote.
type Logs interface {
	// ReadLog returns up to n bytes of the attempt's log from offset, and whether there is, or may still be, more after
	// them. An offset beyond the end returns nothing. One where nothing is kept is a *DroppedError if something later
	// is, otherwise ErrLogGone.
	ReadLog(ctx context.Context, a *Attempt, stream string, offset int64, n int) (data []byte, more bool, err error)

	// LogStreams names the streams there are.
	LogStreams(ctx context.Context, a *Attempt) ([]Log, error)
}
