package signal

import (
	"slices"

	"maestro/internal/doc"
)

// Op compares a param of an instance with a wanted value (spec 2.1).
type Op uint8

// The operators. The instance's value stands on the left.
const (
	Equal Op = iota
	Greater
	GreaterOrEqual
	Less
	LessOrEqual
)

var opNames = [...]string{"=", ">", ">=", "<", "<="}

// String returns the operator as it is written.
func (o Op) String() string { return opNames[o] }

// ParseOp returns the operator that is written so.
func ParseOp(s string) (Op, bool) {
	i := slices.Index(opNames[:], s)
	return Op(max(i, 0)), i >= 0
}

// Match is what one param of an instance must be.
type Match struct {
	Param string
	Op    Op
	Value Value
}

// Holds reports whether a value is as the match wants it. Values of different kinds never are.
func (m *Match) Holds(v Value) bool {
	if v.IsLong != m.Value.IsLong {
		return false
	}
	c := v.Compare(m.Value)
	switch m.Op {
	case Equal:
		return c == 0
	case Greater:
		return c > 0
	case GreaterOrEqual:
		return c >= 0
	case Less:
		return c < 0
	default:
		return c <= 0
	}
}

// Matches is what an instance must be: all of it at once, and no more is asked of the params it does not name.
type Matches []Match

// Hold reports whether params are as all matches want them. A param that is absent never is.
func (m Matches) Hold(p Params) bool {
	for i := range m {
		v, ok := p.Get(m[i].Param)
		if !ok || !m[i].Holds(v) {
			return false
		}
	}
	return true
}

// Dependency is a signal that somebody waits for: its evaluated name and what its params must be.
type Dependency struct {
	Name  string
	Match Matches
}

// AppendDependencies appends dependencies as they are stored and, with their states, shown (spec 3.3).
func AppendDependencies(dst []byte, list []Dependency) []byte {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		d := &list[i]
		dst = doc.AppendString(append(dst, `{"name":`...), d.Name)
		for k := range d.Match {
			m := &d.Match[k]
			sep := `,"match_params":{`
			if k > 0 {
				sep = `,`
			}
			dst = append(doc.AppendString(append(dst, sep...), m.Param), `:{"value":`...)
			dst = m.Value.AppendJSON(dst)
			dst = append(doc.AppendString(append(dst, `,"operator":`...), m.Op.String()), '}')
		}
		if len(d.Match) > 0 {
			dst = append(dst, '}')
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// DecodeDependencies reads what AppendDependencies wrote.
func DecodeDependencies(data []byte) ([]Dependency, error) {
	n, err := doc.ParseJSON(data, doc.Limits{})
	if err != nil {
		return nil, err
	}
	list := make([]Dependency, len(n.Items))
	for i, item := range n.Items {
		d := &list[i]
		if name := item.Field("name"); name != nil {
			d.Name = name.Text
		}
		params := item.Field("match_params")
		if params.IsNull() {
			continue
		}
		for k := range params.Members {
			p := &params.Members[k]
			m := Match{Param: p.Name}
			if op := p.Value.Field("operator"); op != nil {
				m.Op, _ = ParseOp(op.Text)
			}
			if v := paramsOf(&doc.Node{Kind: doc.Object, Members: []doc.Member{{Value: orNull(p.Value.Field("value"))}}}); len(v) == 1 {
				m.Value = v[0].Value
			}
			d.Match = append(d.Match, m)
		}
	}
	return list, nil
}

func orNull(n *doc.Node) *doc.Node {
	if n == nil {
		return &doc.Node{}
	}
	return n
}
