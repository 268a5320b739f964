package sel

import "maestro/internal/meter"

// Env is all that a script can reach. The zero Env has no inputs, no functions, no clock and default limits. A script
// calls back on the goroutine that called [Script.Run].
type Env struct {
	// Lookup finds an input. It is called at most once for a bare name, when the script first uses it, be it to read or to
	// assign it; the caller decides which names exist, usually those of [Script.Names]. False means unknown, which the
	// script sees as NULL. The value is copied.
	Lookup func(name string) (Value, bool, error)

	// Params finds what params['name'] reads, each time it is read. Nil means Lookup.
	Params func(name string) (Value, bool, error)

	// Call runs params.fn(args…) for a name that is not built in. All arguments are strings. Nil means there are no such
	// functions. To refuse a name, return an [Error] of kind [FailUnsupported].
	Call func(fn string, args []Value) (Value, error)

	// Now is the clock, in epoch milliseconds, and Random a source of random bits. A script that needs one that is
	// nil fails.
	Now    func() int64
	Random func() uint64

	// Meter is charged for all that the script does. Scripts that share one share its limits. Nil means one for this run
	// alone, with the limits of Limits.
	Meter *meter.Meter

	Limits      Limits
	DefaultZone string // zone id; "" is UTC
}

func (m *machine) now() (int64, *Error) {
	if m.env.Now == nil {
		return 0, fail(FailUnsupported, "no clock is available here")
	}
	return m.env.Now(), nil
}

func (m *machine) random() (uint64, *Error) {
	if m.env.Random == nil {
		return 0, fail(FailUnsupported, "no random source is available here")
	}
	return m.env.Random(), nil
}
