package spec

import (
	"errors"
	"fmt"
	"slices"

	"maestro/internal/doc"
)

// allSteps is the depth of the place workflow.steps.
const allSteps = 2

// structure checks what holds for all steps of a workflow together (§12.3). The cursor stands on the list of steps.
func (v *validator) structure(w *Workflow) {
	if n := CountSteps(v.root.Field("workflow").Field("steps")); n > v.rules.MaxSteps && len(w.Steps) == 0 {
		v.tooManySteps(n) // they were not read
		return
	}
	if len(w.Steps) == 0 {
		if n := v.root.Field("workflow").Field("steps"); v.root == nil || n.IsNull() || len(n.Items) == 0 {
			v.errorf("[workflow step definitions] cannot be null or empty")
		}
		return
	}
	count := 0
	Walk(w.Steps, func(*Step, int) bool { count++; return true })
	if count > v.rules.MaxSteps {
		v.tooManySteps(count)
		return
	}
	unique := v.uniqueIDs(w.Steps, make(map[StepID]bool, count))
	v.loopParamNames(w.Steps, make(map[string]bool))
	if unique {
		v.graph(w.Steps, fmt.Sprintf("Invalid workflow definition [%s], where ", w.ID), doc.Error)
	}
}

func (v *validator) tooManySteps(count int) {
	v.errorf("[workflow step list] is too large [%d] and over the size limit [%d]", count, v.rules.MaxSteps)
}

// uniqueIDs reports ids that come twice at any level, and whether there are none.
func (v *validator) uniqueIDs(steps []*Step, seen map[StepID]bool) bool {
	unique := true
	for i, s := range steps {
		if seen[s.ID] && s.ID != "" {
			unique = false
			v.element(doc.Error, allSteps, i, "[workflow step definitions] contain duplicate step ids: [%s]", s.ID)
		}
		seen[s.ID] = true
		if s.Steps != nil {
			v.enter(i)
			v.field("steps")
			unique = v.uniqueIDs(s.Steps, seen) && unique
			v.up()
			v.leave()
		}
	}
	return unique
}

// loopParamNames reports names that come twice on one path of nested loops (§7.4). outer holds the names of the loops
// around the list.
func (v *validator) loopParamNames(steps []*Step, outer map[string]bool) {
	for i, s := range steps {
		if s.Steps == nil {
			continue
		}
		var own []string
		if params := s.LoopParams(); params != nil {
			for name := range params.All() {
				if outer[name] {
					v.element(doc.Error, allSteps, i, "[workflow step definitions] contain duplicate loop param name [%s]", name)
					continue
				}
				outer[name] = true
				own = append(own, name)
			}
		}
		v.enter(i)
		v.field("steps")
		v.loopParamNames(s.Steps, outer)
		v.up()
		v.leave()
		for _, name := range own {
			delete(outer, name)
		}
	}
}

// graph checks the transitions of one list of steps, and of the lists inside of it (§8). Those are not looked at by the
// reference before the loop starts, so they are a doubt only.
func (v *validator) graph(steps []*Step, prefix string, sev doc.Severity) {
	if v.transitions(steps, sev) {
		var cycle *CycleError
		if _, err := BuildDAG(steps, nil, nil); errors.As(err, &cycle) {
			at := slices.IndexFunc(steps, func(s *Step) bool { return s.ID == cycle.Steps[0] })
			v.element(sev, len(v.at), at, "%s%s", prefix, err)
		}
	}
	for i, s := range steps {
		if len(s.Steps) == 0 {
			continue
		}
		v.enter(i)
		v.field("steps")
		v.graph(s.Steps, fmt.Sprintf("Invalid %s step [%s], where ", s.Kind, s.ID), v.doubt())
		v.up()
		v.leave()
	}
}

// transitions reports successors that do not exist and predecessors that do not agree. It returns whether all
// successors exist.
func (v *validator) transitions(steps []*Step, sev doc.Severity) bool {
	preds := make(map[StepID][]StepID, len(steps))
	for _, s := range steps {
		preds[s.ID] = nil
	}
	ok := true
	for i, s := range steps {
		for _, succ := range s.Transition.Successors {
			list, known := preds[succ.Step]
			if !known {
				ok = false
				depth := len(v.at)
				v.enter(i)
				v.field("transition")
				v.field("successors")
				v.key(string(succ.Step))
				v.problem(sev, depth, "[workflow step transition] is invalid for step [%s]'s successor step id [%s], which does not exist in steps%s",
					clipName(string(s.ID)), clipName(string(succ.Step)), v.suggestStep(succ.Step, steps))
				v.at = v.at[:depth]
				continue
			}
			preds[succ.Step] = append(list, s.ID)
		}
	}
	for i, s := range steps {
		stated := s.Transition.Predecessors
		if len(stated) == 0 || sameSet(stated, preds[s.ID]) {
			continue
		}
		computed := "null"
		if list := preds[s.ID]; len(list) > 0 {
			computed = quoteIDs(list)
		}
		v.element(sev, len(v.at), i, "[workflow step transition] is invalid for step [%s]'s predecessors list [%s], which does match computed one [%s] based on the DAG",
			s.ID, quoteIDs(stated), computed)
	}
	return ok
}

// suggestStep guesses which step was meant, as long as guessing is cheap.
func (v *validator) suggestStep(id StepID, steps []*Step) string {
	if len(steps) > 1000 || len(v.p.List) > 50 {
		return ""
	}
	ids := make([]string, len(steps))
	for i, s := range steps {
		ids[i] = string(s.ID)
	}
	return doc.Suggest(string(id), ids)
}

// sameSet reports whether two lists without repetitions hold the same ids.
func sameSet(a, b []StepID) bool {
	if len(a) != len(b) {
		return false
	}
	have := make(map[StepID]bool, len(a))
	for _, id := range a {
		have[id] = true
	}
	for _, id := range b {
		if !have[id] {
			return false
		}
	}
	return true
}
