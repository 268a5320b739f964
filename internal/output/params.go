package output

import (
	"slices"
	"strconv"
	"strings"

	"maestro/internal/doc"
	"maestro/param"
)

// Params reads the params of OutputData. Each is a param, whose result and time may be left out, or a plain value, which
// has the type that declared gives its name, or else the one it looks like. Values without a time of their own were
// computed at a time in epoch milliseconds. All that is returned have a result, and a time.
func Params(n *doc.Node, declared *param.Params, at int64, p *doc.Problems) *param.Params {
	if n.IsNull() {
		return nil
	}
	if n.Kind != doc.Object {
		p.Errorf(n, "params", "must be an object, not %s", n.Kind)
		return nil
	}
	return values(n, true, declared, at, p)
}

// values reads the members of an object as params. Only in OutputData may they be whole ones.
func values(n *doc.Node, whole bool, declared *param.Params, at int64, p *doc.Problems) *param.Params {
	if len(n.Members) > maxParams {
		p.Errorf(n, "params", "are more than the %d that output data may have", maxParams)
		return nil
	}
	r := reading{at: at, p: p, path: []string{"params"}}
	all := &doc.Node{Kind: doc.Object, Pos: n.Pos}
	for _, m := range n.Members {
		r.enter(m.Name)
		full := m.Value
		if !whole || !isParam(full) {
			full = r.plain(m.Value, definition(declared, m.Name))
		}
		if full = r.completed(full); full != nil {
			all.Members = append(all.Members, doc.Member{Name: m.Name, Pos: m.Pos, Value: full})
		}
		r.leave()
	}
	var found doc.Problems
	params := param.DecodeParams(all, "params", &found, param.DecodeOptions{Lenient: true, AnyName: true})
	for i, problem := range found.List {
		problem.Path = strings.TrimSuffix(strings.TrimSuffix(problem.Path, ".value"), ".evaluated_result")
		again := func(q doc.Problem) bool { return q.Pos == problem.Pos && q.Message == problem.Message }
		if !slices.ContainsFunc(found.List[:i], again) { // what is value and result is decoded twice
			p.Add(problem)
		}
	}
	for i := range params.Len() {
		if one := params.Ref(i); one.Time == 0 { // which is no time
			one.Time = at
		}
	}
	return params
}

func definition(declared *param.Params, name string) *param.Def {
	if declared == nil {
		return nil
	}
	if p := declared.Lookup(name); p != nil {
		return p.Def
	}
	return nil
}

// isParam tells a param from an object that is a plain value.
func isParam(n *doc.Node) bool {
	t := n.Field("type")
	if t == nil || t.Kind != doc.String {
		return false
	}
	_, ok := param.ParseType(t.Text)
	return ok && (n.Field("value") != nil || n.Field("evaluated_result") != nil || n.Field("expression") != nil)
}

// reading completes params, and notes where that cannot be done.
type reading struct {
	at   int64
	p    *doc.Problems
	path []string // to where it is
}

func (r *reading) enter(name string) { r.path = append(r.path, "["+name+"]") }
func (r *reading) leave()            { r.path = r.path[:len(r.path)-1] }

func (r *reading) errorf(n *doc.Node, format string, args ...any) {
	const most, longest = 20, 100
	path := r.path[0]
	for _, name := range r.path[1:min(len(r.path), most)] {
		path += name[:min(len(name), longest)]
	}
	r.p.Errorf(n, strings.ToValidUTF8(path, ""), format, args...)
}

// completed adds to a param what a job may leave out: a result that is the value, and the time. It is nil where there is
// neither, and for nil.
func (r *reading) completed(n *doc.Node) *doc.Node {
	if n == nil {
		return nil
	}
	result := r.result(n)
	if result == nil {
		return nil
	}
	at := n.Field("evaluated_time")
	if at.IsNull() {
		at = &doc.Node{Kind: doc.Number, Text: strconv.FormatInt(r.at, 10)}
	}
	out := &doc.Node{Kind: doc.Object, Pos: n.Pos}
	for _, m := range n.Members {
		if m.Name != "evaluated_result" && m.Name != "evaluated_time" {
			out.Members = append(out.Members, m)
		}
	}
	out.Members = append(out.Members, doc.Member{Name: "evaluated_result", Value: result}, doc.Member{Name: "evaluated_time", Value: at})
	return out
}

// result returns the result of a param: that of its value where it has none of its own.
func (r *reading) result(n *doc.Node) *doc.Node {
	if own := n.Field("evaluated_result"); !own.IsNull() {
		return own
	}
	value := n.Field("value")
	if value.IsNull() {
		r.errorf(n, "has neither value nor evaluated_result")
		return nil
	}
	if t, _ := param.ParseType(n.Field("type").Text); t != param.Map || value.Kind != doc.Object {
		return value
	}
	out := &doc.Node{Kind: doc.Object, Pos: value.Pos}
	for _, m := range value.Members {
		if !isParam(m.Value) {
			continue // without a value, which is no mistake, or no param, which the decoder tells
		}
		r.enter(m.Name)
		if m.Value = r.result(m.Value); m.Value != nil {
			out.Members = append(out.Members, m)
		}
		r.leave()
	}
	return out
}

// plain makes a param of a plain value. It is nil where that is none.
func (r *reading) plain(n *doc.Node, declared *param.Def) *doc.Node {
	if n.IsNull() {
		r.errorf(n, "is null, which is no value")
		return nil
	}
	t := looks(n)
	if declared != nil && declared.Type != param.None {
		t = declared.Type
	}
	value := n
	if t == param.Map && n.Kind == doc.Object {
		var entries *param.Defs
		if declared != nil {
			entries = declared.Value.Defs()
		}
		value = &doc.Node{Kind: doc.Object, Pos: n.Pos}
		for _, m := range n.Members {
			r.enter(m.Name)
			if m.Value = r.plain(m.Value, entries.Get(m.Name)); m.Value != nil {
				value.Members = append(value.Members, m)
			}
			r.leave()
		}
	}
	return &doc.Node{Kind: doc.Object, Pos: n.Pos, Members: []doc.Member{
		{Name: "type", Value: &doc.Node{Kind: doc.String, Text: t.String(), Pos: n.Pos}},
		{Name: "value", Value: value},
	}}
}

// looks returns the type that a plain value looks like. A list of values of several types is one of texts, except that
// numbers of which some have a fraction all are doubles.
func looks(n *doc.Node) param.Type {
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
		var booleans, longs, doubles int
		for _, item := range n.Items {
			switch looks(item) {
			case param.Boolean:
				booleans++
			case param.Long:
				longs++
			case param.Double:
				doubles++
			}
		}
		switch len(n.Items) {
		case 0:
			return param.StringArray
		case booleans:
			return param.BooleanArray
		case longs:
			return param.LongArray
		case longs + doubles:
			return param.DoubleArray
		}
		return param.StringArray
	}
	return param.String
}
