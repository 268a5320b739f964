package server

import (
	"math"
	"strconv"

	"maestro/api"
	"maestro/internal/doc"
)

// tagPermit is the limit of a tag, with whatever else a client said of it.
type tagPermit struct {
	tag      string
	allowed  int64
	timeline []*doc.Node // newest last
	extras   []doc.Member
}

// permitLines is how many changes are remembered.
const permitLines = 32

// decodePermit reads what a client sends. As in the reference, a number may be text, a fraction is cut off, and no number
// is 0.
func decodePermit(n *doc.Node) (*tagPermit, error) {
	if n.Kind != doc.Object {
		return nil, api.Errorf(api.BadRequest, "JSON parse error: a tag permit is an object, not %s", n.Kind)
	}
	t := &tagPermit{}
	tag := n.Field("tag")
	if tag.IsNull() {
		const text = "tag cannot be null"
		return nil, &api.Error{Code: api.BadRequest, Message: "Validation failure: " + text, Errors: []string{text}}
	}
	if tag.Kind == doc.Object || tag.Kind == doc.List {
		return nil, api.Errorf(api.BadRequest, "JSON parse error: tag must be a string, not %s", tag.Kind)
	}
	t.tag = tag.Text
	var err error
	if t.allowed, err = permitLimit(n.Field("max_allowed")); err != nil {
		return nil, err
	}
	for _, m := range n.Members {
		if m.Name != "tag" && m.Name != "max_allowed" && m.Name != "timeline" {
			t.extras = append(t.extras, m)
		}
	}
	return t, nil
}

func permitLimit(n *doc.Node) (int64, error) {
	if n.IsNull() {
		return 0, nil
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	whole := n.Kind == doc.Number
	if n.Kind == doc.String {
		var i int64
		i, err = strconv.ParseInt(n.Text, 10, 64)
		f, whole = float64(i), true
	}
	switch {
	case err != nil || !whole || f > math.MaxInt32 || f < math.MinInt32:
		return 0, api.Errorf(api.BadRequest, "JSON parse error: max_allowed must be a number from 0 to %d, not %s", math.MaxInt32, doc.AppendNode(nil, n))
	case f <= -1:
		const text = "max_allowed must be greater than or equal to 0"
		return 0, &api.Error{Code: api.BadRequest, Message: "Validation failure: " + text, Errors: []string{text}}
	}
	return int64(f), nil
}

// storedPermit reads what appendJSON wrote.
func storedPermit(text []byte) (*tagPermit, error) {
	n, err := doc.ParseJSON(text, doc.Limits{})
	if err != nil {
		return nil, err
	}
	t, err := decodePermit(n)
	if err == nil && n.Field("timeline") != nil {
		t.timeline = n.Field("timeline").Items
	}
	return t, err
}

// note adds a line to the timeline, and drops the oldest where there are too many.
func (t *tagPermit) note(at int64, message string) {
	line, err := doc.ParseJSON(appendLog(nil, at, message), doc.Limits{})
	if err != nil {
		return // not JSON of ours then; nothing rests on it
	}
	t.timeline = append(t.timeline, line)
	t.timeline = t.timeline[max(0, len(t.timeline)-permitLines):]
}

func (t *tagPermit) appendJSON(dst []byte) []byte {
	o := doc.Open(dst)
	o.Text("tag", t.tag)
	o.Int("max_allowed", t.allowed)
	o.Key("timeline")
	o.Out = append(o.Out, '[')
	for i, line := range t.timeline {
		if i > 0 {
			o.Out = append(o.Out, ',')
		}
		o.Out = doc.AppendNode(o.Out, line)
	}
	o.Out = append(o.Out, ']')
	for _, m := range t.extras {
		o.Name(m.Name)
		o.Out = doc.AppendNode(o.Out, m.Value)
	}
	return o.Close()
}
