package param

import (
	"strings"

	"maestro/internal/meter"
)

// Script is a parsed expression. Names returns its free names in order of appearance; "params" among them means that
// the script reads the params object and is no reference to a param.
type Script interface{ Names() []string }

// Evaluator runs expressions and interpolates texts. Package internal/scope joins it to the expression language; this
// package only decides which param is evaluated when.
type Evaluator interface {
	// Compile parses an expression. It is called once per evaluation and should remember scripts by text.
	Compile(expr string) (Script, error)

	// Run evaluates a script whose free names have the values of f. It keeps nothing of f. expr is the script's text,
	// for messages.
	Run(s Script, expr string, f Frame) (Value, error)

	// Interpolate replaces the references of text (params 3.2) by the values that lookup gives. It returns the error of
	// lookup as it is.
	Interpolate(text string, lookup func(name string) (Value, error)) (string, error)
}

// Resolver says what names mean. It is called with the param that refers to a name, and may evaluate other params of
// the set on demand through e.
type Resolver interface {
	Resolve(e *Evaluation, referrer, name string) (Value, error)
}

// Frame holds the values of the free names of one expression.
type Frame struct {
	names  []string
	values []Value
	index  map[string]int // positions in values, nil while a scan is cheaper
}

func newFrame(names []string, values []Value) Frame {
	f := Frame{names: names, values: values}
	if len(names) > dictSmall {
		f.index = make(map[string]int, len(names))
		for _, n := range names {
			if n != paramsObject {
				f.index[n] = len(f.index)
			}
		}
	}
	return f
}

// Lookup returns the value of name.
func (f Frame) Lookup(name string) (Value, bool) {
	if f.index != nil {
		at, ok := f.index[name]
		if !ok {
			return Value{}, false
		}
		return f.values[at], true
	}
	at := 0
	for _, n := range f.names {
		if n == paramsObject {
			continue
		}
		if n == name {
			return f.values[at], true
		}
		at++
	}
	return Value{}, false
}

const paramsObject = "params"

// Evaluation evaluates one set of params: in order, each once, referenced ones first (params 10.1). It belongs to one
// goroutine. Fill in the exported fields and call All.
type Evaluation struct {
	Params   *Params // filled in place
	Exprs    Evaluator
	Names    Resolver
	Where    string // "workflow [W]" or "step [S]", for messages
	Now      int64  // evaluated_time of what is evaluated now, epoch milliseconds
	MaxDepth int    // longest chain of references followed; 0 means 1,000

	// Meter is charged for the whole evaluation, before anything is made. Nil means one with the default limits. What Exprs
	// does is charged by Exprs, which should use the same one.
	Meter *meter.Meter

	stack    []Value // values of the names of the expressions being prepared
	referrer string
	depth    int
	size     int                         // characters that the results take at least
	lookup   func(string) (Value, error) // made on first interpolation
}

// All evaluates every param that has no result yet. On error the params evaluated so far keep their results.
func (e *Evaluation) All() error {
	for i := range e.Params.Len() {
		if !e.Params.vals[i].Evaluated {
			if err := e.one(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// Own returns the value of param name of the set, evaluating it first if need be. ok is false when there is none.
func (e *Evaluation) Own(name string) (v Value, ok bool, err error) {
	i := e.Params.Index(name)
	if i < 0 {
		return Value{}, false, nil
	}
	if !e.Params.vals[i].Evaluated {
		if err := e.one(i); err != nil {
			return Value{}, true, err
		}
	}
	return e.Params.vals[i].Result, true, nil
}

// Evaluated returns the value of param name of the set if it has one already.
func (e *Evaluation) Evaluated(name string) (Value, bool) {
	if i := e.Params.Index(name); i >= 0 && e.Params.vals[i].Evaluated {
		return e.Params.vals[i].Result, true
	}
	return Value{}, false
}

// Adhoc evaluates a definition that is no member of the set, such as a transition condition, as if it were one called
// name.
func (e *Evaluation) Adhoc(name string, d *Def) (Param, error) {
	p := Param{Def: d}
	err := e.evaluate(name, &p)
	return p, err
}

// one evaluates the param at position i.
func (e *Evaluation) one(i int) error {
	p := &e.Params.vals[i]
	name := e.Params.names[i]
	if p.busy {
		return Errorf(IllegalArgument, "In %s, param [%s] definition contains a cyclic reference chain", e.Where, name)
	}
	p.busy = true
	err := e.evaluate(name, p)
	p.busy = false
	return err
}

// evaluate gives p its result, converted to its declared type, and stamps it.
func (e *Evaluation) evaluate(name string, p *Param) error {
	d := p.Def
	limit := e.MaxDepth
	if limit == 0 {
		limit = 1000
	}
	if e.depth >= limit {
		return Errorf(IllegalArgument, "In %s, param [%s] is at the end of a reference chain of more than %d params", e.Where, name, limit)
	}
	if err := e.charge(paramWork, 0); err != nil {
		return e.refused(name, d, err)
	}
	e.depth++
	v, err := e.value(name, d)
	e.depth--
	if err != nil {
		return e.refused(name, d, err)
	}
	note := ""
	if v.typ != d.Type || v.typ == Double {
		if err := e.charge(conversionCost(v, d.Type)); err != nil {
			return e.refused(name, d, err)
		}
		if v, note, err = convert(name, v, d.Type); err != nil {
			return err
		}
	}
	if err := e.keep(name, v); err != nil {
		return err
	}
	p.Result, p.Note, p.Time, p.Evaluated = v, note, e.Now, true
	return nil
}

// value computes the result of d before conversion.
func (e *Evaluation) value(name string, d *Def) (Value, error) {
	switch {
	case d.Value.typ == Map:
		return e.mapLiteral(d)
	case d.IsLiteral():
		return e.literal(name, d)
	case d.HasExpression:
		return e.expression(name, d.Expression)
	}
	return Value{}, Errorf(IllegalArgument, "[%s] is a required parameter (type=[%s])", name, d.Type)
}

// mapLiteral evaluates a MAP entry by entry. Entries see what the MAP sees, never each other. An entry's result becomes
// its declared type where it can; where it cannot it stays, to be refused when it is read (params 17.5).
func (e *Evaluation) mapLiteral(d *Def) (Value, error) {
	entries := d.Value.Defs()
	if err := e.charge(entryCost(entries.Len())); err != nil {
		return Value{}, err
	}
	out := &Values{}
	out.names = entries.names[:len(entries.names):len(entries.names)]
	out.slots, out.shared = entries.slots, true
	out.vals = make([]Value, entries.Len())
	for i := range entries.Len() {
		k, entry := entries.At(i)
		v, err := e.value(k, entry)
		if err != nil {
			return Value{}, err
		}
		if err := e.charge(conversionCost(v, entry.Type)); err != nil {
			return Value{}, err
		}
		if c, _, err := convert(k, v, entry.Type); err == nil {
			v = c
		}
		out.vals[i] = v
	}
	return MapValue(out), nil
}

// literal returns the value of a literal, its texts interpolated. A literal without $ costs nothing.
func (e *Evaluation) literal(name string, d *Def) (Value, error) {
	v := d.Value
	if v.HasNull() {
		return Value{}, Errorf(IllegalArgument, "Param [%s] has a null element", name)
	}
	if d.Evaluated || !hasDollar(v) {
		return v.plain(), nil
	}
	switch v.typ {
	case String:
		s, err := e.interpolate(name, v.text)
		return StringValue(s), err
	case StringArray:
		if err := e.charge(entryCost(v.Len())); err != nil {
			return Value{}, err
		}
		items := make([]string, v.Len())
		for i, s := range v.Strings() {
			var err error
			if items[i], err = e.interpolate(name, s); err != nil {
				return Value{}, err
			}
		}
		return StringArrayValue(items), nil
	default:
		return e.stringMap(name, v.Texts())
	}
}

func (e *Evaluation) stringMap(name string, m *Texts) (Value, error) {
	if err := e.charge(entryCost(m.Len())); err != nil {
		return Value{}, err
	}
	out := &Texts{}
	for k, text := range m.All() {
		k, err := e.interpolate(name, k)
		if err != nil {
			return Value{}, err
		}
		if out.Has(k) {
			return Value{}, Errorf(IllegalArgument, "Param [%s] has the key [%s] twice after interpolation", name, clip(k))
		}
		if text, err = e.interpolate(name, text); err != nil {
			return Value{}, err
		}
		out.Set(k, text)
	}
	return StringMapValue(out), nil
}

// hasDollar reports whether interpolation could change v.
func hasDollar(v Value) bool {
	switch v.typ {
	case String:
		return strings.IndexByte(v.text, '$') >= 0
	case StringArray:
		for _, s := range v.Strings() {
			if strings.IndexByte(s, '$') >= 0 {
				return true
			}
		}
	case StringMap:
		for k, text := range v.Texts().All() {
			if strings.IndexByte(k, '$') >= 0 || strings.IndexByte(text, '$') >= 0 {
				return true
			}
		}
	}
	return false
}

func (e *Evaluation) interpolate(name, text string) (string, error) {
	if strings.IndexByte(text, '$') < 0 {
		return text, nil
	}
	if e.lookup == nil {
		e.lookup = func(ref string) (Value, error) { return e.resolve(e.referrer, ref) }
	}
	before := e.referrer
	e.referrer = name
	s, err := e.Exprs.Interpolate(text, e.lookup)
	e.referrer = before
	return s, err
}

// resolve asks what ref means and keeps the referrer across nested evaluations.
func (e *Evaluation) resolve(referrer, ref string) (Value, error) {
	before := e.referrer
	v, err := e.Names.Resolve(e, referrer, ref)
	e.referrer = before
	return v, err
}

// expression resolves the free names of an expression, then runs it. All names must exist, also those in branches that
// are not taken (params 10.2).
func (e *Evaluation) expression(name, expr string) (Value, error) {
	s, err := e.Exprs.Compile(expr)
	if err != nil {
		return Value{}, err
	}
	base := len(e.stack)
	names := s.Names()
	if len(names) > 0 {
		if err := e.charge(entryCost(len(names))); err != nil {
			return Value{}, err
		}
	}
	for _, ref := range names {
		if ref == paramsObject {
			continue
		}
		v, err := e.resolve(name, ref)
		if err != nil {
			e.stack = e.stack[:base]
			return Value{}, err
		}
		e.stack = append(e.stack, v)
	}
	v, err := e.Exprs.Run(s, expr, newFrame(names, e.stack[base:]))
	clear(e.stack[base:])
	e.stack = e.stack[:base]
	return v, err
}
