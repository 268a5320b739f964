// Package dsl turns workflows written in the short YAML form (definition §15) into push requests.
//
// The conversion is from tree to tree: the result is the document that the author could have written as JSON, each
// value still knowing where it stood in the YAML text. Decoding and checking it is then the business of package spec,
// and every problem points into the author's file.
package dsl

import (
	"fmt"
	"strings"

	"maestro/internal/doc"
	"maestro/param"
	"maestro/spec"
)

// Options say what a conversion knows about the world.
type Options struct {
	Types    spec.Types // known step types; empty: the built-in ones
	MaxSteps int        // jobs of a workflow, nested ones included; 0: the default of package spec

	// Template returns the step type of the job template with the given job type and version. Nil knows no templates.
	Template func(jobType, version string) (spec.StepType, bool)

	// Defaults are the default params of steps, whose types tell where a job takes a text. Nil knows none.
	Defaults *param.Defaults
}

// IsShort tells the short form from that of the API, which may be written in YAML too: the short form has "workflow" as its
// only key, in any case, and no list of steps below it.
func IsShort(root *doc.Node) bool {
	if len(root.Members) != 1 || !strings.EqualFold(root.Members[0].Name, "workflow") {
		return false
	}
	w := root.Members[0].Value
	steps := w.Field("steps")
	return steps == nil || steps.Kind != doc.List || w.Field("jobs") != nil
}

// Convert returns the push request that root describes, or nil when root is no workflow at all. Problems are added to
// p; a result beside errors holds what could be understood, so that checking it may find more.
func Convert(root *doc.Node, o Options, p *doc.Problems) *doc.Node {
	if len(o.Types) == 0 {
		o.Types = spec.BuiltinTypes()
	}
	if o.MaxSteps == 0 {
		o.MaxSteps = spec.DefaultMaxSteps
	}
	doc.WarnRepeated(root, p)
	c := &converter{o: o, p: p}
	if root.Kind != doc.Object || len(root.Members) != 1 || !strings.EqualFold(root.Members[0].Name, "workflow") {
		p.Errorf(root, "", "a YAML workflow must have exactly one key at its root, `Workflow`")
		return nil
	}
	m := &root.Members[0]
	if m.Value.Kind != doc.Object {
		p.Errorf(m.Value, m.Name, "must be a mapping with id, owner and jobs")
		return nil
	}
	return c.workflow(m.Value, m.Name)
}

type converter struct {
	o       Options
	p       *doc.Problems
	guesses int // keys that were compared with those of the format

	asked   *doc.Node // the last mapping that has such keys, with the known ones that it lacks: finding them takes its time
	missing []string
}

// object builds a JSON object. A name that comes again replaces the value in its place.
type object struct {
	n     *doc.Node
	index *doc.NameIndex
}

func newObject(at *doc.Node) object {
	return object{&doc.Node{Kind: doc.Object, Pos: at.Pos}, new(doc.NameIndex)}
}

func (o object) has(name string) bool { return o.index.Find(o.n.Members, name) >= 0 }

func (o object) set(name string, pos doc.Pos, v *doc.Node) {
	m := doc.Member{Name: name, Pos: pos, Value: v}
	if i := o.index.Find(o.n.Members, name); i >= 0 {
		o.n.Members[i] = m
		return
	}
	o.n.Members = append(o.n.Members, m)
	o.index.Add(o.n.Members)
}

// join extends a path. Paths are made for each value, with or without a problem, so they do not grow with what a document
// is called and how deep it is.
func join(path, name string) string {
	const most, longest = 1024, 200
	switch {
	case len(path) > most:
		return path
	case len(name) > longest:
		name = strings.ToValidUTF8(name[:longest], "") + "…"
	}
	return path + "." + name
}

func text(at *doc.Node, s string) *doc.Node {
	return &doc.Node{Kind: doc.String, Pos: at.Pos, Text: s}
}

func number(at *doc.Node, s string) *doc.Node {
	return &doc.Node{Kind: doc.Number, Pos: at.Pos, Text: s}
}

// workflow converts the mapping below the root key (§15.1).
func (c *converter) workflow(n *doc.Node, path string) *doc.Node {
	w, properties, params := newObject(n), newObject(n), newObject(n)
	var jobs, dag, rule, concurrency *doc.Node
	for i := range n.Members {
		m := &n.Members[i]
		at := join(path, m.Name)
		if m.Value.Kind == doc.Null && isWorkflowKey(m.Name) {
			continue
		}
		switch m.Name {
		case "id", "name", "description", "criticality":
			w.set(m.Name, m.Pos, m.Value)
		case "owner":
			c.text(properties, "owner", m, at)
		case "run_strategy":
			rule = m.Value
		case "workflow_concurrency":
			concurrency = m.Value
		case "tags":
			c.tags(w, m, at)
		case "timeout":
			c.duration(w, m, at)
		case "jobs":
			jobs = m.Value
		case "dag":
			dag = m.Value
		case "workflow_params", "job_params":
			c.errorAt(m, at, "`%s` is not supported: write params as keys of their own", m.Name)
		default:
			c.warnKey(n, m, at, workflowKeys)
			c.param(params, m, at, nil)
		}
	}
	properties.set("run_strategy", n.Pos, strategy(n, rule, concurrency))
	properties.set("step_concurrency", n.Pos, number(n, "20"))
	w.set("params", n.Pos, params.n)
	if jobs != nil {
		if n := countJobs(jobs); n > c.o.MaxSteps {
			c.p.Errorf(jobs, path+".jobs", "[workflow step list] is too large [%d] and over the size limit [%d]", n, c.o.MaxSteps)
			return nil
		}
		w.set("steps", jobs.Pos, c.jobs(jobs, dag, path))
	}
	push := newObject(n)
	push.set("properties", n.Pos, properties.n)
	push.set("workflow", n.Pos, w.n)
	return push.n
}

// strategy returns the run strategy: without a rule it is SEQUENTIAL, and a concurrency is ignored.
func strategy(n, rule, concurrency *doc.Node) *doc.Node {
	if rule == nil {
		s := newObject(n)
		s.set("rule", n.Pos, text(n, string(spec.Sequential)))
		return s.n
	}
	s := newObject(rule)
	s.set("rule", rule.Pos, rule)
	if concurrency != nil {
		s.set("workflow_concurrency", concurrency.Pos, concurrency)
	}
	return s.n
}

var workflowKeys = []string{"id", "name", "description", "criticality", "owner", "run_strategy", "workflow_concurrency", "tags", "timeout", "jobs", "dag"}

func isWorkflowKey(name string) bool {
	for _, k := range workflowKeys {
		if k == name {
			return true
		}
	}
	return false
}

// warnKey warns of keys of n that are params by the rules of the format, but were hardly meant to be. A key that n has
// cannot be what another one was meant to be.
func (c *converter) warnKey(n *doc.Node, m *doc.Member, path string, known []string) {
	switch m.Name {
	case "retry_policy", "time_triggers", "signal_triggers", "signal_dependencies", "signal_outputs", "instance_step_concurrency",
		"alerting", "step_concurrency", "strict_ordering", "is_active", "git_info", "steps":
		c.warnAt(m, path, "`%s` cannot be expressed in YAML and becomes a param; use the JSON form for it", m.Name)
		return
	}
	const most = 100 // guessing takes its time
	if c.guesses++; c.guesses > most {
		return
	}
	if c.asked != n {
		c.asked, c.missing = n, nil
		for _, k := range known {
			if n.Field(k) == nil {
				c.missing = append(c.missing, k)
			}
		}
	}
	if guess := doc.Suggest(m.Name, c.missing); guess != "" && len(m.Name) > 3 {
		c.warnAt(m, path, "`%s` becomes a param%s", m.Name, guess)
	}
}

// text copies a scalar as text, as it is written and whatever it looks like.
func (c *converter) text(o object, name string, m *doc.Member, path string) {
	if s, ok := c.scalar(m.Value, path); ok {
		o.set(name, m.Pos, text(m.Value, s))
	}
}

func (c *converter) scalar(n *doc.Node, path string) (string, bool) {
	switch n.Kind {
	case doc.String, doc.Number, doc.Bool:
		return n.Written(), true
	}
	c.p.Errorf(n, path, "must be a text, not %s", kindOf(n))
	return "", false
}

// duration copies a timeout: a number of seconds keeps its value, however it is written, and becomes a text all the same.
func (c *converter) duration(o object, m *doc.Member, path string) {
	if m.Value.Kind == doc.Number {
		o.set(m.Name, m.Pos, text(m.Value, m.Value.Text))
		return
	}
	c.text(o, m.Name, m, path)
}

// tags copies a list of tag names.
func (c *converter) tags(o object, m *doc.Member, path string) {
	if m.Value.Kind != doc.List {
		c.p.Errorf(m.Value, path, "must be a list of tag names, not %s", kindOf(m.Value))
		return
	}
	list := &doc.Node{Kind: doc.List, Pos: m.Value.Pos}
	for i, item := range m.Value.Items {
		if s, ok := c.scalar(item, fmt.Sprintf("%s[%d]", path, i)); ok {
			list.Items = append(list.Items, text(item, s))
		}
	}
	o.set("tags", m.Pos, list)
}

func (c *converter) errorAt(m *doc.Member, path, format string, args ...any) {
	c.p.Errorf(&doc.Node{Pos: m.Pos}, path, format, args...)
}

func (c *converter) warnAt(m *doc.Member, path, format string, args ...any) {
	c.p.Warnf(&doc.Node{Pos: m.Pos}, path, format, args...)
}

func kindOf(n *doc.Node) string {
	switch n.Kind {
	case doc.Null:
		return "nothing"
	case doc.List:
		return "a list"
	case doc.Object:
		return "a mapping"
	}
	return "a " + n.Kind.String()
}
