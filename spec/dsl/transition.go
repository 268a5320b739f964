package dsl

import (
	"regexp"
	"strings"

	"maestro/internal/doc"
)

// The rows of a transition (§15.4). A condition is as short as it can be, but the id must end the row.
var (
	ifRow        = regexp.MustCompile(`(?is)^if\s+(.+?)\s+then\s+(\S+)$`)
	otherwiseRow = regexp.MustCompile(`(?i)^otherwise\s+(\S+)$`)
	plainRow     = regexp.MustCompile(`^\S+$`)
)

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
	for i, row := range j.rows.Items {
		s, ok := c.scalar(row, path)
		if !ok {
			continue
		}
		s = strings.TrimSpace(s)
		switch {
		case s == "":
		case plainRow.MatchString(s):
			successors.set(s, row.Pos, text(row, "true"))
		case otherwiseRow.MatchString(s):
			if i != len(j.rows.Items)-1 {
				c.p.Errorf(row, path, "'OTHERWISE' must be the last row in the transition list: [%s]", show(j.rows))
				return nil
			}
			successors.set(otherwiseRow.FindStringSubmatch(s)[1], row.Pos, text(row, otherwise(conditions)))
		case ifRow.MatchString(s):
			m := ifRow.FindStringSubmatch(s)
			conditions = append(conditions, "("+m[1]+")")
			successors.set(m[2], row.Pos, text(row, m[1]))
		default:
			c.p.Errorf(row, path, "Invalid transition: [%s]. Expected formats: 'job_id', 'IF condition THEN job_id', or 'OTHERWISE job_id'", s)
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
