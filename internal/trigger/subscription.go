package trigger

import (
	"encoding/json"
	"fmt"
	"strings"

	"maestro/internal/doc"
	"maestro/internal/signal"
	"maestro/internal/store"
	"maestro/param"
	"maestro/spec"
)

// subscription is a trigger that is in effect: it waits for its signals. Its definition never changes; checkpoints belong
// to the matcher.
type subscription struct {
	workflow  string
	uuid      string
	at        int64 // when it was made; a trigger that is subscribed again is another subscription
	order     int   // of the trigger among those of its workflow, when it was made
	signals   []wanted
	params    *param.Defs
	condition *string
	dedup     *string

	checkpoints []int64 // by signal: the highest number used (spec 5.2)
	fresh       bool    // instances above the checkpoints may have come before it was in effect
	handles     []signal.Handle
	gone        bool // guarded by Signals.mu
}

// wanted is one signal of a trigger.
type wanted struct {
	name  string
	match signal.Matches
	never bool // a match without a value, which nothing satisfies
	joins []string
}

// place is where a signal stands in a subscription.
type place struct {
	sub *subscription
	n   int
}

// The collections of the store.
const (
	kindTrigger    = "signal_trigger"    // workflow, trigger, time: a subscription
	kindCheckpoint = "signal_checkpoint" // the same key: its checkpoints, once they have moved
	kindFire       = "signal_fire"       // workflow, number: an execution
)

func (s *subscription) key() string {
	return workflowPrefix(s.workflow) + s.uuid + signal.Sep + string(signal.AppendNumber(nil, uint64(s.at)))
}

func workflowPrefix(id string) string { return signal.Escape(id) + signal.Sep }

func newSubscription(workflow, uuid string, at int64, t *spec.SignalTrigger) *subscription {
	s := &subscription{workflow: workflow, uuid: uuid, at: at, params: t.Params, checkpoints: make([]int64, len(t.Definitions))}
	if t.Condition.Set {
		s.condition = &t.Condition.Value
	}
	if t.DedupExpr.Set {
		s.dedup = &t.DedupExpr.Value
	}
	for i := range t.Definitions {
		d := &t.Definitions[i]
		w := wanted{name: d.Signal, joins: d.JoinKeys}
		for _, m := range d.Match {
			op, _ := signal.ParseOp(string(m.Operator))
			v := signal.Text(m.Value.Text)
			if m.Value.IsLong {
				v = signal.Long(m.Value.Long)
			}
			w.never = w.never || !m.Value.IsLong && !m.Value.IsText
			w.match = append(w.match, signal.Match{Param: m.Param, Op: op, Value: v})
		}
		s.signals = append(s.signals, w)
	}
	return s
}

// row is a subscription as it is stored. Checkpoints are those that it began with.
type row struct {
	Workflow  string          `json:"workflow_id"`
	UUID      string          `json:"trigger_uuid"`
	At        int64           `json:"at"`
	Order     int             `json:"order,omitempty"`
	Signals   []rowSignal     `json:"signals"`
	Params    json.RawMessage `json:"params,omitempty"`
	Condition *string         `json:"condition,omitempty"`
	Dedup     *string         `json:"dedup_expr,omitempty"`
}

type rowSignal struct {
	Match      json.RawMessage `json:"match"` // one dependency, as package signal writes it
	Never      bool            `json:"never,omitempty"`
	Joins      []string        `json:"join_keys,omitempty"`
	Checkpoint int64           `json:"checkpoint,omitempty"`
}

func (s *subscription) record() store.Record {
	r := row{Workflow: s.workflow, UUID: s.uuid, At: s.at, Order: s.order, Condition: s.condition, Dedup: s.dedup, Signals: []rowSignal{}}
	if s.params.Len() > 0 {
		r.Params = s.params.AppendJSON(nil)
	}
	for i, w := range s.signals {
		match := signal.AppendDependencies(nil, []signal.Dependency{{Name: w.name, Match: w.match}})
		r.Signals = append(r.Signals, rowSignal{Match: match, Never: w.never, Joins: w.joins, Checkpoint: s.checkpoints[i]})
	}
	data, _ := json.Marshal(r) // texts, numbers and raw JSON: cannot fail
	return store.Record{Kind: kindTrigger, Key: s.key(), Value: data}
}

// checkpointRecord holds where the subscription stands now.
func (s *subscription) checkpointRecord() store.Record {
	data, _ := json.Marshal(s.checkpoints)
	return store.Record{Kind: kindCheckpoint, Key: s.key(), Value: data}
}

// goneRecords delete the subscription.
func (s *subscription) goneRecords() []store.Record {
	return []store.Record{{Kind: kindTrigger, Key: s.key()}, {Kind: kindCheckpoint, Key: s.key()}}
}

// decodeSubscription reads a stored subscription.
func decodeSubscription(data []byte) (*subscription, error) {
	var r row
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("stored trigger cannot be read: %w", err)
	}
	s := &subscription{workflow: r.Workflow, uuid: r.UUID, at: r.At, order: r.Order, condition: r.Condition, dedup: r.Dedup}
	for _, rs := range r.Signals {
		deps, err := signal.DecodeDependencies(rs.Match)
		if err != nil || len(deps) != 1 {
			return nil, fmt.Errorf("stored trigger of workflow %q cannot be read: %w", r.Workflow, err)
		}
		s.signals = append(s.signals, wanted{name: deps[0].Name, match: deps[0].Match, never: rs.Never, joins: rs.Joins})
		s.checkpoints = append(s.checkpoints, rs.Checkpoint)
	}
	if len(r.Params) > 0 {
		n, err := doc.ParseJSON(r.Params, doc.Limits{})
		if err != nil {
			return nil, fmt.Errorf("params of a trigger of workflow %q: %w", r.Workflow, err)
		}
		var p doc.Problems
		s.params = param.DecodeDefs(n, "params", &p, param.DecodeOptions{AnyName: true})
		if err := p.Err(); err != nil {
			return nil, fmt.Errorf("params of a trigger of workflow %q: %w", r.Workflow, err)
		}
	}
	return s, nil
}

// restore puts stored checkpoints in.
func (s *subscription) restore(data []byte) {
	var list []int64
	if json.Unmarshal(data, &list) == nil && len(list) == len(s.checkpoints) {
		for i, n := range list {
			s.checkpoints[i] = max(s.checkpoints[i], n)
		}
	}
}

// text tells which trigger it is, in logs.
func (s *subscription) text() string {
	names := make([]string, len(s.signals))
	for i := range s.signals {
		names[i] = s.signals[i].name
	}
	return s.workflow + " on " + strings.Join(names, ", ")
}
