package language_test

import (
	"testing"

	"maestro/internal/language"
	"maestro/internal/scope"
	"maestro/param"
)

// TestLearn_Named makes a set of default params known: only under the name that is made of it.
func TestLearn_Named(t *testing.T) {
	t.Parallel()
	defaults, err := param.LoadDefaults(param.DefaultOverrides{})
	if err != nil {
		t.Fatal(err)
	}
	l := language.New(language.Config{Exprs: scope.New(scope.Config{}), Defaults: defaults})
	if err := l.Learn("another", l.Stored()); err == nil || l.Knows("another") {
		t.Errorf("a set is known under a name that is not its own: %v", err)
	}
	if err := l.Learn(l.Fingerprint(), l.Stored()); err != nil {
		t.Error(err)
	}
}
