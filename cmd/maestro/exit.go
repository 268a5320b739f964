package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"maestro/client"
)

// Exit codes. They are part of the interface; see exitCodes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitInterrupted = 130
)

const exitCodes = `  0    done; a watched run has succeeded
  1    the command failed, or the watched run did not succeed
  2    the command line, a file or a setting is not valid; nothing was done
  3    no server answered
  130  interrupted; a watched run goes on`

func newExitCodesTopic(*program) *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long:  "maestro exits with one of these codes:\n\n" + exitCodes,
	}
}

// usageError says that what the user wrote cannot be carried out.
type usageError struct {
	err  error
	help string // command that explains, such as "maestro start --help"
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...)}
}

// refError says what was tried on what.
type refError struct {
	verb string
	ref  client.StepRef
	err  error
}

// about wraps the error of doing something to what a reference names.
func about(verb string, ref client.StepRef, err error) error {
	return &refError{verb: verb, ref: ref, err: err}
}

func (e *refError) Error() string {
	name := e.ref.Workflow
	switch depthOf(e.ref) {
	case aRun:
		name = e.ref.RunRef.String()
	case aStep:
		name = e.ref.String()
	}
	return fmt.Sprintf("%s %s: %v", e.verb, name, e.err)
}

func (e *refError) Unwrap() error { return e.err }

// list returns the command that lists what could have been meant.
func (e *refError) list() string {
	switch depthOf(e.ref) {
	case aStep:
		return "maestro get " + client.RunRef{Workflow: e.ref.Workflow, Instance: e.ref.Instance}.String()
	case aRun:
		return "maestro ls " + e.ref.Workflow
	}
	return "maestro ls"
}

// errRunFailed ends a command whose output already says that a run did not succeed.
var errRunFailed = errors.New("the run did not succeed")

// errInvalid ends a command whose output already lists what is wrong.
var errInvalid = errors.New("not valid")

// report prints an error, if there is one, and returns the exit code it means.
func (p *program) report(err error) int {
	if err == nil {
		return exitOK
	}
	switch {
	case errors.Is(err, errRunFailed):
		return exitFailed
	case errors.Is(err, errInvalid):
		return exitFailed
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	if away, ok := errors.AsType[*client.UnreachableError](err); ok {
		reason := away.Err.Error()
		if i := strings.LastIndex(reason, ": "); i >= 0 { // the last part of "dial tcp 127.0.0.1:8080: connect: refused"
			reason = reason[i+2:]
		}
		fmt.Fprintf(p.err, "maestro: cannot reach the server at %s (%s); start one with \"maestro server\", or name another with --server or MAESTRO_SERVER\n",
			away.URL, reason)
		return exitUnreachable
	}
	fmt.Fprintf(p.err, "maestro: %v\n", err)
	if refused, ok := errors.AsType[*client.Error](err); ok {
		for _, detail := range refused.Errors {
			if strings.Contains(refused.Message, detail) {
				continue // the only problem is in the message already
			}
			fmt.Fprintf(p.err, "  - %s\n", detail)
		}
	}
	if about, ok := errors.AsType[*refError](err); ok && notFound(err) {
		p.note("See \"%s\" for what there is.", about.list())
	}
	if usage, ok := errors.AsType[*usageError](err); ok {
		if usage.help != "" {
			fmt.Fprintf(p.err, "See \"%s\".\n", usage.help)
		}
		return exitUsage
	}
	return exitFailed
}

// notFound reports whether the server said that there is no such thing.
func notFound(err error) bool {
	refused, ok := errors.AsType[*client.Error](err)
	return ok && refused.Status == client.NotFound
}
