package dsl

import (
	"fmt"
	"strconv"
	"strings"

	"maestro/internal/doc"
)

// jobs converts a list of jobs and the dag that orders them (§15.2, §15.5) into steps.
func (c *converter) jobs(list, dag *doc.Node, path string) *doc.Node {
	steps := &doc.Node{Kind: doc.List, Pos: list.Pos}
	if list.Kind != doc.List {
		c.p.Errorf(list, path+".jobs", "must be a list of jobs, not %s", kindOf(list))
		return steps
	}
	var all []*job
	for i, item := range list.Items {
		at := fmt.Sprintf("%s.jobs[%d]", path, i)
		j := c.job(item, at)
		if j == nil {
			j = &job{broken: true, node: &doc.Node{Kind: doc.Object, Pos: item.Pos}}
		}
		all = append(all, j)
	}
	c.dag(dag, all, path+".dag")
	for _, j := range all {
		if j.broken {
			continue
		}
		if t := c.transition(j); t != nil {
			j.step.set("transition", t.Pos, t)
		}
		steps.Items = append(steps.Items, j.node)
	}
	return steps
}

// countJobs returns how many jobs are in a list, nested ones included.
func countJobs(list *doc.Node) int {
	if list.IsNull() {
		return 0
	}
	count := len(list.Items)
	for _, item := range list.Items {
		if len(item.Members) == 1 {
			count += countJobs(item.Members[0].Value.Field("jobs"))
		}
	}
	return count
}

// job is a converted job whose transition is not known yet.
type job struct {
	id     string
	node   *doc.Node // the step in its wrapper object
	step   object    // the inside of it
	rows   *doc.Node // list of the transition; nil: none
	path   string
	broken bool
}

// kinds are the wrapper objects and what they become.
var kinds = map[string]string{"job": "step", "subworkflow": "subworkflow", "foreach": "foreach", "while": "while"}

func (c *converter) job(n *doc.Node, path string) *job {
	if n.Kind != doc.Object || len(n.Members) != 1 {
		c.p.Errorf(n, path, "must be a mapping with exactly one key: job, subworkflow, foreach or while")
		return nil
	}
	m := &n.Members[0]
	kind := strings.ToLower(m.Name)
	wrapper, ok := kinds[kind]
	if !ok {
		c.errorAt(m, path, "unknown kind of job `%s`%s; known are job, subworkflow, foreach and while", m.Name,
			doc.Suggest(m.Name, []string{"job", "subworkflow", "foreach", "while"}))
		return nil
	}
	if m.Value.Kind != doc.Object {
		c.p.Errorf(m.Value, path, "must be a mapping with an id, not %s", kindOf(m.Value))
		return nil
	}
	j := &job{step: newObject(m.Value), path: path}
	outer := newObject(n)
	outer.set(wrapper, m.Pos, j.step.n)
	j.node = outer.n
	if id := m.Value.Field("id"); id != nil {
		j.id = id.Written()
	}
	b := &jobBuilder{converter: c, job: j, n: m.Value, params: newObject(m.Value)}
	known := commonKeys
	switch kind {
	case "job":
		known = append(known[:len(known):len(known)], "type", "type_version")
		b.common(b.jobKey, known)
		b.jobType()
	case "subworkflow":
		known = append(known[:len(known):len(known)], "workflow_id", "subworkflow_id", "version", "subworkflow_version", "sync", "explicit_params")
		b.common(b.subworkflowKey, known)
		b.subworkflow()
	case "foreach":
		known = append(known[:len(known):len(known)], "concurrency", "job_concurrency", "loop_params", "params", "ranges", "jobs", "dag")
		b.common(b.loopKey, known)
		b.loop()
	case "while":
		known = append(known[:len(known):len(known)], "condition", "loop_params", "params", "jobs", "dag")
		b.common(b.loopKey, known)
		b.loop()
	}
	j.step.set("params", m.Pos, b.params.n)
	return j
}

var commonKeys = []string{"id", "name", "description", "failure_mode", "tags", "timeout", "transition"}

// jobBuilder converts the keys of one job.
type jobBuilder struct {
	*converter
	job    *job
	n      *doc.Node
	params object

	typ, typeVersion   *doc.Member // job
	child, version     *doc.Member // subworkflow
	loopParams, ranges *doc.Member // foreach, while
	jobs, dag          *doc.Node
}

// common converts the keys that all kinds have, offers the others to own, and makes params of what is left.
func (b *jobBuilder) common(own func(m *doc.Member, path string) bool, known []string) {
	declared := b.declared()
	for i := range b.n.Members {
		m := &b.n.Members[i]
		at := join(b.job.path, m.Name)
		switch m.Name {
		case "id", "name", "description", "failure_mode":
			if m.Value.Kind != doc.Null {
				b.job.step.set(m.Name, m.Pos, m.Value)
			}
		case "tags":
			if m.Value.Kind != doc.Null {
				b.tags(b.job.step, m, at)
			}
		case "timeout":
			if m.Value.Kind != doc.Null {
				b.duration(b.job.step, m, at)
			}
		case "transition":
			if m.Value.Kind == doc.Null {
				break
			}
			b.job.rows = m.Value
		case "job_params", "workflow_params":
			b.errorAt(m, at, "`%s` is not supported: write params as keys of their own", m.Name)
		default:
			if !own(m, at) {
				b.warnKey(b.n, m, at, known)
				b.param(b.params, m, at, declared)
			}
		}
	}
}

func (b *jobBuilder) jobKey(m *doc.Member, _ string) bool {
	switch m.Name {
	case "type":
		b.typ = m
	case "type_version":
		b.typeVersion = m
	default:
		return false
	}
	return true
}

// jobType finds out what runs the job: a step type, or the step type of a job template.
func (b *jobBuilder) jobType() {
	name, at := "null", b.n
	if b.typ != nil && b.typ.Value.Kind != doc.Null {
		at = b.typ.Value
		s, ok := b.scalar(at, b.job.path+".type")
		if !ok {
			return
		}
		if t := b.o.Types.Find(s); t != nil {
			b.job.step.set("type", b.typ.Pos, text(at, string(t.Name)))
			return
		}
		name = s
	}
	version := "default"
	if b.typeVersion != nil && b.typeVersion.Value.Kind != doc.Null {
		s, ok := b.scalar(b.typeVersion.Value, b.job.path+".type_version")
		if !ok {
			return
		}
		version = s
	}
	if b.o.Template != nil && name != "null" {
		if t, ok := b.o.Template(name, version); ok {
			b.job.step.set("type", b.typ.Pos, text(at, string(t)))
			b.job.step.set("sub_type", b.typ.Pos, text(at, name))
			if b.typeVersion != nil && b.typeVersion.Value.Kind != doc.Null {
				b.job.step.set("sub_type_version", b.typeVersion.Pos, text(b.typeVersion.Value, version))
			}
			return
		}
	}
	b.job.broken = true
	b.p.Errorf(at, b.job.path+".type", "cannot find step type for job id: [%s] with job type: [%s]", b.job.id, name)
}

func (b *jobBuilder) subworkflowKey(m *doc.Member, _ string) bool {
	switch m.Name {
	case "workflow_id", "subworkflow_id":
		b.child = m
	case "version", "subworkflow_version":
		b.version = m
	case "sync", "explicit_params":
		if m.Value.Kind != doc.Null {
			b.job.step.set(m.Name, m.Pos, m.Value)
		}
	default:
		return false
	}
	return true
}

// subworkflow sets the params that say which workflow is started. Without a workflow id it is the job id.
func (b *jobBuilder) subworkflow() {
	if b.child != nil && b.child.Value.Kind != doc.Null {
		if s, ok := b.scalar(b.child.Value, join(b.job.path, b.child.Name)); ok {
			b.params.set("subworkflow_id", b.child.Pos, literal(b.child.Value, "STRING", text(b.child.Value, s)).n)
		}
	} else if !b.params.has("subworkflow_id") { // it may be there as an expression
		b.params.set("subworkflow_id", b.n.Pos, literal(b.n, "STRING", text(b.n, b.job.id)).n)
	}
	if b.version != nil && b.version.Value.Kind != doc.Null {
		if s, ok := b.scalar(b.version.Value, join(b.job.path, b.version.Name)); ok {
			b.params.set("subworkflow_version", b.version.Pos, literal(b.version.Value, "STRING", text(b.version.Value, s)).n)
		}
	}
}

func (b *jobBuilder) loopKey(m *doc.Member, _ string) bool {
	foreach := b.job.node.Field("foreach") != nil
	switch {
	case m.Name == "loop_params" || m.Name == "params":
		b.loopParams = m
	case m.Name == "jobs":
		b.jobs = m.Value
	case m.Name == "dag":
		b.dag = m.Value
	case foreach && m.Name == "ranges":
		b.ranges = m
	case foreach && (m.Name == "concurrency" || m.Name == "job_concurrency"):
		if m.Value.Kind != doc.Null {
			b.job.step.set("concurrency", m.Pos, m.Value)
		}
	case !foreach && m.Name == "condition":
		if m.Value.Kind != doc.Null {
			b.job.step.set("condition", m.Pos, m.Value)
		}
	default:
		return false
	}
	return true
}

// loop sets the loop params, first those with values, then the ranges, and converts the jobs inside.
func (b *jobBuilder) loop() {
	entries := newObject(b.n)
	given := false
	if m := b.loopParams; m != nil && m.Value.Kind != doc.Null {
		given = true
		at := b.job.path + "." + m.Name
		entries.n.Pos = m.Value.Pos
		if m.Value.Kind != doc.Object {
			b.p.Errorf(m.Value, at, "must be a mapping from name to value, not %s", kindOf(m.Value))
		}
		for i := range m.Value.Members {
			e := &m.Value.Members[i]
			b.param(entries, e, join(at, e.Name), nil)
		}
	}
	if m := b.ranges; m != nil && m.Value.Kind != doc.Null {
		given = true
		b.rangeParams(entries, m)
	}
	if given {
		b.params.set("loop_params", entries.n.Pos, literal(entries.n, "MAP", entries.n).n)
	}
	if b.jobs != nil && b.jobs.Kind != doc.Null {
		b.job.step.set("steps", b.jobs.Pos, b.converter.jobs(b.jobs, b.dag, b.job.path))
	}
}

// rangeParams adds a LONG_ARRAY for each range: from (0) up to, not including, to, by increment (1).
func (b *jobBuilder) rangeParams(entries object, m *doc.Member) {
	at := b.job.path + ".ranges"
	if m.Value.Kind != doc.Object {
		b.p.Errorf(m.Value, at, "must be a mapping from name to range, not %s", kindOf(m.Value))
		return
	}
	for i := range m.Value.Members {
		r := &m.Value.Members[i]
		path := join(at, r.Name)
		if r.Value.Kind != doc.Object {
			b.p.Errorf(r.Value, path, "must be a mapping with to, and from and increment if need be; not %s", kindOf(r.Value))
			continue
		}
		bounds := map[string]int64{"from": 0, "increment": 1}
		ok := true
		for j := range r.Value.Members {
			f := &r.Value.Members[j]
			switch f.Name {
			case "from", "to", "increment":
				n, err := strconv.ParseInt(f.Value.Text, 10, 64)
				if err != nil {
					b.p.Errorf(f.Value, path+"."+f.Name, "must be an integer")
					ok = false
				}
				bounds[f.Name] = n
			default:
				b.errorAt(f, path, "unknown field `%s`%s; a range has from, to and increment", f.Name, doc.Suggest(f.Name, []string{"from", "to", "increment"}))
				ok = false
			}
		}
		if _, has := bounds["to"]; !has && ok {
			b.p.Errorf(r.Value, path, "needs `to`: where the range ends, itself not included")
			ok = false
		}
		if ok {
			def := newObject(r.Value)
			def.set("expression", r.Pos, text(r.Value, fmt.Sprintf("Util.intsBetween(%d, %d, %d);", bounds["from"], bounds["to"], bounds["increment"])))
			def.set("type", r.Pos, text(r.Value, "LONG_ARRAY"))
			entries.set(r.Name, r.Pos, def.n)
		}
	}
}
