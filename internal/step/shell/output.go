package shell

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"maestro/internal/doc"
	"maestro/internal/step"
	"maestro/param"
)

// A process reports params and artifacts as OutputData (spec/runtimes 6.1), or as plain values: an object of them, or
// lines NAME=value. Plain values have the types that the step declares.

// outputData is what was reported so far; later reports win name by name.
type outputData struct {
	declared *param.Params // of the step; may be nil
	time     int64         // when values without a time of their own were computed, epoch milliseconds

	params    doc.Node // object: name → param
	artifacts map[string][]byte
}

// add reads one report; an empty one says nothing.
func (o *outputData) add(text []byte) error {
	text = bytes.TrimSpace(text)
	switch {
	case len(text) == 0:
		return nil
	case len(text) > maxOutput:
		return fmt.Errorf("it has %d bytes, more than the %d that output data may have", len(text), maxOutput)
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		return errors.New("it is not UTF-8 text")
	case text[0] == '{':
		return o.addJSON(text)
	}
	return o.addLines(string(text))
}

func (o *outputData) addJSON(text []byte) error {
	n, err := doc.ParseJSON(text, doc.Limits{Depth: 100, Nodes: maxOutput})
	if err != nil {
		return fmt.Errorf("it is not valid JSON: %w", err)
	}
	if !o.full(n) {
		return o.values(n, false)
	}
	for _, m := range n.Members {
		switch m.Name {
		case "params", "artifacts", "external_job_type", "external_job_id", "workflow_id", "create_time", "modify_time":
		default:
			return fmt.Errorf("it has the unknown field %q beside params and artifacts", m.Name)
		}
	}
	if p := n.Field("params"); !p.IsNull() {
		if err := o.values(p, true); err != nil {
			return err
		}
	}
	artifacts := n.Field("artifacts")
	if artifacts.IsNull() {
		return nil
	}
	for _, m := range artifacts.Members {
		if m.Value.Kind != doc.Object {
			return fmt.Errorf("artifact %q must be an object, not %s", m.Name, m.Value.Kind)
		}
		if o.artifacts == nil {
			o.artifacts = map[string][]byte{}
		}
		o.artifacts[m.Name] = doc.AppendNode(nil, m.Value)
	}
	return nil
}

// full reports whether n is OutputData rather than an object of plain values.
func (o *outputData) full(n *doc.Node) bool {
	for _, name := range []string{"params", "artifacts"} {
		if f := n.Field(name); f != nil && (f.Kind == doc.Object || f.Kind == doc.Null) && o.def(name) == nil {
			return true
		}
	}
	return false
}

func (o *outputData) def(name string) *param.Def {
	if o.declared == nil {
		return nil
	}
	if p := o.declared.Lookup(name); p != nil {
		return p.Def
	}
	return nil
}

// values adds the members of n. Only in OutputData may they be whole params rather than plain values.
func (o *outputData) values(n *doc.Node, whole bool) error {
	if n.Kind != doc.Object {
		return fmt.Errorf("params must be an object, not %s", n.Kind)
	}
	for _, m := range n.Members {
		p := m.Value
		switch {
		case whole && isParam(p):
			p = o.completed(p)
		case p.IsNull():
			return fmt.Errorf("param %q is null, which is no value", m.Name)
		default:
			p = o.dated(plainDef(p, o.def(m.Name)), p)
		}
		o.set(doc.Member{Name: m.Name, Pos: m.Pos, Value: p})
	}
	return nil
}

func (o *outputData) set(m doc.Member) {
	for i := range o.params.Members {
		if o.params.Members[i].Name == m.Name {
			o.params.Members[i] = m
			return
		}
	}
	o.params.Members = append(o.params.Members, m)
}

func isParam(n *doc.Node) bool {
	t := n.Field("type")
	if t == nil || t.Kind != doc.String {
		return false
	}
	_, ok := param.ParseType(t.Text)
	return ok && (n.Field("value") != nil || n.Field("evaluated_result") != nil || n.Field("expression") != nil)
}

// completed adds to a param what a job may leave out: a result that is the value, the time.
func (o *outputData) completed(n *doc.Node) *doc.Node {
	result := n.Field("evaluated_result")
	if result == nil && n.Field("value") != nil {
		result = plainResult(n)
	}
	out := &doc.Node{Kind: doc.Object, Pos: n.Pos}
	for _, m := range n.Members {
		if m.Name != "evaluated_result" && (m.Name != "evaluated_time" || !unset(m.Value)) {
			out.Members = append(out.Members, m)
		}
	}
	if out.Field("evaluated_time") != nil {
		out.Members = append(out.Members, doc.Member{Name: "evaluated_result", Value: result})
		return out
	}
	return o.dated(out, result)
}

func unset(n *doc.Node) bool { return n.IsNull() || n.Text == "0" }

// dated adds result and time to a definition.
func (o *outputData) dated(def, result *doc.Node) *doc.Node {
	if result == nil {
		return def
	}
	def.Members = append(def.Members,
		doc.Member{Name: "evaluated_result", Value: result},
		doc.Member{Name: "evaluated_time", Value: &doc.Node{Kind: doc.Number, Text: strconv.FormatInt(o.time, 10)}})
	return def
}

// plainDef returns the definition that has a plain value, of the declared type or else of the one it looks like.
func plainDef(n *doc.Node, declared *param.Def) *doc.Node {
	t := lookOf(n)
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
			value.Members = append(value.Members, doc.Member{Name: m.Name, Pos: m.Pos, Value: plainDef(m.Value, entries.Get(m.Name))})
		}
	}
	return &doc.Node{Kind: doc.Object, Pos: n.Pos, Members: []doc.Member{
		{Name: "type", Value: &doc.Node{Kind: doc.String, Text: t.String(), Pos: n.Pos}},
		{Name: "value", Value: value},
	}}
}

// plainResult returns the plain value that a definition with a literal has.
func plainResult(def *doc.Node) *doc.Node {
	value := def.Field("value")
	if t, _ := param.ParseType(def.Field("type").Text); t != param.Map || value.Kind != doc.Object {
		return value
	}
	out := &doc.Node{Kind: doc.Object, Pos: value.Pos}
	for _, m := range value.Members {
		if isParam(m.Value) {
			out.Members = append(out.Members, doc.Member{Name: m.Name, Pos: m.Pos, Value: plainResult(m.Value)})
		}
	}
	return out
}

func lookOf(n *doc.Node) param.Type {
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
		if len(n.Items) == 0 {
			return param.StringArray
		}
		switch lookOf(n.Items[0]) {
		case param.Boolean:
			return param.BooleanArray
		case param.Long, param.Double:
			if slices.ContainsFunc(n.Items, func(i *doc.Node) bool { return lookOf(i) == param.Double }) {
				return param.DoubleArray
			}
			return param.LongArray
		}
		return param.StringArray
	}
	return param.String
}

// addLines reads lines NAME=value, and NAME<<END with the lines up to END as value. Empty lines and those that begin
// with # say nothing.
func (o *outputData) addLines(text string) error {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		at := i + 1
		line := strings.TrimSuffix(lines[i], "\r")
		if trimmed := strings.TrimSpace(line); trimmed == "" || trimmed[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if before, word, here := strings.Cut(line, "<<"); here && !strings.Contains(before, "=") && word != "" {
			end := slices.IndexFunc(lines[i+1:], func(l string) bool { return strings.TrimSuffix(l, "\r") == word })
			if end < 0 {
				return fmt.Errorf("line %d: there is no line %q to end the value", at, word)
			}
			name, value, ok = before, strings.Join(lines[i+1:i+1+end], "\n"), true
			i += end + 1
		}
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return fmt.Errorf("line %d is %s, which is neither NAME=value nor JSON", at, strconv.Quote(shortened(line)))
		}
		n := &doc.Node{Kind: doc.String, Text: value}
		def := o.def(name)
		if def != nil && !def.Type.IsScalar() && def.Type != param.None {
			parsed, err := doc.ParseJSON([]byte(value), doc.Limits{Depth: 100})
			if err != nil {
				return fmt.Errorf("line %d: param %q is a %s, so its value must be JSON: %w", at, name, def.Type, err)
			}
			n = parsed
		}
		place(n, doc.Pos{Line: int32(at), Col: 1})
		o.set(doc.Member{Name: name, Pos: n.Pos, Value: o.dated(plainDef(n, def), n)})
	}
	return nil
}

// place says of all of n that it stands at one place.
func place(n *doc.Node, at doc.Pos) {
	n.Pos = at
	for _, item := range n.Items {
		place(item, at)
	}
	for _, m := range n.Members {
		place(m.Value, at)
	}
}

func shortened(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// result checks what was reported against its types. It is nil if nothing was.
func (o *outputData) result() (*step.Output, error) {
	if len(o.params.Members) == 0 && len(o.artifacts) == 0 {
		return nil, nil
	}
	out := &step.Output{Artifacts: maps.Clone(o.artifacts)}
	if len(o.params.Members) == 0 {
		return out, nil
	}
	o.params.Kind = doc.Object
	var problems doc.Problems
	params := param.DecodeParams(&o.params, "params", &problems, param.DecodeOptions{Lenient: true, AnyName: true})
	if err := distinct(problems); err != nil {
		return nil, err
	}
	for name, p := range params.All() {
		if !p.Evaluated {
			return nil, fmt.Errorf("param %q has neither value nor evaluated_result", name)
		}
	}
	out.Params = params.AppendJSON(nil)
	return out, nil
}

// distinct returns the errors in what is wrong with params, once each: a plain value is decoded as value and as result.
func distinct(problems doc.Problems) error {
	var texts []string
	for _, p := range problems.List {
		if p.Severity != doc.Error {
			continue
		}
		p.Path = strings.TrimSuffix(strings.TrimSuffix(p.Path, ".value"), ".evaluated_result")
		if text := p.Error(); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}
