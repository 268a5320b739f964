package server

import (
	"net/http"
	"strings"

	"maestro/internal/doc"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/param"
)

// start starts a run (spec/api 5.1).
func (a *Runs) start(w http.ResponseWriter, r *http.Request) error {
	user, err := caller(r)
	if err != nil {
		return err
	}
	b, err := parseBody(w, r)
	if err != nil {
		return err
	}
	q := engine.StartRequest{WorkflowID: r.PathValue("id"), Version: r.PathValue("version")}
	initiator := b.field("initiator")
	q.Requested = b.integer("request_time")
	q.RequestID = b.requestID()
	q.RuntimeTags = b.tags("runtime_tags")
	q.RunParams = b.params("run_params")
	q.Artifacts = b.artifacts("artifacts")
	q.PersistFailed = b.boolean("persist_failed_run")
	if b.required("initiator", initiator) {
		if q.Initiator, err = b.initiator(initiator, user); err != nil {
			return err
		}
	}
	if err := b.err(); err != nil {
		return err
	}
	started, err := a.cfg.Starter.Start(r.Context(), q)
	if err != nil {
		return err
	}
	if started.Status == engine.Duplicated { // its reply names no run (spec/api 5.1)
		started.Instance, started.Run = 0, 0
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte { return appendStarted(dst, &started) })
}

// restart makes a new run of an instance that has ended (spec/api 5.4).
func (a *Runs) restart(w http.ResponseWriter, r *http.Request) error {
	user, err := caller(r)
	if err != nil {
		return err
	}
	p, err := pathRun(r)
	if err != nil {
		return err
	}
	b, err := parseBody(w, r)
	if err != nil {
		return err
	}
	q := engine.RestartRequest{WorkflowID: p.workflow, Instance: p.instance, User: user}
	q.Policy = b.oneOf("restart_policy", true, restartPolicies...)
	q.RunParams = b.params("run_params")
	q.RequestID = b.requestID()
	q.Requested = b.integer("request_time")
	if err := b.err(); err != nil {
		return err
	}
	if p.instance < 1 {
		return noRun(p.workflow, p.instance, 0)
	}
	started, err := a.cfg.Starter.Restart(r.Context(), q)
	if err != nil {
		return err
	}
	if started.Status == engine.Duplicated { // its reply names no run (spec/api 5.1)
		started.Run = 0
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte { return appendStarted(dst, &started) })
}

// restartPolicies are those that users may ask for.
var restartPolicies = []string{instance.RestartFromIncomplete, instance.RestartFromBeginning}

// initiator reads who starts a run. The user of a manual start is the caller, whatever the body says.
func (b *body) initiator(n *doc.Node, user string) (engine.Initiator, error) {
	if n.Kind != doc.Object {
		b.read.Errorf(n, "initiator", "must be an object, not a %s", n.Kind)
		return engine.Initiator{}, nil
	}
	in := &body{n: n}
	kind := strings.ToUpper(in.text("type"))
	var out engine.Initiator
	switch kind {
	case instance.InitiatorManual:
		in.field("user")
		in.field("depth")
		out = engine.Initiator{Type: kind, User: user, JSON: instance.ManualInitiator(user)}
	case instance.InitiatorTime:
		out = in.timed()
	case instance.InitiatorSignal:
		out = in.signalled()
	case instance.InitiatorSubworkflow, instance.InitiatorForeach, instance.InitiatorWhile, instance.InitiatorTemplate:
		return out, errUpstream(kind)
	default:
		kinds := []string{instance.InitiatorManual, instance.InitiatorTime, instance.InitiatorSignal}
		b.read.Errorf(n, "initiator.type", "must be one of %s%s", strings.Join(kinds, ", "), doc.Suggest(kind, kinds))
		return out, nil
	}
	in.merge(b, "initiator")
	return out, nil
}

// merge adds what is wrong with an object inside a body to what is wrong with the body.
func (b *body) merge(into *body, path string) {
	_ = b.err() // finds the unknown fields
	for _, from := range [...]struct{ list, to *doc.Problems }{{&b.read, &into.read}, {&b.invalid, &into.invalid}} {
		for _, p := range from.list.List {
			if p.Path != "" {
				p.Path = path + "." + p.Path
			} else {
				p.Path = path
			}
			from.to.List = append(from.to.List, p)
		}
	}
}

// timed reads the initiator of a time trigger.
func (b *body) timed() engine.Initiator {
	uuid, at, zone := b.field("trigger_uuid"), b.field("trigger_time"), b.field("timezone")
	b.field("depth")
	b.required("trigger_uuid", uuid)
	b.required("trigger_time", at)
	b.required("timezone", zone)
	t := &engine.TimeInitiator{TriggerUUID: b.text("trigger_uuid"), TriggerTime: b.integer("trigger_time"), Timezone: b.text("timezone")}
	o := doc.Open(nil)
	o.Text("trigger_uuid", t.TriggerUUID)
	o.Int("trigger_time", t.TriggerTime)
	o.Text("timezone", t.Timezone)
	o.Int("depth", 0)
	o.Text("type", instance.InitiatorTime)
	return engine.Initiator{Type: instance.InitiatorTime, JSON: o.Close(), Time: t}
}

// signalled reads the initiator of a signal trigger.
func (b *body) signalled() engine.Initiator {
	b.required("trigger_uuid", b.field("trigger_uuid"))
	b.field("depth")
	s := &engine.SignalInitiator{TriggerUUID: b.text("trigger_uuid"), SignalIDs: make(map[string]int64)}
	o := doc.Open(nil)
	o.Text("trigger_uuid", s.TriggerUUID)
	o.Int("depth", 0)
	o.Text("type", instance.InitiatorSignal)
	if ids := b.field("signal_id_map"); ids != nil {
		if ids.Kind != doc.Object {
			b.read.Errorf(ids, "signal_id_map", "must be an object, not a %s", ids.Kind)
		}
		in := &body{n: ids}
		for i := range ids.Members {
			s.SignalIDs[ids.Members[i].Name] = in.integer(ids.Members[i].Name)
		}
		in.merge(b, "signal_id_map")
		o.Key("signal_id_map")
		o.Out = doc.AppendNode(o.Out, ids)
	}
	if n := b.field("params"); n != nil {
		s.Params = param.DecodeParams(n, "params", &b.read, param.DecodeOptions{AnyName: true})
		o.Key("params")
		o.Out = s.Params.AppendJSON(o.Out)
	}
	return engine.Initiator{Type: instance.InitiatorSignal, JSON: o.Close(), Signal: s}
}
