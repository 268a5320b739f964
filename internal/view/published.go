package view

import (
	"maestro/internal/doc"
)

// AppendPublished appends a journal entry that belongs to no run: events as they are published, which stand for the
// entry of a run that is gone.
func AppendPublished(dst []byte, events []Event) []byte {
	dst = append(dst, '[')
	for i := range events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, events[i].Data...)
	}
	return append(dst, ']')
}

// Published appends the events of a journal entry that belongs to no run: such an entry is one published event as JSON,
// or a list of them. All of them are about one workflow, which is returned; empty where the entry makes no sense.
func Published(dst []Event, pos int64, entry []byte) (events []Event, workflow string) {
	n, err := doc.ParseJSON(entry, doc.Limits{})
	if err != nil {
		return dst, ""
	}
	list, data := []*doc.Node{n}, func(*doc.Node) []byte { return entry }
	if n.Kind == doc.List {
		list, data = n.Items, func(n *doc.Node) []byte { return doc.AppendNode(nil, n) }
	}
	for i, n := range list {
		kind, flow := n.Field("type"), n.Field("workflow_id")
		if kind.IsNull() || kind.Text == "" {
			continue
		}
		if !flow.IsNull() {
			workflow = flow.Text
		}
		dst = append(dst, Event{Cursor: Cursor{pos, i}, Type: kind.Text, Data: data(n)})
	}
	return dst, workflow
}
