package trigger

import (
	"context"
	"strconv"

	"maestro/internal/doc"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/meter"
	"maestro/internal/scope"
	"maestro/internal/signal"
	"maestro/internal/uuid"
	"maestro/param"
)

// request evaluates a trigger that is complete (spec 5.5) and returns the start of its run, or nil when it starts nothing:
// its params cannot be evaluated, or its condition does not hold. The instances are used up all the same.
func (s *Signals) request(ctx context.Context, sub *subscription, x *execution) (*engine.StartRequest, error) {
	w := &world{s: s, instances: make(map[string]*signal.Instance, len(x.Signals))}
	ids := make(map[string]int64, len(x.Signals))
	for _, n := range x.Signals {
		i, err := s.cfg.Board.Instance(ctx, n.Name, n.Seq)
		if err != nil {
			return nil, err
		}
		w.instances[n.Name], ids[n.Name] = i, n.Seq
	}
	now := s.cfg.Now()
	budget := s.cfg.Exprs.Meter() // of the whole trigger
	where := "signal trigger of workflow [" + sub.workflow + "]"
	params := &param.Params{}
	for name, d := range sub.params.All() {
		p, err := s.cfg.Exprs.Trigger(budget, name, d, w, where, now)
		if err != nil {
			s.cfg.Log.Info("signal trigger starts nothing, since a param cannot be evaluated", "trigger", sub.text(), "param", name, "error", err)
			return nil, nil
		}
		params.Set(name, p)
	}
	w.params = params
	if sub.condition != nil {
		p, err := s.cfg.Exprs.Trigger(budget, "condition", param.Expression(param.Boolean, *sub.condition), w, where, now)
		if err != nil || !p.Result.Boolean() {
			s.cfg.Log.Debug("signal trigger starts nothing, since its condition does not hold", "trigger", sub.text(), "error", err)
			return nil, nil
		}
	}
	return &engine.StartRequest{
		WorkflowID: sub.workflow, Version: "active", RequestID: s.requestID(budget, sub, x, w, where, now), PersistFailed: true,
		Initiator: engine.Initiator{
			Type: instance.InitiatorSignal, JSON: initiator(sub.uuid, x, params),
			Signal: &engine.SignalInitiator{TriggerUUID: sub.uuid, SignalIDs: ids, Params: params},
		},
	}, nil
}

// requestID is made of what dedup_expr yields or, where there is none or it fails, of what is executed: the same text
// starts one run of the workflow only.
func (s *Signals) requestID(budget *meter.Meter, sub *subscription, x *execution, w *world, where string, now int64) string {
	if sub.dedup != nil {
		p, err := s.cfg.Exprs.Trigger(budget, "dedup_expr", param.Expression(param.String, *sub.dedup), w, where, now)
		if err == nil {
			return uuid.Format(uuid.OfText([]byte(p.Result.Str())))
		}
		s.cfg.Log.Info("dedup_expr of a signal trigger counts as absent, since it fails", "trigger", sub.text(), "error", err)
	}
	text := doc.AppendString([]byte(`{"workflow_id":`), x.Workflow)
	text = doc.AppendString(append(text, `,"trigger_uuid":`...), x.UUID)
	text = appendIDs(append(text, `,"signal_ids":`...), x.Signals)
	if sub.condition != nil {
		text = doc.AppendString(append(text, `,"condition":`...), *sub.condition)
	}
	if sub.dedup != nil {
		text = doc.AppendString(append(text, `,"dedup_expr":`...), *sub.dedup)
	}
	return uuid.Format(uuid.OfText(append(text, '}')))
}

func appendIDs(dst []byte, list []named) []byte {
	dst = append(dst, '{')
	for _, n := range list {
		dst = strconv.AppendInt(doc.AppendName(dst, n.Name), n.Seq, 10)
	}
	return append(dst, '}')
}

// initiator returns the initiator as it is shown.
func initiator(uuid string, x *execution, params *param.Params) []byte {
	dst := doc.AppendString([]byte(`{"trigger_uuid":`), uuid)
	dst = appendIDs(append(dst, `,"depth":0,"type":"SIGNAL","signal_id_map":`...), x.Signals)
	return append(params.AppendJSON(append(dst, `,"params":`...)), '}')
}

// world is what the expressions of a trigger may ask: the params of the signals that completed it and, once they are
// evaluated, the trigger's own.
type world struct {
	s         *Signals
	instances map[string]*signal.Instance
	params    *param.Params
}

var _ scope.World = (*world)(nil)

func (w *world) Signal(name, p string) (param.Value, error) {
	if name == "" {
		if v := w.params.Lookup(p); v != nil && v.Evaluated {
			return v.Result, nil
		}
	} else if i := w.instances[name]; i != nil {
		if v, ok := i.Params.Get(p); ok && v.IsLong {
			return param.LongValue(v.Long), nil
		} else if ok {
			return param.StringValue(v.Text), nil
		}
	}
	return param.Value{}, param.Errorf(param.Internal, "the trigger has no signal [%s] with a param [%s]", name, p)
}

var errNoRun = param.Errorf(param.Internal, "not available to signal triggers: there is no run yet")

func (*world) FinishedStep(string) (scope.FinishedStep, bool)    { return scope.FinishedStep{}, false }
func (*world) SignalDependency(int, string) (param.Value, error) { return param.Value{}, errNoRun }
func (*world) Foreach(_, _, _ string) ([]param.Value, error)     { return nil, errNoRun }
func (*world) Subworkflow(_, _, _ string) (param.Value, error)   { return param.Value{}, errNoRun }
func (w *world) NextUniqueID() (int64, error)                    { return w.s.cfg.UniqueID(), nil }
func (w *world) Random() uint64                                  { return w.s.cfg.Random() }
func (w *world) Cancelled() bool                                 { return w.s.ctx.Err() != nil }
