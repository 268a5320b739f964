package spec

// Opt is a value that may be absent. Absence is kept apart from the zero value because what a user did not write is
// neither defaulted nor printed (§2.2).
type Opt[T any] struct {
	Value T
	Set   bool
}

// Some returns v as a present value.
func Some[T any](v T) Opt[T] { return Opt[T]{Value: v, Set: true} }

// Or returns the value, or fallback when it is absent.
func (o Opt[T]) Or(fallback T) T {
	if o.Set {
		return o.Value
	}
	return fallback
}
