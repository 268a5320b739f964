package spec

import (
	"fmt"
	"strings"

	"maestro/internal/doc"
)

// Validate checks a decoded push request (§12.3) and adds everything that is wrong with it to p. Paths and texts are
// those of the reference where clients can see them. src is the tree that the request was decoded from; with it every
// problem has its place in the text. It may be nil.
//
// The dry run (§13), which needs param evaluation, and what depends on the state of the server are not part of it.
func (r *PushRequest) Validate(src *doc.Node, rules Rules, p *doc.Problems) {
	v := newValidator(src, rules, p)
	if n := len(r.AppendJSON(nil)); n > v.rules.MaxBytes {
		v.errorf("workflow create request is too large: %d bytes of JSON, more than the limit %d", n, v.rules.MaxBytes)
		return // what is in it is not looked at: that could take as long as it is large
	}
	if r.Properties != nil {
		v.field("properties")
		v.properties(r.Properties)
		v.up()
	}
	v.field("workflow")
	if r.Workflow == nil {
		if src.Field("workflow").IsNull() {
			v.errorf("[workflow definition] cannot be null")
		}
	} else {
		v.workflow(r.Workflow)
	}
	v.up()
}

// ValidatePush checks what only a push refuses, not the validate endpoint (§12, step 5): extras that are named like
// fields of the metadata, and tags of properties.
func (r *PushRequest) ValidatePush(src *doc.Node, p *doc.Problems) {
	v := newValidator(src, Rules{}, p)
	for _, e := range r.Extra {
		if isMetadataField(e.Name) {
			v.field(e.Name)
			v.at[0].kind = hopKey // for its position; the message has the name
			pos := v.at.find(src)
			v.up()
			p.Errorf(&doc.Node{Pos: pos}, "", "extra info [%s] cannot contain any reserved keys [%s]", e.Name, join(metadataFields[:]))
		}
	}
	if r.Properties != nil && len(r.Properties.Tags) > 0 {
		id := WorkflowID("")
		if r.Workflow != nil {
			id = r.Workflow.ID
		}
		v.field("properties")
		v.field("tags")
		pos := v.at.find(src)
		p.Errorf(&doc.Node{Pos: pos}, "", "Cannot set workflow property tags (also known as dynamic tags) for workflow [%s]. "+
			"Please use addWorkflowTag endpoint for that.", id)
	}
}

// Validate is Validate of a push request for the workflow alone. src is its own tree.
func (w *Workflow) Validate(src *doc.Node, rules Rules, p *doc.Problems) {
	v := newValidator(src, rules, p)
	v.at = append(v.at, hop{name: "workflow", kind: hopBean})
	v.workflow(w)
}

// Validate checks properties by themselves. src is their own tree.
func (r *Properties) Validate(src *doc.Node, rules Rules, p *doc.Problems) {
	v := newValidator(src, rules, p)
	v.bean("properties")
	v.properties(r)
}

// validator walks values and reports which rules they break. It knows its place, so that a position in the text is
// looked up for a problem only.
type validator struct {
	cursor
	rules Rules
	p     *doc.Problems
	root  *doc.Node
}

func newValidator(root *doc.Node, r Rules, p *doc.Problems) *validator {
	return &validator{cursor: cursor{at: make(place, 0, 16)}, rules: r.orDefaults(), p: p, root: root}
}

func (v *validator) errorf(format string, args ...any) {
	v.problem(doc.Error, len(v.at), format, args...)
}

func (v *validator) warnf(format string, args ...any) {
	v.problem(doc.Warning, len(v.at), format, args...)
}

// doubt is how bad it is when the reference accepts what cannot work: a warning, or an error of strict rules.
func (v *validator) doubt() doc.Severity {
	if v.rules.Strict {
		return doc.Error
	}
	return doc.Warning
}

func (v *validator) doubtf(format string, args ...any) {
	v.problem(v.doubt(), len(v.at), format, args...)
}

// errorOf reports msg, if there is one, about a field of the present object.
func (v *validator) errorOf(field, msg string) {
	if msg == "" {
		return
	}
	v.field(field)
	v.errorf("%s", msg)
	v.up()
}

// problem reports something at the place of the cursor, but with the path of its first depth hops only: the reference
// reports some problems for a list as a whole (§12.3).
func (v *validator) problem(sev doc.Severity, depth int, format string, args ...any) {
	if v.p.Full(sev) {
		return // before the cost of a path
	}
	v.p.Add(doc.Problem{Severity: sev, Path: v.at[:depth].String(), Pos: v.at.find(v.root), Message: fmt.Sprintf(format, args...)})
}

// element is problem for element i of the list that the cursor stands on.
func (v *validator) element(sev doc.Severity, depth, i int, format string, args ...any) {
	v.enter(i)
	v.problem(sev, depth, format, args...)
	v.leave()
}

// enter and leave go into an element of the list that the cursor stands on, and into its wrapper object if it has one.
func (v *validator) enter(i int) { v.index(i); v.wrapper() }
func (v *validator) leave()      { v.at = v.at[:len(v.at)-2] }

func (v *validator) name(name string) {
	if msg := v.rules.nameProblem(name); msg != "" {
		v.field("name")
		v.errorf("%s", msg)
		v.up()
	}
}

// tags checks the names of a tag list whose field the cursor stands on.
func (v *validator) tags(tags Tags) {
	v.bean("tags")
	for i := range tags {
		v.index(i)
		v.name(tags[i].Name)
		v.up()
	}
	v.up()
}

func (v *validator) description(text Opt[string]) {
	if length(text.Value) > v.rules.Description {
		v.errorOf("description", fmt.Sprintf("size must be between 0 and %d", v.rules.Description))
	}
}

// timeout checks a timeout (§5.1). One that depends on params is looked at when it is known.
func (v *validator) timeout(field string, l ParsableLong) {
	if !l.IsSet() || l.Dynamic() {
		return
	}
	if _, err := l.Timeout(nil, v.rules.MaxTimeout); err != nil {
		v.errorOf(field, err.Error())
		return
	}
	v.field(field)
	v.durationText(l)
	v.up()
}

// durationText reports a duration text that has a value, but hardly the one that its author thinks of.
func (v *validator) durationText(l ParsableLong) {
	if _, _, isNumber, _ := l.resolve(nil); isNumber || l.Dynamic() {
		return
	}
	switch d, note := parseDuration(l.text); note {
	case durationMistaken:
		v.errorf("%q would be read as %s: signs, fractions and units other than d, h, min, s and ms are not supported", clip(l.text), d)
	case durationLoose:
		v.warnf("%q is read as %s; parts of it are ignored", clip(l.text), d)
	}
}

func (v *validator) properties(p *Properties) {
	v.description(p.Description)
	if n := p.StepConcurrency; n.Set && (n.Value < 1 || n.Value > int64(v.rules.MaxConcurrency)) {
		v.errorOf("step_concurrency", fmt.Sprintf("[workflow properties] step_concurrency should be positive and no greater than %d - rejected value is [%d]", v.rules.MaxConcurrency, n.Value))
	}
	if s := p.RunStrategy; s != nil && (s.Concurrency < 1 || s.Concurrency > int64(v.rules.MaxConcurrency)) {
		v.field("run_strategy")
		v.errorOf("workflow_concurrency", fmt.Sprintf("[workflow properties run_strategy] workflow_concurrency should be positive and no greater than %d - rejected value is [%d]", v.rules.MaxConcurrency, s.Concurrency))
		v.up()
	}
	if p.Alerting != nil && p.Alerting.TCT != nil {
		v.field("alerting")
		v.errorOf("tct", p.Alerting.TCT.problem())
		v.up()
	}
	if len(p.Tags) > 0 {
		v.field("tags")
		v.tags(p.Tags)
		v.up()
	}
}

// problem says why t is no target completion time, or nothing (§3.3).
func (t *TCT) problem() string {
	set := 0
	show := func(o Opt[int64]) string {
		if !o.Set {
			return "null"
		}
		set++
		return fmt.Sprint(o.Value)
	}
	duration, hour, ts := show(t.DurationMinutes), show(t.CompletedByHour), show(t.CompletedByTS)
	if set == 1 {
		return ""
	}
	return fmt.Sprintf("[TCT definition] is invalid, one and only one time field has to be set: Tct(durationMinutes=%s, completedByHour=%s, completedByTs=%s, tz=%s)",
		duration, hour, ts, t.TZ.Or("null"))
}

func (v *validator) workflow(w *Workflow) {
	v.errorOf("id", v.rules.idProblem(string(w.ID)))
	v.errorOf("name", v.rules.displayProblem(w.Name.Value))
	v.description(w.Description)
	v.field("tags")
	v.tags(w.Tags)
	v.up()
	v.timeout("timeout", w.Timeout)
	v.timeTriggers(w.TimeTriggers)
	v.signalTriggers(w.SignalTriggers)
	if n := w.InstanceStepConcurrency; n.Set && (n.Value < 1 || n.Value >= int64(v.rules.MaxInstanceConcurrency)) {
		v.errorOf("instance_step_concurrency", fmt.Sprintf("[workflow definitions] instance_step_concurrency should be positive and less than %d - rejected value is [%d]", v.rules.MaxInstanceConcurrency, n.Value))
	}
	v.field("params")
	v.defs(w.Params)
	v.up()
	v.field("steps")
	v.structure(w)
	v.steps(w.Steps)
	v.up()
}

// quoteIDs formats ids the way the reference prints a list: [a, b].
func quoteIDs(ids []StepID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = string(id)
	}
	return "[" + strings.Join(words, ", ") + "]"
}
