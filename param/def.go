package param

import (
	"iter"
	"slices"

	"maestro/internal/doc"
)

// Def is the definition of a param, not evaluated (params 1.1). Its name is its key in [Defs].
//
// A Def is immutable once it is in a Defs: merging and cleanup make new ones, so definitions, defaults and templates
// are shared by every run without copying (params 17.1).
type Def struct {
	Type          Type
	Mode          Mode
	InternalMode  InternalMode
	Source        Source
	HasExpression bool   // there is an expression, even an empty one
	Evaluated     bool   // Value was evaluated in another run already: it is not interpolated again (params 3.2)
	Value         Value  // literal; absent when there is none. Together with an expression the literal wins
	Expression    string // SEL text
	Validator     string // carried and merged, never enforced
	Tags          []Tag  // nil: not given; empty but not nil: given as []
	Meta          []Meta // other keys in order. When it has a key "source" or "internal_mode", that text is what is printed

	clean *Def // what cleanup makes of this Def, when known in advance (defaults)
}

// Meta is one key of a definition that has no meaning of its own.
type Meta struct {
	Name  string
	Value *doc.Node
}

// IsLiteral reports whether the literal decides what the param is (params 3.1).
func (d *Def) IsLiteral() bool { return !d.Value.IsNone() }

// IsEmpty reports whether d has neither value nor expression.
func (d *Def) IsEmpty() bool { return d.Value.IsNone() && !d.HasExpression }

// Literal returns a Def with the literal v and nothing else.
func Literal(v Value) *Def { return &Def{Type: v.Type(), Value: v} }

// Expression returns a Def with the expression e of type t and nothing else.
func Expression(t Type, e string) *Def { return &Def{Type: t, Expression: e, HasExpression: true} }

func (d *Def) hasMeta(name string) bool {
	return slices.ContainsFunc(d.Meta, func(m Meta) bool { return m.Name == name })
}

// hasSource reports whether the definition names a source, be it known or not.
func (d *Def) hasSource() bool {
	if d.Source != NoSource {
		return true
	}
	return d.hasMeta("source")
}

// hasInternalMode reports whether the definition names an internal mode, be it known or not.
func (d *Def) hasInternalMode() bool {
	if d.InternalMode != NoInternalMode {
		return true
	}
	return d.hasMeta("internal_mode")
}

// Equal reports whether two definitions are the same in everything that merging compares (params 6.4): meta is
// not compared, tags compare as sets.
func (d *Def) Equal(o *Def) bool {
	return d.Type == o.Type && d.HasExpression == o.HasExpression && d.Expression == o.Expression &&
		d.Validator == o.Validator && d.Mode == o.Mode && d.Value.Equal(o.Value) && tagsEqual(d.Tags, o.Tags)
}

// Defs is an ordered map from name to definition. It is immutable once it is shared; Set is for whoever builds it.
// A nil *Defs is an empty one.
type Defs struct{ dict[*Def] }

// Set replaces the definition called name in its place or appends it.
func (s *Defs) Set(name string, d *Def) { s.put(name, d) }

// Len returns the number of definitions.
func (s *Defs) Len() int {
	if s == nil {
		return 0
	}
	return len(s.names)
}

// Index returns the position of name, or -1.
func (s *Defs) Index(name string) int {
	if s == nil {
		return -1
	}
	return s.dict.Index(name)
}

// Has reports whether there is a definition called name.
func (s *Defs) Has(name string) bool { return s.Index(name) >= 0 }

// Get returns the definition called name, or nil.
func (s *Defs) Get(name string) *Def {
	if i := s.Index(name); i >= 0 {
		return s.vals[i]
	}
	return nil
}

// All yields the definitions in order.
func (s *Defs) All() iter.Seq2[string, *Def] {
	return func(yield func(string, *Def) bool) {
		for i := range s.Len() {
			if !yield(s.names[i], s.vals[i]) {
				return
			}
		}
	}
}

// Clone returns a copy with room for extra more entries. The definitions themselves are shared.
func (s *Defs) Clone(extra int) *Defs {
	if s == nil {
		return &Defs{}
	}
	return &Defs{s.grown(extra)}
}

// Without returns s without the named entries; s itself when it has none of them.
func (s *Defs) Without(names ...string) *Defs {
	found := false
	for _, n := range names {
		found = found || s.Has(n)
	}
	if !found {
		return s
	}
	out := &Defs{}
	for name, d := range s.All() {
		if !contains(names, name) {
			out.Set(name, d)
		}
	}
	return out
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// Equal reports whether both have equal definitions under the same names, in any order.
func (s *Defs) Equal(o *Defs) bool {
	if s == o {
		return true
	}
	if s.Len() != o.Len() {
		return false
	}
	for name, d := range s.All() {
		if other := o.Get(name); other == nil || !d.Equal(other) {
			return false
		}
	}
	return true
}
