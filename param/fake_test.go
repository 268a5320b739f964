package param_test

import (
	"strconv"
	"strings"

	"maestro/param"
)

// fake is a tiny expression language for tests: sums of names, numbers, 'texts' and the array literals [1,2] and
// ['a','b']; fail(…) fails. It interpolates ${name} and $name without escapes but $$.
type fake struct{ runs int }

type fakeScript struct {
	terms []string
	names []string
}

func (s *fakeScript) Names() []string { return s.names }

func (f *fake) Compile(expr string) (param.Script, error) {
	s := &fakeScript{}
	for _, t := range strings.Split(strings.TrimSuffix(strings.TrimSpace(expr), ";"), " + ") {
		t = strings.TrimSpace(t)
		if t == "" || strings.HasSuffix(t, "+") {
			return nil, param.Errorf(param.InvalidExpression, "Expression validator throws an exception for expr=[%s]", expr)
		}
		s.terms = append(s.terms, t)
		if c := t[0] | 0x20; (c >= 'a' && c <= 'z' || c == '_') && t != "true" && t != "false" && !strings.HasPrefix(t, "fail(") && !strings.HasPrefix(t, "map(") {
			s.names = append(s.names, t)
		}
	}
	return s, nil
}

func (f *fake) Run(script param.Script, expr string, frame param.Frame) (param.Value, error) {
	f.runs++
	var out param.Value
	for i, t := range script.(*fakeScript).terms {
		v, err := f.term(t, expr, frame)
		if err != nil {
			return param.Value{}, err
		}
		switch {
		case i == 0:
			out = v
		case out.Type() == param.Long && v.Type() == param.Long:
			out = param.LongValue(out.Long() + v.Long())
		default:
			out = param.StringValue(out.String() + v.String())
		}
	}
	return out, nil
}

func (f *fake) term(t, expr string, frame param.Frame) (param.Value, error) {
	if v, ok := frame.Lookup(t); ok {
		return v, nil
	}
	switch {
	case t == "true" || t == "false":
		return param.BooleanValue(t == "true"), nil
	case t[0] == '\'':
		return param.StringValue(strings.Trim(t, "'")), nil
	case strings.HasPrefix(t, "['"):
		return param.StringArrayValue(strings.Split(strings.ReplaceAll(strings.Trim(t, "[]"), "'", ""), ",")), nil
	case t[0] == '[':
		var out []int64
		for _, n := range strings.Split(strings.Trim(t, "[]"), ",") {
			i, _ := strconv.ParseInt(n, 10, 64)
			out = append(out, i)
		}
		return param.LongArrayValue(out), nil
	case strings.HasPrefix(t, "map("):
		k, v, _ := strings.Cut(strings.Trim(t[3:], "()"), "=")
		m := &param.Values{}
		m.Set(k, param.StringValue(v))
		return param.MapValue(m), nil
	case strings.ContainsAny(t, ".eE"):
		d, err := strconv.ParseFloat(t, 64)
		if err == nil {
			return param.DoubleValue(d), nil
		}
	default:
		if n, err := strconv.ParseInt(t, 10, 64); err == nil {
			return param.LongValue(n), nil
		}
	}
	return param.Value{}, param.Errorf(param.InvalidExpression, "BAD_REQUEST - Expression evaluation throws an exception for expr=[%s]", expr)
}

func (f *fake) Interpolate(text string, lookup func(string) (param.Value, error)) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); {
		if text[i] != '$' {
			b.WriteByte(text[i])
			i++
			continue
		}
		name, end := fakeName(text, i)
		if name == "" {
			b.WriteByte('$')
			if i++; i < len(text) && text[i] == '$' {
				if _, after := fakeName(text, i); after > i {
					b.WriteString(text[i+1 : after])
					i = after
				} else {
					i++
				}
			}
			continue
		}
		v, err := lookup(name)
		if err != nil {
			return "", err
		}
		b.WriteString(v.String())
		i = end
	}
	return b.String(), nil
}

func fakeName(s string, i int) (string, int) {
	j := i + 1
	braces := j < len(s) && s[j] == '{'
	if braces {
		j++
	}
	from := j
	for j < len(s) && (s[j] == '_' || s[j]|0x20 >= 'a' && s[j]|0x20 <= 'z' || j > from && s[j] >= '0' && s[j] <= '9') {
		j++
	}
	if j == from || s[from] == '_' || braces && (j == len(s) || s[j] != '}') {
		return "", i
	}
	if braces {
		return s[from:j], j + 1
	}
	return s[from:j], j
}

// inWorkflow resolves names as workflow level does.
type inWorkflow struct{}

func (inWorkflow) Resolve(e *param.Evaluation, referrer, name string) (param.Value, error) {
	v, ok, err := e.Own(name)
	if !ok && err == nil {
		err = param.Errorf(param.Validation, "Param [%s] referenced a non-existing param [%s] in %s", referrer, name, e.Where)
	}
	return v, err
}

// evaluate evaluates defs as workflow params at time 7.
func evaluate(defs *param.Defs) (*param.Params, error) {
	p := param.NewParams(defs)
	e := param.Evaluation{Params: p, Exprs: &fake{}, Names: inWorkflow{}, Where: "workflow [w]", Now: 7}
	return p, e.All()
}
