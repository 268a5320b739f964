package scope

import (
	"errors"

	"maestro/param"
	"maestro/sel"
)

// Interpolate implements param.Evaluator (params 3.2). Values are put in as package param prints them, so that maps keep
// the order of their author.
func (s *session) Interpolate(text string, lookup func(name string) (param.Value, error)) (string, error) {
	out, err := sel.Interpolate(text, func(name string) (sel.Value, bool, error) {
		v, err := lookup(name)
		if err != nil {
			return sel.Value{}, false, err
		}
		return sel.String(v.String()), true, nil
	})
	if err == nil {
		return out, nil
	}
	if e, ok := errors.AsType[*param.Error](err); ok {
		return "", e // what the name lacks says more than where it stands
	}
	return "", param.Wrap(param.Internal, err, "%s", err)
}
