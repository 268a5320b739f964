package spec

import (
	"strconv"

	"maestro/internal/doc"
	"maestro/param"
)

// SignalDependency is a signal that a step waits for before it starts (§10.1).
type SignalDependency struct {
	Name  string // after interpolation; may hold ${references} to params
	Match []DependencyMatch
}

// DependencyMatch is what one param of the signal must be.
type DependencyMatch struct {
	Name     string
	Param    *param.Def // STRING or LONG
	Operator Operator
}

// SignalOutput is a signal that a step announces after it succeeded (§10.2).
type SignalOutput struct {
	Name    string      // may hold ${references} to params
	Params  *param.Defs // STRING or LONG; signals are matched by these
	Payload *param.Defs // of any type, not matched
}

// SignalTrigger starts a run when its signals have arrived (§6.2).
type SignalTrigger struct {
	Definitions []SignalMatch // nil when not written, which Validate refuses
	Params      *param.Defs   // evaluated when the trigger fires
	Condition   Opt[string]   // expression: whether to fire
	DedupExpr   Opt[string]   // expression: the same text fires once only
}

// SignalMatch is one signal of a trigger.
type SignalMatch struct {
	Signal   string
	Match    []Match
	JoinKeys []string // params that must be equal, by position, over all signals of the trigger
}

// Match is what one param of a signal must be.
type Match struct {
	Param    string
	Value    MatchValue
	Operator Operator
}

// MatchValue is a text or an integer, or, as the reference allows it, nothing.
type MatchValue struct {
	Text   string
	Long   int64
	IsLong bool
	IsText bool
}

// AppendJSON appends the value.
func (v MatchValue) AppendJSON(dst []byte) []byte {
	switch {
	case v.IsLong:
		return strconv.AppendInt(dst, v.Long, 10)
	case v.IsText:
		return doc.AppendString(dst, v.Text)
	}
	return append(dst, "null"...)
}

// mapField is a field that holds a map from a name to an object. It is kept as a list in the order of the document,
// and an empty one is not printed. entry returns the object's value and a place for the name.
func mapField[T, U any](name, about, shape string, at func(*T) *[]U, key func(*U) *string,
	read func(d *decoder, n *doc.Node, u *U), put func(dst []byte, u *U) []byte) field[T] {
	return field[T]{name: name, about: about, shape: shape,
		read: func(d *decoder, n *doc.Node, v *T) {
			if !d.want(n, doc.Object) {
				return
			}
			list := make([]U, len(n.Members))
			for i := range n.Members {
				m := &n.Members[i]
				*key(&list[i]) = m.Name
				d.key(m.Name)
				if m.Value.Kind == doc.Null {
					d.errorf(m.Value, "must not be null")
				} else {
					read(d, m.Value, &list[i])
				}
				d.up()
			}
			*at(v) = list
		},
		put: func(dst []byte, name string, v *T) []byte {
			list := *at(v)
			if len(list) == 0 {
				return dst
			}
			dst = append(doc.AppendKey(dst, name), '{')
			for i := range list {
				dst = put(doc.AppendName(dst, *key(&list[i])), &list[i])
			}
			return append(dst, '}')
		}}
}

func mapOf(name string) string {
	return `{"type":["object","null"],"additionalProperties":{"$ref":"#/$defs/` + name + `"}}`
}

var dependencyMatchObject = &object[DependencyMatch]{
	name: "dependencyMatch", about: "What a param of the signal must be.",
	fields: []field[DependencyMatch]{
		{
			name: "param", about: "What to compare with: a param of type STRING or LONG.", shape: ref("param"), need: true,
			read: func(d *decoder, n *doc.Node, m *DependencyMatch) {
				m.Param = d.def(n, m.Name)
				if m.Param != nil && m.Param.Type != param.String && m.Param.Type != param.Long {
					d.errorf(n, "param [%s] of a signal has type %s; its type must be either LONG or STRING", m.Name, m.Param.Type)
				}
			},
			put: func(dst []byte, name string, m *DependencyMatch) []byte {
				if m.Param == nil {
					return dst
				}
				return m.Param.AppendJSON(doc.AppendKey(dst, name))
			},
		},
		enumField("operator", "How to compare; texts compare lexicographically.", operators, func(m *DependencyMatch) *Operator { return &m.Operator }).required(),
	},
}

var dependencyObject = &object[SignalDependency]{
	name: "signalDependency", about: "A signal that the step waits for before it starts.",
	fields: []field[SignalDependency]{
		idField("name", "Name of the signal; may hold ${references} to params.", func(s *SignalDependency) *string { return &s.Name }).required(),
		mapField("match_params", "What params of the signal must be. One range comparison (<, <=, >, >=) at most.", mapOf("dependencyMatch"),
			func(s *SignalDependency) *[]DependencyMatch { return &s.Match },
			func(m *DependencyMatch) *string { return &m.Name },
			func(d *decoder, n *doc.Node, m *DependencyMatch) {
				if dependencyMatchObject.read(d, n, m) && (n.Field("param").IsNull() || n.Field("operator").IsNull()) {
					d.errorf(n, "The param and the operator in SignalMatchParamDef must be set")
				}
			},
			func(dst []byte, m *DependencyMatch) []byte { return dependencyMatchObject.put(dst, m) }),
	},
}

var outputObject = &object[SignalOutput]{
	name: "signalOutput", about: "A signal that the step announces after it succeeded.",
	fields: []field[SignalOutput]{
		idField("name", "Name of the signal; may hold ${references} to params.", func(s *SignalOutput) *string { return &s.Name }).required(),
		signalParams("params", "Params of type STRING or LONG that dependencies and triggers can match.", func(s *SignalOutput) **param.Defs { return &s.Params }, true),
		signalParams("payload", "Further params of any type.", func(s *SignalOutput) **param.Defs { return &s.Payload }, false),
	},
}

func signalParams(name, about string, at func(*SignalOutput) **param.Defs, indexed bool) field[SignalOutput] {
	f := paramsField(name, about, at)
	read, put := f.read, f.put
	f.read = func(d *decoder, n *doc.Node, s *SignalOutput) {
		read(d, n, s)
		if defs := *at(s); indexed && defs != nil {
			for name, def := range defs.All() {
				if def.Type != param.String && def.Type != param.Long {
					d.errorf(n.Field(name), "SignalOutputDefinition params [%s] of type %s: only support param type LONG or STRING", name, def.Type)
				}
			}
		}
	}
	f.put = func(dst []byte, name string, s *SignalOutput) []byte {
		if (*at(s)).Len() == 0 {
			return dst
		}
		return put(dst, name, s)
	}
	return f
}

var matchObject = &object[Match]{
	name: "signalMatchParam", about: "What a param of the signal must be.",
	fields: []field[Match]{
		{
			name: "value", about: "A text or an integer.", shape: `{"type":["string","integer","number","null"]}`,
			read: func(d *decoder, n *doc.Node, m *Match) {
				switch n.Kind {
				case doc.Number:
					v, ok := d.long(n)
					m.Value = MatchValue{Long: v, IsLong: ok}
				default:
					if text, ok := n.AsText(); ok {
						m.Value = MatchValue{Text: text, IsText: true}
						break
					}
					d.errorf(n, "must be a string or an integer, not %s", describe(n))
				}
			},
			put: func(dst []byte, name string, m *Match) []byte {
				if !m.Value.IsLong && !m.Value.IsText {
					return dst
				}
				return m.Value.AppendJSON(doc.AppendKey(dst, name))
			},
		},
		enumField("operator", "How to compare; texts compare lexicographically.", operators, func(m *Match) *Operator { return &m.Operator }).required(),
	},
}

var signalMatchObject = &object[SignalMatch]{
	name: "signalMatch", about: "One signal of a trigger.",
	fields: []field[SignalMatch]{
		mapField("match_params", "What params of the signal must be.", mapOf("signalMatchParam"),
			func(s *SignalMatch) *[]Match { return &s.Match },
			func(m *Match) *string { return &m.Param },
			func(d *decoder, n *doc.Node, m *Match) {
				if matchObject.read(d, n, m) && n.Field("operator").IsNull() {
					d.errorf(n, "[signal-trigger] match param [%s] needs an operator: %s", m.Param, join(operators.words))
				}
			},
			func(dst []byte, m *Match) []byte { return matchObject.put(dst, m) }),
		{
			name: "join_keys", about: "Params that must be equal over all signals of the trigger, by position.", shape: shapeTexts,
			read: func(d *decoder, n *doc.Node, s *SignalMatch) { s.JoinKeys = d.texts(n) },
			put: func(dst []byte, name string, s *SignalMatch) []byte {
				if len(s.JoinKeys) == 0 {
					return dst
				}
				return doc.AppendTexts(doc.AppendKey(dst, name), s.JoinKeys)
			},
		},
	},
}

var signalTriggerObject = &object[SignalTrigger]{
	name: "signalTrigger", about: "Starts a run when all of its signals have arrived.",
	fields: []field[SignalTrigger]{
		mapField("definitions", "The signals, at most 8: name to what must match.", mapOf("signalMatch"),
			func(t *SignalTrigger) *[]SignalMatch { return &t.Definitions },
			func(s *SignalMatch) *string { return &s.Signal },
			func(d *decoder, n *doc.Node, s *SignalMatch) { signalMatchObject.read(d, n, s) },
			func(dst []byte, s *SignalMatch) []byte { return signalMatchObject.put(dst, s) }).required(),
		triggerParams(),
		textField("condition", "Expression: whether the run is started.", func(t *SignalTrigger) *Opt[string] { return &t.Condition }),
		textField("dedup_expr", "Expression that gives a text; the same text starts one run only.", func(t *SignalTrigger) *Opt[string] { return &t.DedupExpr }),
	},
}

func triggerParams() field[SignalTrigger] {
	f := paramsField("params", "Params evaluated when the trigger fires.", func(t *SignalTrigger) **param.Defs { return &t.Params })
	put := f.put
	f.put = func(dst []byte, name string, t *SignalTrigger) []byte {
		if t.Params.Len() == 0 {
			return dst
		}
		return put(dst, name, t)
	}
	return f
}

// AppendJSON appends the trigger, empty members left out.
func (t *SignalTrigger) AppendJSON(dst []byte) []byte { return signalTriggerObject.put(dst, t) }

// AppendJSON appends the dependency, empty members left out.
func (s *SignalDependency) AppendJSON(dst []byte) []byte { return dependencyObject.put(dst, s) }

// AppendJSON appends the output, empty members left out.
func (s *SignalOutput) AppendJSON(dst []byte) []byte { return outputObject.put(dst, s) }
