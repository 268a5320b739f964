package signal

import (
	"cmp"
	"strconv"
	"strings"

	"maestro/internal/doc"
)

// Value is a param of a signal: a text or a 64-bit integer. The zero Value is the empty text.
type Value struct {
	Text   string
	Long   int64
	IsLong bool
}

// Text returns a text value.
func Text(s string) Value { return Value{Text: s} }

// Long returns an integer value.
func Long(n int64) Value { return Value{Long: n, IsLong: true} }

// Compare orders values: texts by their bytes, before integers by their size. Values of different kinds are never equal
// and never in a range with each other; that order only makes lists sortable.
func (v Value) Compare(w Value) int {
	switch {
	case v.IsLong != w.IsLong:
		if v.IsLong {
			return 1
		}
		return -1
	case v.IsLong:
		return cmp.Compare(v.Long, w.Long)
	default:
		return strings.Compare(v.Text, w.Text)
	}
}

// AppendJSON appends the value.
func (v Value) AppendJSON(dst []byte) []byte {
	if v.IsLong {
		return strconv.AppendInt(dst, v.Long, 10)
	}
	return doc.AppendString(dst, v.Text)
}

// Params are the params of one instance, in the order in which they were given.
type Params []Param

// Param is one of them.
type Param struct {
	Name  string
	Value Value
}

// Get returns the value of a param.
func (p Params) Get(name string) (Value, bool) {
	for i := range p {
		if p[i].Name == name {
			return p[i].Value, true
		}
	}
	return Value{}, false
}

// AppendJSON appends the params as an object.
func (p Params) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range p {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(doc.AppendString(dst, p[i].Name), ':')
		dst = p[i].Value.AppendJSON(dst)
	}
	return append(dst, '}')
}

// DecodeParams reads what Params.AppendJSON wrote, or nil where there is nothing.
func DecodeParams(data []byte) (Params, error) {
	if len(data) == 0 {
		return nil, nil
	}
	n, err := doc.ParseJSON(data, doc.Limits{})
	if err != nil {
		return nil, err
	}
	return paramsOf(n), nil
}

// paramsOf reads an object whose values are texts and integers; what is neither is left out.
func paramsOf(n *doc.Node) Params {
	if n.IsNull() || len(n.Members) == 0 {
		return nil
	}
	out := make(Params, 0, len(n.Members))
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Value.Kind {
		case doc.String:
			out = append(out, Param{m.Name, Text(m.Value.Text)})
		case doc.Number:
			if v, err := strconv.ParseInt(m.Value.Text, 10, 64); err == nil {
				out = append(out, Param{m.Name, Long(v)})
			}
		default:
		}
	}
	return out
}
