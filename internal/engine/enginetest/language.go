package enginetest

import (
	"sync"

	"maestro/internal/language"
	"maestro/internal/scope"
	"maestro/param"
)

var defaults = sync.OnceValues(func() (*param.Defaults, error) { return param.LoadDefaults(param.DefaultOverrides{}) })

// Language returns the language of programs.
func Language() (*language.Language, error) {
	d, err := defaults()
	if err != nil {
		return nil, err
	}
	return language.New(language.Config{Exprs: scope.New(scope.Config{}), Defaults: d}), nil
}
