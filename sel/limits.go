package sel

// Limits bound one evaluation. A zero field means its default.
type Limits struct {
	Length int   // of the text, in UTF-16 units, exclusive
	Loop   int   // iterations one loop may complete, exclusive
	Array  int   // length of a new array, exclusive
	Stack  int   // operands pending at once, inclusive
	Visits int64 // steps, exclusive; long built-ins count one step for every few characters they read
	Memory int64 // bytes of all values made, exclusive; nothing is ever released
}

// defaultLimits are those of a server that is not configured otherwise.
func defaultLimits() Limits {
	return Limits{Length: 10000, Loop: 25001, Array: 25001, Stack: 128, Visits: 100_000_000, Memory: 100_000_000}
}

// MaxLength is the length no configured limit can exceed: the depth of a tree, and so the stack it takes to walk it, is
// bounded by the length of its text.
const MaxLength = 1 << 20

func (l Limits) withDefaults() Limits {
	d := defaultLimits()
	if l.Length > 0 {
		d.Length = min(l.Length, MaxLength)
	}
	if l.Loop > 0 {
		d.Loop = l.Loop
	}
	if l.Array > 0 {
		d.Array = l.Array
	}
	if l.Stack > 0 {
		d.Stack = l.Stack
	}
	if l.Visits > 0 {
		d.Visits = l.Visits
	}
	if l.Memory > 0 {
		d.Memory = l.Memory
	}
	return d
}
