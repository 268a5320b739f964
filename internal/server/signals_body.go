package server

import (
	"math/big"
	"net/http"
	"strconv"

	"maestro/internal/doc"
	"maestro/internal/signal"
	"maestro/spec"
)

// decode reads an announcement (spec/signals-triggers 1.1): an open object, whose members besides the known ones are the
// payload.
func (a *Signals) decode(w http.ResponseWriter, r *http.Request) (*signal.Announcement, error) {
	b, err := parseBody(w, r)
	if err != nil {
		return nil, err
	}
	q := &signal.Announcement{Name: b.text("name")}
	if err := spec.ValidateName(q.Name, a.rules); err != nil {
		b.invalid.Errorf(b.n, "name", "%s", err)
	}
	q.Params = b.signalParams("params")
	if n := b.field("request_id"); n != nil {
		if n.Kind != doc.String && n.Kind != doc.Number {
			b.read.Errorf(n, "request_id", "must be a string, not a %s", n.Kind)
		}
		q.ID = n.Text
	}
	q.Requested = b.integer("request_time")
	q.Payload = b.payload()
	return q, b.err()
}

// signalParams reads an object of texts and numbers. A number is cut to an integer.
func (b *body) signalParams(name string) signal.Params {
	n := b.field(name)
	if n == nil {
		return nil
	}
	if n.Kind != doc.Object {
		b.read.Errorf(n, name, "must be an object, not a %s", n.Kind)
		return nil
	}
	out := make(signal.Params, 0, len(n.Members))
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Value.Kind {
		case doc.String:
			out = append(out, signal.Param{Name: m.Name, Value: signal.Text(m.Value.Text)})
		case doc.Number:
			v, ok := truncated(m.Value.Text)
			if !ok {
				b.read.Errorf(m.Value, name+"."+m.Name, "must be a 64-bit integer")
			}
			out = append(out, signal.Param{Name: m.Name, Value: signal.Long(v)})
		default:
			b.read.Errorf(m.Value, name+"."+m.Name, "must be a string or a number, not a %s", m.Value.Kind)
		}
	}
	return out
}

// truncated returns a JSON number without its fraction; false when it does not fit.
func truncated(text string) (int64, bool) {
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return v, true
	}
	if f, err := strconv.ParseFloat(text, 64); err != nil || f < -1e19 || f > 1e19 {
		return 0, false // before an exponent makes the exact number a large one
	}
	if f, _ := strconv.ParseFloat(text, 64); -1 < f && f < 1 {
		return 0, true
	}
	f, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, false
	}
	whole := new(big.Int).Quo(f.Num(), f.Denom())
	return whole.Int64(), whole.IsInt64()
}

// payload gathers the members of a literal payload and those that are nothing else, which win.
func (b *body) payload() []byte {
	literal := b.field("payload")
	if literal != nil && literal.Kind != doc.Object {
		b.read.Errorf(literal, "payload", "must be an object, not a %s", literal.Kind)
		return nil
	}
	own := make(map[string]bool, len(b.known))
	for _, name := range b.known {
		own[name] = true
	}
	var out []byte
	put := func(name string, v *doc.Node) {
		sep := byte(',')
		if out == nil {
			sep = '{'
		}
		out = doc.AppendNode(append(doc.AppendString(append(out, sep), name), ':'), v)
	}
	if literal != nil {
		for i := range literal.Members {
			if m := &literal.Members[i]; own[m.Name] || b.n.Field(m.Name) == nil {
				put(m.Name, m.Value)
			}
		}
	}
	for i := range b.n.Members {
		if m := &b.n.Members[i]; !own[m.Name] {
			b.known = append(b.known, m.Name)
			put(m.Name, m.Value)
		}
	}
	if out != nil {
		out = append(out, '}')
	}
	return out
}
