package spec

import (
	"maestro/internal/doc"
)

// RunStrategy says how runs of one workflow share time (§3.1).
type RunStrategy struct {
	Rule        Rule
	Concurrency int64 // runs at a time; 1 unless the rule is PARALLEL
}

// DefaultConcurrency is how many runs a PARALLEL workflow has at a time, and how many steps, when it does not say.
const DefaultConcurrency = 20

// DefaultRunStrategy is the strategy of a workflow that names none.
func DefaultRunStrategy() RunStrategy { return RunStrategy{Rule: Sequential, Concurrency: 1} }

// AppendJSON appends the strategy as an object.
func (s *RunStrategy) AppendJSON(dst []byte) []byte {
	dst = doc.AppendText(append(dst, '{'), "rule", string(s.Rule))
	return append(doc.AppendInt(dst, "workflow_concurrency", s.Concurrency), '}')
}

// strategyForm is the object form of a strategy.
type strategyForm struct {
	rule        Rule
	concurrency Opt[int64]
}

var strategyObject = &object[strategyForm]{
	name: "runStrategyObject", about: "Rule and concurrency.",
	fields: []field[strategyForm]{
		enumField("rule", "How runs of the workflow share time.", rules, func(s *strategyForm) *Rule { return &s.rule }).required(),
		longField("workflow_concurrency", "Runs at a time, 1 to 1000; more than 1 only with PARALLEL, whose default is 20.", func(s *strategyForm) *Opt[int64] { return &s.concurrency }),
	},
}

// strategy reads a run strategy: a rule, a number, or an object.
func (d *decoder) strategy(n *doc.Node) *RunStrategy {
	var form strategyForm
	switch n.Kind {
	case doc.String:
		rule, ok := d.word(n, rules)
		if !ok {
			return nil
		}
		form.rule = Rule(rule)
	case doc.Number:
		v, ok := d.long(n)
		if !ok {
			return nil
		}
		form = strategyForm{rule: Parallel, concurrency: Some(v)}
	case doc.Object:
		strategyObject.read(d, n, &form)
		if form.rule == "" {
			if n.Field("rule").IsNull() {
				d.errorf(n, "needs a `rule`: %s", join(rules.words))
			}
			return nil
		}
	default:
		d.errorf(n, "must be a rule, a number or an object, not %s", describe(n))
		return nil
	}
	s := &RunStrategy{Rule: form.rule, Concurrency: form.concurrency.Or(1)}
	if form.rule == Parallel {
		s.Concurrency = form.concurrency.Or(DefaultConcurrency)
	} else if s.Concurrency > 1 {
		d.errorf(n, "Only PARALLEL run strategy allows a workflow_concurrency greater than 1; %s has %d", s.Rule, s.Concurrency)
	}
	return s
}

func strategyField(at func(*Properties) **RunStrategy) field[Properties] {
	return field[Properties]{name: "run_strategy", about: "How runs of the workflow share time: a rule, a number (PARALLEL with that many runs), or both in an object.",
		shape: ref("runStrategy"),
		read:  func(d *decoder, n *doc.Node, p *Properties) { *at(p) = d.strategy(n) },
		put: func(dst []byte, name string, p *Properties) []byte {
			if s := *at(p); s != nil {
				return s.AppendJSON(doc.AppendKey(dst, name))
			}
			return dst
		}}
}
