package enginetest

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"

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
	var unique atomic.Int64
	return language.New(language.Config{
		Exprs: scope.New(scope.Config{}), Defaults: d, Random: rand.Uint64,
		UniqueID: func() int64 { return unique.Add(1) },
	}), nil
}
