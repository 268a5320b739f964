package param

import "maestro/internal/doc"

// The limits of params 12.
const (
	MaxRunParams = 128     // params of one start or restart request
	MaxSize      = 750_000 // characters of the JSON of all params of a run or step attempt
)

var reservedNames = [...]string{
	"maestro", "Maestro", "MAESTRO", "scheduler", "Scheduler", "SCHEDULER", "util", "Util", "UTIL", "params", "Params", "PARAMS",
	"AUTH_BLOB", "AUTH_DATA", "AUTH_ACTING_ON_BEHALF_OF_BLOB", "AUTH_TRIGGERING_ON_BEHALF_OF_BLOB", "AUTHORIZED_MANAGERS",
}

// IsReservedName reports whether run params may not have this name (params 12).
func IsReservedName(name string) bool {
	for _, r := range reservedNames {
		if r == name {
			return true
		}
	}
	return false
}

// CheckRunParams reports what run params may not be although they decode: too many, named like a system object, or
// with a source (params 12). Problems are reported at path, which begins the message as clients know it.
func CheckRunParams(defs *Defs, path string, p *doc.Problems) {
	if defs.Len() > MaxRunParams {
		p.Errorf(nil, path, "[param definition] contain the number of params [%d] more than param size limit %d", defs.Len(), MaxRunParams)
	}
	for name, d := range defs.All() {
		if IsReservedName(name) {
			p.Errorf(nil, path, "[param definition] cannot use any of reserved param names - rejected value is [%s]", name)
		}
		if d.hasSource() {
			p.Errorf(nil, path, "[param definition] users cannot set param source for a param: %s", name)
		}
	}
}

// CheckSize returns an error when the params as JSON are longer than MaxSize characters. The JSON is made only when
// params are so large that it might be.
func CheckSize(p *Params) error {
	bound := 2
	for i := range p.Len() {
		d := p.vals[i].Def
		bound += 400 + 6*(len(p.names[i])+len(d.Expression)+len(d.Validator)) + 200*len(d.Tags) + valueBound(d.Value) + valueBound(p.vals[i].Result)
	}
	if bound <= MaxSize {
		return nil
	}
	if n := units(p.AppendJSON(nil)); n > MaxSize {
		return Errorf(IllegalArgument, "Parameters' total size [%d] is larger than system limit [%d]", n, MaxSize)
	}
	return nil
}

// TextBound returns at least the length of the text of v.
func (v Value) TextBound() int { return valueBound(v) }

// valueBound is at least the length of the JSON of v.
func valueBound(v Value) int {
	n := 32 + 6*len(v.text)
	switch r := v.ref.(type) {
	case []string:
		for _, s := range r {
			n += 3 + 6*len(s)
		}
	case *nullable:
		for _, s := range r.items {
			n += 6 + 6*len(s)
		}
	case []int64:
		n += 21 * len(r)
	case []float64:
		n += 32 * len(r)
	case *decimals:
		for _, s := range r.texts {
			n += 1 + len(s)
		}
	case []bool:
		n += 6 * len(r)
	case *Texts:
		for k, s := range r.All() {
			n += 6 + 6*(len(k)+len(s))
		}
	case *Values:
		for k, v := range r.All() {
			n += 4 + 6*len(k) + valueBound(v)
		}
	case *Defs:
		for k, d := range r.All() {
			n += 300 + 6*(len(k)+len(d.Expression)+len(d.Validator)) + 200*len(d.Tags) + valueBound(d.Value)
		}
	}
	return n
}
