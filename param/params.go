package param

import "iter"

// Param is a param of an instance: its merged definition and, once evaluated, its result (params 1.2).
type Param struct {
	Def       *Def
	Result    Value  // of Def.Type; absent until evaluated
	Time      int64  // evaluated_time, epoch milliseconds
	Note      string // conversion note: meta "info" for STRING and STRING_ARRAY, "warn" for the others (params 11)
	Evaluated bool

	busy bool // is being evaluated: met again, it is part of a cycle
}

// NoteName is the meta key under which the note of a param of type t is shown.
func NoteName(t Type) string {
	if t == String || t == StringArray {
		return "info"
	}
	return "warn"
}

// Params is the ordered map of the params of one workflow run or one step attempt. It is owned by whoever evaluates
// it; afterwards it is read only. A nil *Params is an empty one.
type Params struct{ dict[Param] }

// NewParams returns un-evaluated params for defs, in their order.
func NewParams(defs *Defs) *Params {
	p := &Params{}
	if defs.Len() == 0 {
		return p
	}
	sameNames(&p.dict, &defs.dict)
	for i, d := range defs.vals {
		p.vals[i].Def = d
	}
	return p
}

// Set replaces the param called name in its place or appends it.
func (p *Params) Set(name string, v Param) { p.put(name, v) }

// Len returns the number of params.
func (p *Params) Len() int {
	if p == nil {
		return 0
	}
	return len(p.names)
}

// Index returns the position of name, or -1.
func (p *Params) Index(name string) int {
	if p == nil {
		return -1
	}
	return p.dict.Index(name)
}

// Has reports whether there is a param called name.
func (p *Params) Has(name string) bool { return p.Index(name) >= 0 }

// All yields the params in order. They must not be changed through the pointers unless the caller owns p.
func (p *Params) All() iter.Seq2[string, *Param] {
	return func(yield func(string, *Param) bool) {
		for i := range p.Len() {
			if !yield(p.names[i], &p.vals[i]) {
				return
			}
		}
	}
}

// Ref returns the param at position i for changing in place.
func (p *Params) Ref(i int) *Param { return &p.vals[i] }

// Lookup returns the param called name, or nil.
func (p *Params) Lookup(name string) *Param {
	if i := p.Index(name); i >= 0 {
		return &p.vals[i]
	}
	return nil
}

// Clone returns a copy whose entries can be changed without changing p.
func (p *Params) Clone() *Params {
	if p == nil {
		return &Params{}
	}
	return &Params{p.grown(1)}
}

// Defs returns the definitions, in order.
func (p *Params) Defs() *Defs {
	s := &Defs{}
	if p.Len() == 0 {
		return s
	}
	sameNames(&s.dict, &p.dict)
	for i := range p.vals {
		s.vals[i] = p.vals[i].Def
	}
	return s
}
