package scope

import (
	"errors"

	"maestro/param"
	"maestro/sel"
)

// Interpolate implements param.Evaluator (params 3.2). Values are put in as package param prints them, so that maps keep
// the order of their author.
func (s *session) Interpolate(text string, lookup func(name string) (param.Value, error)) (string, error) {
	out, err := sel.Interpolate(s.meter, text, func(name string) (sel.Value, bool, error) {
		v, err := lookup(name)
		if err != nil {
			return sel.Value{}, false, err
		}
		in, err := s.text(v)
		return sel.String(in), true, err
	})
	if err == nil {
		return out, nil
	}
	if e, ok := errors.AsType[*param.Error](err); ok {
		return "", e // what the name lacks says more than where it stands
	}
	if s.meter.Err() != nil {
		return "", s.meter.Err()
	}
	return "", param.Wrap(param.Internal, err, "%s", err)
}

// text is a value as a text that is charged for before it is made.
func (s *session) text(v param.Value) (string, error) {
	if v.Type() != param.String {
		if n := v.TextBound(); !s.meter.Spend(int64(n>>2), 2*int64(n)) {
			return "", s.meter.Err()
		}
	}
	return v.String(), nil
}
