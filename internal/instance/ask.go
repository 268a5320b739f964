package instance

import (
	"maestro/internal/doc"
	"maestro/param"
	"maestro/spec"
)

// Ask is a question whose answer the run cannot know, since it is about state that runs share or that belongs to another
// run. The owner answers it with one event, in the pass in which it was asked and before the commit where that is
// possible. A question that cannot be answered now (the store is down) delays its step: the owner answers later, and a
// run that is loaded again asks again. Asking twice and answering twice are harmless: an answer that nothing waits for
// is ErrStale.
type Ask interface{ ask() }

type (
	// AskBreakpoint asks whether a breakpoint is set at the step. The answer is BreakpointFound.
	AskBreakpoint struct {
		Step    int
		Attempt int64
	}

	// AskPermits asks for the permits that limit how many steps run at once. The answer is Permitted, now or as soon as
	// they are free. Held says that the attempt had them before its run was loaded: it is given them whatever the limits
	// are now, and waits for no answer.
	AskPermits struct {
		Step    int
		Attempt int64
		Held    bool
	}

	// AskTemplate asks for what the step's job template gives it. The answer is TemplateFound.
	AskTemplate struct {
		Step    int
		Attempt int64
		Version string
	}

	// AskNumbers asks for the sequence numbers of the signals that a finishing attempt announces. The owner writes the
	// signals in the transaction of the answer's records. The answer is Numbered.
	AskNumbers struct {
		Step    int
		Attempt int64
		Signals []byte // JSON, as Language.Signals gives them
	}

	// AskKept asks for the steps of earlier runs of the instance that this run does not run again and that expressions may
	// refer to. The answer is KeptFound. No step moves before it.
	AskKept struct{ Runs []int64 }
)

func (AskBreakpoint) ask() {}
func (AskPermits) ask()    {}
func (AskTemplate) ask()   {}
func (AskNumbers) ask()    {}
func (AskKept) ask()       {}

// Template is what a job template contributes to a step (spec/definition 14). It is immutable and shared.
type Template struct {
	Params *param.Defs
	Tags   spec.Tags
}

// The answers.
type (
	// BreakpointFound answers AskBreakpoint.
	BreakpointFound struct {
		At      int64
		Step    int
		Attempt int64
		Set     bool
	}

	// Permitted answers AskPermits: the attempt holds its permits.
	Permitted struct {
		At      int64
		Step    int
		Attempt int64
	}

	// TemplateFound answers AskTemplate. A template that cannot be used fails the step.
	TemplateFound struct {
		At       int64
		Step     int
		Attempt  int64
		Template *Template // not nil unless Err is set; empty where the step's type has no template
		Err      error
	}

	// Numbered answers AskNumbers.
	Numbered struct {
		At      int64
		Step    int
		Attempt int64
		Signals []byte // JSON: the signals with what became of each
	}

	// KeptFound answers AskKept.
	KeptFound struct {
		At   int64
		Kept map[string]*Kept // by step id
	}
)

func (BreakpointFound) event() {}
func (Permitted) event()       {}
func (TemplateFound) event()   {}
func (Numbered) event()        {}
func (KeptFound) event()       {}

func (r *Run) ask(a Ask) { r.pass.Asks = append(r.pass.Asks, a) }

// waitsIn returns a step whose attempt waits for an answer in a status.
func (r *Run) waitsIn(step int, attempt int64, status StepStatus) (*Step, error) {
	s, err := r.latest(step, attempt)
	if err != nil {
		return nil, err
	}
	if s.Status != status {
		return nil, ErrStale
	}
	return s, nil
}

func (r *Run) breakpointFound(e BreakpointFound) error {
	if _, err := r.waitsIn(e.Step, e.Attempt, Initialized); err != nil {
		return err
	}
	if e.Set {
		r.to(e.Step, StepPaused, e.At)
		return nil
	}
	r.to(e.Step, WaitingForSignals, e.At)
	r.push(e.Step)
	return nil
}

func (r *Run) permitted(e Permitted) error {
	if _, err := r.waitsIn(e.Step, e.Attempt, WaitingForPermits); err != nil {
		return err
	}
	r.to(e.Step, Starting, e.At)
	r.push(e.Step)
	return nil
}

// lacksTemplate reports whether the attempt's job template must be asked for before it is used.
func (r *Run) lacksTemplate(step int) bool {
	return r.Plan.Nodes[step].Step.SubType.Set && r.Steps[step].template == nil
}

func (r *Run) askTemplate(step int) {
	r.ask(AskTemplate{Step: step, Attempt: r.Steps[step].Number, Version: TemplateVersion(r.Plan.Nodes[step].Step, r.Params)})
}

// TemplateVersion returns which version of its job template a step uses. params are the evaluated params of its run, nil
// where they are not known.
func TemplateVersion(s *spec.Step, params *param.Params) string {
	text := ""
	if p := params.Lookup("job_template_version"); p != nil && p.Evaluated && p.Def.Type == param.String {
		text = p.Result.Str()
	}
	return s.TemplateVersion(text)
}

func (r *Run) templateFound(e TemplateFound) error {
	s, err := r.latest(e.Step, e.Attempt)
	if err != nil {
		return err
	}
	if s.Status.Terminal() || !r.lacksTemplate(e.Step) {
		return ErrStale
	}
	if e.Err != nil {
		if s.Status != StepCreated && s.Status != EvaluatingParams {
			return ErrStale
		}
		r.fail(e.Step, e.Err, e.At)
		return nil
	}
	if tags := e.Template.Tags.AppendJSON(nil); string(tags) != string(s.Tags.AppendJSON(nil)) {
		r.record(Record{Kind: KindStepTags, Step: e.Step, At: e.At, Data: tags})
	}
	s.template = e.Template
	r.push(e.Step)
	return nil
}

// StepTags returns the tags of a step: its own, and those that its job template gave an attempt.
func (r *Run) StepTags(step int, a *Attempt) spec.Tags {
	own := r.Plan.Nodes[step].Step.Tags
	if len(a.Tags) == 0 {
		return own
	}
	return append(append(spec.Tags(nil), own...), a.Tags...)
}

func decodeTags(data []byte) (tags spec.Tags) {
	n, err := doc.ParseJSON(data, doc.Limits{})
	if err != nil {
		return nil
	}
	var p doc.Problems
	for _, item := range n.Items {
		tags = append(tags, spec.DecodeTag(item, spec.Rules{}, &p))
	}
	return tags
}

// StepTemplate returns what the step's job template gives its latest attempt, nil where it has none.
func (r *Run) StepTemplate(step int) *Template { return r.Steps[step].template }

func (r *Run) numbered(e Numbered) error {
	s, err := r.waitsIn(e.Step, e.Attempt, Finishing)
	if err != nil {
		return err
	}
	if s.Sent != nil {
		return ErrStale
	}
	r.record(Record{Kind: KindStepSent, Step: e.Step, At: e.At, Data: e.Signals})
	r.to(e.Step, Succeeded, e.At)
	r.push(e.Step)
	return nil
}

// lacksKept reports whether the kept steps of earlier runs must be asked for before a step moves, and of which runs.
func (r *Run) lacksKept() (runs []int64, lacks bool) {
	if r.Kept != nil || r.Header.Baseline == nil || r.Policy() == RestartFromBeginning {
		return nil, false
	}
	base := r.Header.Baseline
	seen := make(map[int64]bool)
	for i := range r.Plan.Workflow.Steps { // in order, so that the question is always the same
		id := string(r.Plan.Workflow.Steps[i].ID)
		v := base.Steps[id]
		if _, again := r.Plan.Ordinal(id); again || v.Run == 0 || seen[v.Run] {
			continue
		}
		seen[v.Run] = true
		runs = append(runs, v.Run)
	}
	if len(runs) == 0 {
		r.Kept = map[string]*Kept{}
	}
	return runs, len(runs) > 0
}

func (r *Run) keptFound(e KeptFound) error {
	if r.Own.Terminal() || r.Kept != nil {
		return ErrStale
	}
	r.Kept = e.Kept
	if r.Kept == nil {
		r.Kept = map[string]*Kept{}
	}
	return nil
}
