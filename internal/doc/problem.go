package doc

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a problem makes the document unusable.
type Severity uint8

// The severities of a problem.
const (
	Error   Severity = iota // the document is refused
	Warning                 // the document is accepted, but probably does not mean what its author thinks
)

// String returns the lower-case name of the severity.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Problem is one thing that is wrong with a document.
type Problem struct {
	Severity Severity
	Path     string // where in the document, such as workflow.steps[3].retry_policy; empty for the document itself
	Pos      Pos    // where in the text
	Message  string // what is wrong and what to do about it, one clause without full stop
}

// Error returns the problem in one line: path, message, position.
func (p Problem) Error() string {
	var b strings.Builder
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteByte(' ')
	}
	b.WriteString(p.Message)
	if p.Pos.Line > 0 {
		fmt.Fprintf(&b, " (%s)", p.Pos)
	}
	return b.String()
}

// AsProblem returns the problem that err is or wraps, or one with its text.
func AsProblem(err error) Problem {
	if p, ok := errors.AsType[Problem](err); ok {
		return p
	}
	return Problem{Message: err.Error()}
}

// How many problems are kept, and how much of a message that shows a long value: enough for people, and a bound on what a
// hostile document costs.
const (
	maxProblems = 1000
	maxMessage  = 4 << 10
)

// Problems collects what is wrong with a document while it is decoded. The zero value is ready for use. Once it is
// full, an error is kept only if it is the first one, so that Failed is always right.
type Problems struct {
	List []Problem
}

// Errorf adds an error found at path and n. A nil n leaves the position unknown.
func (p *Problems) Errorf(n *Node, path, format string, args ...any) {
	p.add(Error, n, path, format, args)
}

// Warnf adds a warning found at path and n.
func (p *Problems) Warnf(n *Node, path, format string, args ...any) {
	p.add(Warning, n, path, format, args)
}

func (p *Problems) add(s Severity, n *Node, path, format string, args []any) {
	if p.Full(s) {
		return // before the cost of a message
	}
	pr := Problem{Severity: s, Path: path, Message: fmt.Sprintf(format, args...)}
	if n != nil {
		pr.Pos = n.Pos
	}
	p.Add(pr)
}

// Add adds a problem whose path and position are not those of one node.
func (p *Problems) Add(pr Problem) {
	if p.Full(pr.Severity) {
		return
	}
	if len(pr.Message) > maxMessage {
		pr.Message = strings.ToValidUTF8(pr.Message[:maxMessage], "") + "…"
	}
	p.List = append(p.List, pr)
}

// Full reports whether a problem of this severity would not be kept. Callers ask before they make one that is costly.
func (p *Problems) Full(s Severity) bool {
	return len(p.List) >= maxProblems && (s == Warning || p.Failed())
}

// Failed reports whether an error (not only warnings) was added.
func (p *Problems) Failed() bool {
	for i := range p.List {
		if p.List[i].Severity == Error {
			return true
		}
	}
	return false
}

// Sort orders the problems by their place in the text, those without a place first.
func (p *Problems) Sort() {
	slices.SortStableFunc(p.List, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
}

// Err returns nil when nothing but warnings was found, else an error that holds all problems.
func (p *Problems) Err() error {
	if !p.Failed() {
		return nil
	}
	return &InvalidError{Problems: p.List}
}

// InvalidError says that a document is refused, and why: it holds all problems found, warnings included.
type InvalidError struct {
	Problems []Problem
}

// Error returns all errors, joined by "; ".
func (e *InvalidError) Error() string {
	var b strings.Builder
	for _, p := range e.Problems {
		if p.Severity != Error {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(p.Error())
	}
	return b.String()
}
