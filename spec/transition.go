package spec

import (
	"maestro/internal/doc"
)

// Transition says which steps follow a step, and on what condition (§8).
type Transition struct {
	Predecessors []StepID    // as the user stated them; only Validate looks at them
	Successors   []Successor // in the order in which they were written
}

// Successor is a step that follows when Condition, an expression, is true.
type Successor struct {
	Step      StepID
	Condition string
}

// transitionObject describes `transition`. Its empty members are not printed (§1).
var transitionObject = &object[Transition]{
	name:  "transition",
	about: "Which steps follow this one. A step runs when any condition that leads to it is true, after all of its predecessors are done.",
	fields: []field[Transition]{
		{
			name: "predecessors", about: "Steps before this one. Normally left out; when given, it must agree with the successors.",
			shape: shapeTexts,
			read: func(d *decoder, n *doc.Node, t *Transition) {
				seen := make(map[string]bool)
				for _, id := range d.texts(n) {
					if seen[id] {
						d.errorf(n, "Invalid successor list as there are duplicate step ids: [%s]", id)
						continue
					}
					seen[id] = true
					t.Predecessors = append(t.Predecessors, StepID(id))
				}
			},
			put: func(dst []byte, name string, t *Transition) []byte {
				if len(t.Predecessors) == 0 {
					return dst
				}
				return doc.AppendTexts(doc.AppendKey(dst, name), t.Predecessors)
			},
		},
		{
			name: "successors", about: "Steps after this one: id to the condition under which it runs, an expression that gives true or false. Use \"true\" for always.",
			shape:   `{"type":"object","additionalProperties":{"type":["string","boolean","number"]}}`,
			notNull: true,
			read: func(d *decoder, n *doc.Node, t *Transition) {
				if !d.want(n, doc.Object) {
					return
				}
				t.Successors = make([]Successor, 0, len(n.Members))
				for i := range n.Members {
					m := &n.Members[i]
					d.key(m.Name)
					if m.Value.Kind == doc.Null {
						d.errorf(m.Value, "condition must not be null; write \"true\" for a step that always follows")
					} else if text, ok := d.text(m.Value); ok {
						t.Successors = append(t.Successors, Successor{Step: StepID(m.Name), Condition: text})
					}
					d.up()
				}
			},
			put: func(dst []byte, name string, t *Transition) []byte {
				if len(t.Successors) == 0 {
					return dst
				}
				dst = append(doc.AppendKey(dst, name), '{')
				for _, s := range t.Successors {
					dst = doc.AppendString(doc.AppendName(dst, string(s.Step)), s.Condition)
				}
				return append(dst, '}')
			},
		},
	},
}

// AppendJSON appends the transition as an object, empty members left out.
func (t *Transition) AppendJSON(dst []byte) []byte { return transitionObject.put(dst, t) }

// MarshalJSON returns what AppendJSON appends.
func (t *Transition) MarshalJSON() ([]byte, error) { return t.AppendJSON(nil), nil }
