package sel

import "maestro/internal/meter"

// Limits bound one evaluation. A zero field means its default. Visits and Memory are for an evaluation without
// [Env.Meter].
type Limits struct {
	Length int   // of the text, in UTF-16 units, exclusive
	Loop   int   // iterations one loop may complete, exclusive
	Array  int   // length of a new array, exclusive
	Stack  int   // operands pending at once, inclusive
	Visits int64 // steps, exclusive; built-ins count as many steps as they take time
	Memory int64 // bytes of all values made, exclusive; nothing is ever released
}

// defaultLimits are those of a server that is not configured otherwise.
func defaultLimits() Limits {
	return Limits{Length: 10000, Loop: 25001, Array: 25001, Stack: 128, Visits: meter.DefaultWork, Memory: meter.DefaultMemory}
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
