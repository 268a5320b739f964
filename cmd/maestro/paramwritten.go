package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"maestro/client"
	"maestro/internal/doc"
)

// givenParam is a param as a user gave it: with the type that its value looks like, and as it was written, since the
// workflow may declare another type.
type givenParam struct {
	param   client.Param
	written *doc.Node // nil where the user said the type
	refused error     // why the value has no type by itself; the declared type may still make sense of it
}

// givenParams are params by name.
type givenParams map[string]givenParam

// addFile adds what a JSON or YAML object says, and warns of names that it has twice.
func (g givenParams) addFile(p *program, name string, text []byte) error {
	root, err := parse(name, text)
	if err != nil {
		return err
	}
	if root.Kind != doc.Object {
		return fmt.Errorf("it must be an object of names and values")
	}
	var problems doc.Problems
	doc.WarnRepeated(root, &problems)
	for _, f := range findingsOf(name, text, problems.List) {
		p.note("%s", f.text(false))
	}
	for i := range root.Members {
		m := &root.Members[i]
		if isDefinition(m.Value) {
			g[m.Name] = givenParam{param: definitionOf(m.Value)}
			continue
		}
		param, err := inferNode(m.Value)
		if err != nil {
			err = fmt.Errorf("--param-file %s: %s: %w", name, m.Name, err)
		}
		g[m.Name] = givenParam{param: param, written: m.Value, refused: err}
	}
	return nil
}

// as returns the params for a workflow that declares the given types by name.
func (g givenParams) as(declared map[string]string) (map[string]client.Param, error) {
	if len(g) == 0 {
		return nil, nil
	}
	params := make(map[string]client.Param, len(g))
	for _, name := range slices.Sorted(maps.Keys(g)) { // so that the same file always gives the same error
		p := g[name]
		if p.written != nil {
			if value, ok := valueAs(declared[name], p.written); ok {
				params[name] = client.Param{Type: declared[name], Value: value}
				continue
			}
			if declared[name] == "MAP" && p.param.Type == "STRING_MAP" {
				asMap, err := mapOfTexts(p.param.Value)
				if err != nil {
					return nil, err
				}
				params[name] = asMap
				continue
			}
		}
		if p.refused != nil {
			return nil, &usageError{err: p.refused}
		}
		params[name] = p.param
	}
	return params, nil
}

// ambiguous reports whether the types that a workflow declares make a difference to what is sent. Usually they do not: the
// server makes the text 5 of the number 5 by itself.
func (g givenParams) ambiguous() bool {
	for _, p := range g {
		if p.written != nil && (p.refused != nil || ambiguous(p.written)) {
			return true
		}
	}
	return false
}

func ambiguous(n *doc.Node) bool {
	for _, item := range n.Items {
		if ambiguous(item) {
			return true
		}
	}
	for i := range n.Members {
		if ambiguous(n.Members[i].Value) {
			return true
		}
	}
	switch n.Kind {
	case doc.Object:
		return true // it may be a MAP, however many texts it has
	case doc.Number:
		if n.Written() == n.Text && !strings.ContainsAny(n.Text, ".eE") {
			return false
		}
		f, err := strconv.ParseFloat(n.Text, 64)
		return err != nil || string(doc.AppendDouble(nil, f)) != n.Written()
	case doc.Bool:
		return n.Written() != n.Text
	}
	return false
}

// fit returns the params for a version of a workflow. It asks the server what types the workflow declares only where that
// makes a difference. That the workflow cannot be read is left to what the params are for.
func (g givenParams) fit(ctx context.Context, c *client.Client, workflow, version string) (map[string]client.Param, error) {
	if !g.ambiguous() {
		return g.as(nil)
	}
	d, err := c.Version(ctx, workflow, version, false)
	if err != nil {
		return g.as(nil)
	}
	var params map[string]struct{ Type string }
	if json.Unmarshal(d.Workflow.Params, &params) != nil {
		return g.as(nil)
	}
	declared := make(map[string]string, len(params))
	for name, p := range params {
		declared[name] = p.Type
	}
	return g.as(declared)
}

// fitRun is fit for the version that a run has.
func (g givenParams) fitRun(ctx context.Context, c *client.Client, ref client.RunRef) (map[string]client.Param, error) {
	if !g.ambiguous() {
		return g.as(nil)
	}
	run, err := c.Instance(ctx, ref, false)
	if err != nil {
		return g.as(nil)
	}
	return g.fit(ctx, c, ref.Workflow, strconv.FormatInt(run.Version, 10))
}

// valueAs returns what is written as a value of a type, where the type decides what is meant: texts are what is written,
// and numbers are numbers however they are written.
func valueAs(kind string, n *doc.Node) (json.RawMessage, bool) {
	switch kind {
	case "STRING":
		if !isScalar(n) {
			return nil, false
		}
		return doc.AppendString(nil, n.Written()), true
	case "STRING_ARRAY":
		if n.Kind != doc.List {
			return nil, false
		}
		return appendTexts(n, '[', ']')
	case "STRING_MAP":
		if n.Kind != doc.Object {
			return nil, false
		}
		return appendTexts(n, '{', '}')
	case "LONG", "DOUBLE":
		return json.RawMessage(n.Text), n.Kind == doc.Number
	}
	return nil, false
}

// appendTexts writes the scalars of a list or object as texts.
func appendTexts(n *doc.Node, opening, closing byte) (json.RawMessage, bool) {
	dst := []byte{opening}
	add := func(value *doc.Node) {
		dst = append(doc.AppendString(dst, value.Written()), ',')
	}
	for _, item := range n.Items {
		if !isScalar(item) {
			return nil, false
		}
		add(item)
	}
	for i := range n.Members {
		if !isScalar(n.Members[i].Value) {
			return nil, false
		}
		dst = append(doc.AppendString(dst, n.Members[i].Name), ':')
		add(n.Members[i].Value)
	}
	if len(dst) > 1 {
		dst = dst[:len(dst)-1]
	}
	return append(dst, closing), true
}

func isScalar(n *doc.Node) bool {
	return n.Kind == doc.String || n.Kind == doc.Number || n.Kind == doc.Bool
}

// writtenValue is the value of NAME=VALUE as a tree: the value itself, or what it is as JSON.
func writtenValue(value string) *doc.Node {
	if n, err := doc.ParseJSON([]byte(value), doc.Limits{}); err == nil && n.Kind != doc.Null && n.Kind != doc.String {
		return n
	}
	return &doc.Node{Kind: doc.String, Text: value}
}

// isDefinition reports whether a value is a whole param definition: it has a type, and a value or expression.
func isDefinition(n *doc.Node) bool {
	kind := n.Field("type")
	return kind != nil && kind.Kind == doc.String && kind.Text != "" && (n.Field("value") != nil || !n.Field("expression").IsNull())
}

// definitionOf reads a whole definition. Its texts are what is written.
func definitionOf(n *doc.Node) client.Param {
	param := client.Param{Type: n.Field("type").Text}
	if e := n.Field("expression"); !e.IsNull() {
		param.Expression = e.Written()
	}
	if m := n.Field("mode"); !m.IsNull() {
		param.Mode = m.Written()
	}
	if v := n.Field("value"); v != nil {
		param.Value = definedValue(strings.ToUpper(param.Type), v)
	}
	return param
}

// definedValue writes the value of a definition.
func definedValue(kind string, n *doc.Node) json.RawMessage {
	if value, ok := valueAs(kind, n); ok {
		return value
	}
	if kind != "MAP" || n.Kind != doc.Object {
		return doc.AppendNode(nil, n)
	}
	dst := []byte{'{'}
	for i := range n.Members {
		if i > 0 {
			dst = append(dst, ',')
		}
		m := &n.Members[i]
		dst = append(doc.AppendString(dst, m.Name), ':')
		if !isDefinition(m.Value) {
			dst = doc.AppendNode(dst, m.Value)
			continue
		}
		entry, err := json.Marshal(definitionOf(m.Value))
		if err != nil {
			return doc.AppendNode(nil, n)
		}
		dst = append(dst, entry...)
	}
	return append(dst, '}')
}

// inferNode gives a value the type that a person expects of it. A number that JSON would not write so, such as 007 or
// 1_000, is a text, as it is on the command line.
func inferNode(n *doc.Node) (client.Param, error) {
	switch n.Kind {
	case doc.Null:
		return client.Param{}, fmt.Errorf("null has no type; leave the param out, or use an empty text")
	case doc.Bool:
		return client.Bool(n.Text == "true"), nil
	case doc.Number:
		if n.Written() != n.Text {
			return client.String(n.Written()), nil
		}
		return infer(n.Text)
	case doc.List:
		return inferArray(n)
	case doc.Object:
		return inferMap(n)
	}
	return client.String(n.Text), nil
}

func inferArray(n *doc.Node) (client.Param, error) {
	kind := ""
	for _, item := range n.Items {
		param, err := inferNode(item)
		if err != nil {
			return client.Param{}, err
		}
		switch {
		case kind == "" || kind == "LONG" && param.Type == "DOUBLE":
			kind = param.Type
		case kind == param.Type || kind == "DOUBLE" && param.Type == "LONG":
		default:
			return client.Param{}, fmt.Errorf("the array holds a %s and a %s; an array has values of one type", kind, param.Type)
		}
	}
	switch kind {
	case "":
		kind = "STRING" // an empty array of anything else has to say so
	case "STRING", "LONG", "DOUBLE", "BOOLEAN":
	default:
		return client.Param{}, fmt.Errorf("there are no arrays of %s", kind)
	}
	return client.Param{Type: kind + "_ARRAY", Value: definedValue(kind+"_ARRAY", n)}, nil
}

func inferMap(n *doc.Node) (client.Param, error) {
	texts := true
	entries := make(map[string]client.Param, len(n.Members))
	for i := range n.Members {
		m := &n.Members[i]
		param, err := inferNode(m.Value)
		if err != nil {
			return client.Param{}, fmt.Errorf("%s: %w", m.Name, err)
		}
		entries[m.Name] = param
		texts = texts && param.Type == "STRING"
	}
	if texts {
		return client.Param{Type: "STRING_MAP", Value: definedValue("STRING_MAP", n)}, nil
	}
	text, err := json.Marshal(entries)
	return client.Param{Type: "MAP", Value: text}, err
}
