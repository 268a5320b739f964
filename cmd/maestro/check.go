package main

import (
	"time"

	"maestro/client"
	"maestro/internal/doc"
	"maestro/param"
	"maestro/spec"
	"maestro/spec/dsl"
)

// checkDefinition is a checker that knows the format and the rules of definitions, but not what a server knows: its own
// default params, job templates, and what exists already.
func checkDefinition(now func() time.Time) checker {
	return func(name string, text []byte) []finding {
		var p doc.Problems
		defaults, err := param.LoadDefaults(param.DefaultOverrides{})
		if err != nil {
			p.List = append(p.List, doc.AsProblem(err))
			return findingsOf(name, text, p.List)
		}
		root, err := parse(name, text)
		if err != nil {
			p.List = append(p.List, doc.AsProblem(err))
			return findingsOf(name, text, p.List)
		}
		if formatOf(name, text) == client.YAML && dsl.IsShort(root) {
			root = dsl.Convert(root, dsl.Options{Types: spec.BuiltinTypes(), Defaults: defaults}, &p)
		}
		if root != nil {
			checkPush(root, spec.Rules{Types: spec.BuiltinTypes(), Now: now()}, &p)
		}
		return findingsOf(name, text, p.List)
	}
}

// checkPush adds what is wrong with a push request.
func checkPush(root *doc.Node, rules spec.Rules, p *doc.Problems) {
	push := spec.DecodePushRequest(root, rules, p)
	if p.Failed() {
		return // what could not be read is not checked further: it would only be reported twice
	}
	push.Validate(root, rules, p)
	push.ValidatePush(root, p)
	if push.Workflow == nil || p.Failed() {
		return
	}
	if _, err := spec.BuildDAG(push.Workflow.Steps, nil, nil); err != nil {
		p.Errorf(root.Field("workflow").Field("steps"), "workflow.steps", "%v", err)
	}
}

func findingsOf(name string, text []byte, problems []doc.Problem) []finding {
	var all []finding
	for _, p := range problems {
		all = append(all, finding{
			File:     name,
			Line:     int(p.Pos.Line),
			Column:   int(p.Pos.Col),
			Severity: p.Severity.String(),
			Path:     p.Path,
			Message:  p.Message,
			excerpt:  doc.Excerpt(text, p.Pos),
		})
	}
	return all
}

// sendable is pushable for a checker, which reports a file that cannot be parsed like any other problem.
func sendable(name string, text []byte) (client.Format, []finding) {
	f, err := pushable(name, text)
	if err != nil {
		return "", findingsOf(name, text, []doc.Problem{doc.AsProblem(err)})
	}
	return f, nil
}
