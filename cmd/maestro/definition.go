package main

import (
	"fmt"
	"strings"

	"maestro/client"
	"maestro/internal/doc"
)

// layout is how a definition is written down.
type layout int

const (
	layoutJSON layout = iota // as in the API, in JSON
	layoutYAML               // as in the API, in YAML
	layoutDSL                // the short YAML form, with jobs instead of steps
)

// layoutOf tells the layouts apart: the short form has "workflow" as its only key, and no list of steps below it.
func layoutOf(f client.Format, root *doc.Node) layout {
	if f == client.JSON {
		return layoutJSON
	}
	if len(root.Members) != 1 || !strings.EqualFold(root.Members[0].Name, "workflow") {
		return layoutYAML
	}
	w := root.Members[0].Value
	if steps := w.Field("steps"); steps != nil && steps.Kind == doc.List && w.Field("jobs") == nil {
		return layoutYAML
	}
	return layoutDSL
}

// pushable returns a definition in the form in which the server takes it. The server takes YAML for the short form
// only, so anything else that is written in YAML is sent as JSON. A file that cannot be parsed is a usage error, with
// the place in the file that the server could not name.
func pushable(name string, text []byte) (client.Format, []byte, error) {
	f := formatOf(name, text)
	root, err := parse(name, text)
	if err != nil {
		return "", nil, &usageError{err: fmt.Errorf("%s: %w", name, err)}
	}
	if layoutOf(f, root) == layoutYAML {
		return client.JSON, doc.AppendNode(nil, root), nil
	}
	return f, text, nil
}
