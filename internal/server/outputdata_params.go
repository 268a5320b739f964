package server

import (
	"strconv"
	"strings"

	"maestro/internal/catalog"
	"maestro/internal/doc"
	"maestro/param"
)

// reportedParams returns params that a job reported as JSON in full. A plain value stands for a param of the type it
// looks like, which is converted to the declared one when it is merged; a param may lack its result, which then is its
// value, and the time of that.
func reportedParams(n *doc.Node, now int64) ([]byte, error) {
	full := &doc.Node{Kind: doc.Object, Pos: n.Pos}
	var problems doc.Problems
	for _, m := range n.Members {
		switch {
		case m.Value.IsNull():
			problems.Errorf(m.Value, "params["+m.Name+"]", "is null, which is no value")
			continue
		case typedParam(m.Value):
			m.Value = withResult(m.Value, now)
		default:
			m.Value = withResult(plainParam(m.Value), now)
		}
		full.Members = append(full.Members, m)
	}
	params := param.DecodeParams(full, "params", &problems, param.DecodeOptions{Lenient: true, AnyName: true})
	if problems.Failed() {
		return nil, catalog.Malformed(&doc.InvalidError{Problems: problems.List})
	}
	for name, p := range params.All() {
		if !p.Evaluated {
			problems.Errorf(n.Field(name), "params["+name+"]", "has neither value nor evaluated_result")
		}
	}
	if problems.Failed() {
		return nil, catalog.Malformed(&doc.InvalidError{Problems: problems.List})
	}
	return params.AppendJSON(nil), nil
}

// typedParam reports whether n is a param rather than a plain object.
func typedParam(n *doc.Node) bool {
	t := n.Field("type")
	if t == nil || t.Kind != doc.String {
		return false
	}
	_, ok := param.ParseType(t.Text)
	return ok && (n.Field("value") != nil || n.Field("evaluated_result") != nil || n.Field("expression") != nil)
}

// withResult adds result and time to a param that lacks them.
func withResult(n *doc.Node, now int64) *doc.Node {
	result := n.Field("evaluated_result")
	if result == nil && n.Field("value") != nil {
		result = plainValue(n)
	}
	if result == nil {
		return n
	}
	out := &doc.Node{Kind: doc.Object, Pos: n.Pos}
	at := &doc.Node{Kind: doc.Number, Text: strconv.FormatInt(now, 10)}
	for _, m := range n.Members {
		switch m.Name {
		case "evaluated_result":
		case "evaluated_time":
			if !m.Value.IsNull() && m.Value.Text != "0" {
				at = m.Value
			}
		default:
			out.Members = append(out.Members, m)
		}
	}
	out.Members = append(out.Members, doc.Member{Name: "evaluated_result", Value: result}, doc.Member{Name: "evaluated_time", Value: at})
	return out
}

// plainParam returns the param that a plain value stands for.
func plainParam(n *doc.Node) *doc.Node {
	t, value := looks(n), n
	if t == param.Map {
		value = &doc.Node{Kind: doc.Object, Pos: n.Pos}
		for _, m := range n.Members {
			m.Value = plainParam(m.Value)
			value.Members = append(value.Members, m)
		}
	}
	return &doc.Node{Kind: doc.Object, Pos: n.Pos, Members: []doc.Member{
		{Name: "type", Value: &doc.Node{Kind: doc.String, Text: t.String(), Pos: n.Pos}}, {Name: "value", Value: value},
	}}
}

// plainValue returns the plain value that a param with a literal has.
func plainValue(n *doc.Node) *doc.Node {
	value := n.Field("value")
	if t, _ := param.ParseType(n.Field("type").Text); t != param.Map || value.Kind != doc.Object {
		return value
	}
	out := &doc.Node{Kind: doc.Object, Pos: value.Pos}
	for _, m := range value.Members {
		if typedParam(m.Value) {
			m.Value = plainValue(m.Value)
			out.Members = append(out.Members, m)
		}
	}
	return out
}

// looks returns the type that a plain value has.
func looks(n *doc.Node) param.Type {
	all := func(like func(param.Type) bool) bool {
		for _, item := range n.Items {
			if !like(looks(item)) {
				return false
			}
		}
		return len(n.Items) > 0
	}
	switch n.Kind {
	case doc.Bool:
		return param.Boolean
	case doc.Number:
		if strings.ContainsAny(n.Text, ".eE") {
			return param.Double
		}
		return param.Long
	case doc.Object:
		return param.Map
	case doc.List:
		switch {
		case all(func(t param.Type) bool { return t == param.Boolean }):
			return param.BooleanArray
		case all(func(t param.Type) bool { return t == param.Long }):
			return param.LongArray
		case all(func(t param.Type) bool { return t == param.Long || t == param.Double }):
			return param.DoubleArray
		}
		return param.StringArray
	}
	return param.String
}
