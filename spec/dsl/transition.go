package dsl

import (
	"strings"

	"maestro/internal/doc"
)

// row is one row of a transition (§15.4): id, IF condition THEN id, or OTHERWISE id.
type row struct {
	id        string
	condition string // of an IF
	otherwise bool
}

// parseRow reads a row that has no white space around it. The id is its last word; a condition is all that stands between
// the words around it.
func parseRow(s string) (r row, ok bool) {
	before, id := lastWord(s)
	if before == "" {
		return row{id: id}, true
	}
	if strings.EqualFold(before, "otherwise") {
		return row{id: id, otherwise: true}, true
	}
	before, then := lastWord(before)
	if len(before) <= len("if") || !strings.EqualFold(then, "then") || !strings.EqualFold(before[:len("if")], "if") {
		return row{}, false
	}
	condition := strings.TrimLeft(before[len("if"):], space)
	return row{id: id, condition: condition}, len(condition) < len(before)-len("if")
}

// space is what words stand between.
const space = "\t\n\f\r "

// lastWord returns the last word of s, which does not end in white space, and what stands before it.
func lastWord(s string) (before, word string) {
	at := strings.LastIndexAny(s, space) + 1
	return strings.TrimRight(s[:at], space), s[at:]
}

// transition converts the rows of a job to successors; nil without rows.
func (c *converter) transition(j *job) *doc.Node {
	if j.rows == nil {
		return nil
	}
	path := j.path + ".transition"
	if j.rows.Kind != doc.List {
		c.p.Errorf(j.rows, path, "must be a list of job ids, not %s", kindOf(j.rows))
		return nil
	}
	successors := newObject(j.rows)
	var conditions []string
	for i, item := range j.rows.Items {
		s, ok := c.scalar(item, path)
		if !ok {
			continue
		}
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		r, ok := parseRow(s)
		switch {
		case !ok:
			c.p.Errorf(item, path, "Invalid transition: [%s]. Expected formats: 'job_id', 'IF condition THEN job_id', or 'OTHERWISE job_id'", s)
		case r.otherwise:
			if i != len(j.rows.Items)-1 {
				c.p.Errorf(item, path, "'OTHERWISE' must be the last row in the transition list: [%s]", show(j.rows))
				return nil
			}
			successors.set(r.id, item.Pos, text(item, otherwise(conditions)))
		case r.condition != "":
			conditions = append(conditions, "("+r.condition+")")
			successors.set(r.id, item.Pos, text(item, r.condition))
		default:
			successors.set(r.id, item.Pos, text(item, "true"))
		}
	}
	t := newObject(j.rows)
	t.set("successors", j.rows.Pos, successors.n)
	return t.n
}

// otherwise is the condition that holds when none of the others does. Rows without condition do not count.
func otherwise(conditions []string) string {
	if len(conditions) == 0 {
		return "true"
	}
	return "!(" + strings.Join(conditions, " || ") + ")"
}

// dag gives rows to jobs that have none of their own (§15.5).
func (c *converter) dag(dag *doc.Node, jobs []*job, path string) {
	if dag.IsNull() {
		return
	}
	switch dag.Kind {
	case doc.String:
		c.dagOrder(dag, jobs, path)
	case doc.Object:
		byID := make(map[string]*job, len(jobs))
		for _, j := range jobs {
			byID[j.id] = j
		}
		for i := range dag.Members {
			m := &dag.Members[i]
			j, ok := byID[m.Name]
			if !ok {
				c.errorAt(m, path, "DAG transition refers to an unknown job id: [%s]", m.Name)
				continue
			}
			if j.rows == nil && m.Value.Kind != doc.Null {
				j.rows = m.Value
			}
		}
	default:
		c.p.Errorf(dag, path, "must be sequential, parallel, or a mapping from job id to transition; not %s", kindOf(dag))
	}
}

func (c *converter) dagOrder(dag *doc.Node, jobs []*job, path string) {
	switch strings.ToLower(dag.Text) {
	case "parallel":
	case "sequential":
		for i, j := range jobs {
			if j.rows == nil && i+1 < len(jobs) {
				next := text(dag, jobs[i+1].id)
				j.rows = &doc.Node{Kind: doc.List, Pos: dag.Pos, Items: []*doc.Node{next}}
			}
		}
	default:
		c.p.Errorf(dag, path, "Invalid DAG order: %s. Supported orders are SEQUENTIAL and PARALLEL.", dag.Text)
	}
}
