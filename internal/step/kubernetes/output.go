package kubernetes

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"maestro/internal/doc"
	"maestro/internal/step"
	"maestro/param"
)

// readOutput reads what a job printed between the output tokens: OutputData (spec/runtimes 6.1), in which evaluated_result
// and evaluated_time may be left out, or just an object of plain values, which have the types that the step declares.
func readOutput(text []byte, tooLong bool, declared *param.Params) (*step.Output, error) {
	text = bytes.TrimSpace(text)
	switch {
	case tooLong || len(text) > maxOutput:
		return nil, fmt.Errorf("output data has more than the %d bytes that it may have", maxOutput)
	case len(text) == 0:
		return nil, nil
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		return nil, errors.New("output data is not UTF-8 text")
	}
	root, err := doc.ParseJSON(text, doc.Limits{Depth: 100, Nodes: maxOutput})
	if err != nil {
		return nil, fmt.Errorf("output data is not valid JSON: %w", err)
	}
	if root.Kind != doc.Object {
		return nil, fmt.Errorf("output data must be an object, not %s", root.Kind)
	}
	out := &step.Output{}
	params := root
	full := isFull(root, declared)
	if full {
		params = root.Field("params")
		if out.Artifacts, err = artifacts(root.Field("artifacts")); err != nil {
			return nil, err
		}
	}
	if !params.IsNull() {
		if out.Params, err = outputParams(params, full, declared); err != nil {
			return nil, err
		}
	}
	if out.Params == nil && out.Artifacts == nil {
		return nil, nil
	}
	return out, nil
}

// isFull reports whether an object is OutputData, rather than the values of params that are called so.
func isFull(root *doc.Node, declared *param.Params) bool {
	for _, name := range [...]string{"params", "artifacts"} {
		if f := root.Field(name); f != nil && (f.Kind == doc.Object || f.Kind == doc.Null) && def(declared, name) == nil {
			return true
		}
	}
	return false
}

func def(declared *param.Params, name string) *param.Def {
	if declared == nil {
		return nil
	}
	if p := declared.Lookup(name); p != nil {
		return p.Def
	}
	return nil
}

func artifacts(n *doc.Node) (map[string][]byte, error) {
	if n.IsNull() {
		return nil, nil
	}
	if n.Kind != doc.Object {
		return nil, fmt.Errorf("artifacts of output data must be an object, not %s", n.Kind)
	}
	var out map[string][]byte
	for _, m := range n.Members {
		if m.Value.Kind != doc.Object {
			return nil, fmt.Errorf("artifact %q of output data must be an object, not %s", m.Name, m.Value.Kind)
		}
		if out == nil {
			out = map[string][]byte{}
		}
		if t := m.Value.Field("type"); t != nil && strings.EqualFold(t.Text, "DEFAULT") {
			drop(m.Value, "type") // of free form, which is what an artifact without a type is
		}
		out[m.Name] = doc.AppendNode(nil, m.Value)
	}
	return out, nil
}

// outputParams completes params and checks them against their types.
func outputParams(n *doc.Node, whole bool, declared *param.Params) ([]byte, error) {
	if n.Kind != doc.Object {
		return nil, fmt.Errorf("params of output data must be an object, not %s", n.Kind)
	}
	if len(n.Members) == 0 {
		return nil, nil
	}
	all := &doc.Node{Kind: doc.Object}
	for _, m := range n.Members {
		switch {
		case whole && isParam(m.Value):
			m.Value = completed(m.Value)
		case m.Value.IsNull():
			return nil, fmt.Errorf("param %q of output data is null, which is no value", m.Name)
		default:
			m.Value = completed(plain(m.Value, def(declared, m.Name)))
		}
		all.Members = append(all.Members, m)
	}
	var problems doc.Problems
	params := param.DecodeParams(all, "params", &problems, param.DecodeOptions{Lenient: true, AnyName: true})
	var texts []string
	for _, p := range problems.List { // a plain value is decoded twice, as value and as result
		p.Path = strings.TrimSuffix(strings.TrimSuffix(p.Path, ".value"), ".evaluated_result")
		if text := p.Error(); p.Severity == doc.Error && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	if len(texts) > 0 {
		return nil, errors.New("output data: " + strings.Join(texts, "; "))
	}
	for name, p := range params.All() {
		if !p.Evaluated {
			return nil, fmt.Errorf("param %q of output data has neither value nor evaluated_result", name)
		}
	}
	return params.AppendJSON(nil), nil
}

func isParam(n *doc.Node) bool {
	t := n.Field("type")
	if t == nil || t.Kind != doc.String {
		return false
	}
	_, ok := param.ParseType(t.Text)
	return ok && (n.Field("value") != nil || n.Field("evaluated_result") != nil || n.Field("expression") != nil)
}

// completed adds to a param what a job may leave out: a result, if there is a value, and the time.
func completed(n *doc.Node) *doc.Node {
	out := &doc.Node{Kind: doc.Object, Pos: n.Pos, Members: slices.Clone(n.Members)}
	if value := n.Field("value"); value != nil && n.Field("evaluated_result").IsNull() {
		put(out, "evaluated_result", resultOf(n))
	}
	if t := n.Field("evaluated_time"); t.IsNull() || t.Text == "0" {
		put(out, "evaluated_time", &doc.Node{Kind: doc.Number, Text: strconv.FormatInt(time.Now().UnixMilli(), 10)})
	}
	return out
}

// resultOf returns what a literal means: itself, but for maps of params.
func resultOf(n *doc.Node) *doc.Node {
	value := n.Field("value")
	if t, _ := param.ParseType(n.Field("type").Text); t != param.Map || value.Kind != doc.Object {
		return value
	}
	out := &doc.Node{Kind: doc.Object, Pos: value.Pos}
	for _, m := range value.Members {
		if isParam(m.Value) {
			out.Members = append(out.Members, doc.Member{Name: m.Name, Pos: m.Pos, Value: resultOf(m.Value)})
		}
	}
	return out
}

// plain makes a param of a plain value, of the declared type, or else of the one it looks like.
func plain(n *doc.Node, declared *param.Def) *doc.Node {
	t := look(n)
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
			value.Members = append(value.Members, doc.Member{Name: m.Name, Pos: m.Pos, Value: plain(m.Value, entries.Get(m.Name))})
		}
	}
	return &doc.Node{Kind: doc.Object, Pos: n.Pos, Members: []doc.Member{
		{Name: "type", Value: &doc.Node{Kind: doc.String, Text: t.String(), Pos: n.Pos}},
		{Name: "value", Value: value},
	}}
}

func look(n *doc.Node) param.Type {
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
		of := param.String
		for i, item := range n.Items {
			switch t := look(item); {
			case i == 0:
				of = t
			case t == param.Double && of == param.Long:
				of = t
			}
		}
		switch of {
		case param.Boolean:
			return param.BooleanArray
		case param.Long:
			return param.LongArray
		case param.Double:
			return param.DoubleArray
		}
		return param.StringArray
	}
	return param.String
}

// put replaces a field of an object, or appends it.
func put(n *doc.Node, name string, value *doc.Node) {
	drop(n, name)
	n.Members = append(n.Members, doc.Member{Name: name, Value: value})
}

func drop(n *doc.Node, name string) {
	n.Members = slices.DeleteFunc(n.Members, func(m doc.Member) bool { return m.Name == name })
}
