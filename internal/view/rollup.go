package view

import (
	"strconv"

	"maestro/internal/doc"
	"maestro/internal/instance"
)

// Rollup counts the leaves below a run by status (spec/engine 19): its own plain steps, and those of all runs that its
// loops and subworkflows launched.
type Rollup struct {
	Leaves int64
	counts []rollupCount // in order of status
}

// rollupCount is the leaves of one status.
type rollupCount struct {
	status instance.StepStatus
	n      int64
	refs   []rollupRef
}

// rollupRef names leaves of one run number of one workflow: key is "workflow:run", each attempt "instance:step:attempt".
type rollupRef struct {
	key      string
	attempts []string
}

// at returns the count of a status, made if need be.
func (r *Rollup) at(s instance.StepStatus) *rollupCount {
	i := 0
	for i < len(r.counts) && r.counts[i].status < s {
		i++
	}
	if i == len(r.counts) || r.counts[i].status != s {
		r.counts = append(r.counts, rollupCount{})
		copy(r.counts[i+1:], r.counts[i:])
		r.counts[i] = rollupCount{status: s}
	}
	return &r.counts[i]
}

// Leaf counts one leaf. Statuses that people look for also keep its name.
func (r *Rollup) Leaf(s instance.StepStatus, workflow string, inst, run int64, step string, attempt int64) {
	r.Leaves++
	c := r.at(s)
	c.n++
	if s.Referenced() {
		c.refer(workflow+":"+strconv.FormatInt(run, 10),
			strconv.FormatInt(inst, 10)+":"+step+":"+strconv.FormatInt(attempt, 10))
	}
}

func (c *rollupCount) refer(key string, attempts ...string) {
	for i := range c.refs {
		if c.refs[i].key == key {
			c.refs[i].attempts = append(c.refs[i].attempts, attempts...)
			return
		}
	}
	c.refs = append(c.refs, rollupRef{key: key, attempts: append([]string(nil), attempts...)})
}

// Add counts everything that o counts. o stays as it is.
func (r *Rollup) Add(o *Rollup) {
	if o == nil {
		return
	}
	r.Leaves += o.Leaves
	for i := range o.counts {
		from := &o.counts[i]
		c := r.at(from.status)
		c.n += from.n
		for j := range from.refs {
			c.refer(from.refs[j].key, from.refs[j].attempts...)
		}
	}
}

// AppendJSON appends the rollup; a count of nothing has no overview.
func (r *Rollup) AppendJSON(dst []byte) []byte {
	o := doc.Open(dst)
	o.Int("total_leaf_count", r.Leaves)
	if len(r.counts) > 0 {
		o.Key("overview")
		by := doc.Open(o.Out)
		for i := range r.counts {
			c := &r.counts[i]
			by.Key(c.status.String())
			one := doc.Open(by.Out)
			one.Int("cnt", c.n)
			if len(c.refs) > 0 {
				one.Key("ref")
				refs := doc.Open(one.Out)
				for j := range c.refs {
					refs.Name(c.refs[j].key)
					refs.Out = doc.AppendTexts(refs.Out, c.refs[j].attempts)
				}
				one.Out = refs.Close()
			}
			by.Out = one.Close()
		}
		o.Out = by.Close()
	}
	return o.Close()
}

// ParseRollup reads what AppendJSON wrote, from artifacts of loops and subworkflows. A status may also be a bare count.
// It returns nil when n is no rollup.
func ParseRollup(n *doc.Node) *Rollup {
	if n == nil || n.Kind != doc.Object {
		return nil
	}
	r := &Rollup{Leaves: number(n.Field("total_leaf_count"))}
	overview := n.Field("overview")
	if overview.IsNull() {
		return r
	}
	for i := range overview.Members {
		m := &overview.Members[i]
		s, ok := instance.ParseStepStatus(m.Name)
		if !ok {
			continue
		}
		c := r.at(s)
		if m.Value.Kind == doc.Number {
			c.n = number(m.Value)
			continue
		}
		c.n = number(m.Value.Field("cnt"))
		if refs := m.Value.Field("ref"); !refs.IsNull() {
			for j := range refs.Members {
				ref := rollupRef{key: refs.Members[j].Name}
				for _, item := range refs.Members[j].Value.Items {
					ref.attempts = append(ref.attempts, item.Text)
				}
				c.refs = append(c.refs, ref)
			}
		}
	}
	return r
}

func number(n *doc.Node) int64 {
	if n == nil || n.Kind != doc.Number {
		return 0
	}
	v, _ := strconv.ParseInt(n.Text, 10, 64)
	return v
}

// ofArtifacts returns what the artifact of a loop or subworkflow step says about the leaves below it, or nil: then the
// step itself is a leaf.
func ofArtifacts(artifacts map[string][]byte) *Rollup {
	if a := parsed(artifacts["maestro_foreach"]); a != nil {
		overview := a.Field("foreach_overview")
		if number(overview.Field("checkpoint")) == 0 {
			return nil
		}
		r := new(Rollup)
		r.Add(ParseRollup(overview.Field("rollup")))
		r.Add(ParseRollup(overview.Field("running_rollup")))
		return r
	}
	if a := parsed(artifacts["maestro_while"]); a != nil {
		last := a.Field("last_overview")
		if last.IsNull() && number(a.Field("last_iteration")) == 0 {
			return nil
		}
		r := new(Rollup)
		r.Add(ParseRollup(a.Field("rollup")))
		r.Add(ParseRollup(last.Field("rollup_overview")))
		return r
	}
	if a := parsed(artifacts["maestro_subworkflow"]); a != nil {
		return ParseRollup(a.Field("subworkflow_overview").Field("rollup_overview"))
	}
	return nil
}
