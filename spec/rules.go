package spec

import (
	"time"

	"maestro/internal/doc"
)

// Rules are what a definition is measured against. The zero value holds the limits of §11 and the built-in step types.
type Rules struct {
	Types     Types  // step types; empty: BuiltinTypes
	Separator string // between step and param in a reference; default "__"

	IDLength    int // default 128
	NameLength  int // default 256
	Description int // default 16384

	MaxSteps               int // step ids of a definition, nested ones included; default DefaultMaxSteps
	MaxBytes               int // of a push request, written again as compact JSON; default 256 KiB
	MaxForeachConcurrency  int // default 500
	MaxInstanceConcurrency int // exclusive; default 1000
	MaxConcurrency         int // of workflows and steps; default 1000
	MaxTriggerSignals      int // default 8

	MaxTimeout     time.Duration // default 120 days
	TriggerSpacing time.Duration // least time between two fires; default 2 minutes

	// Strict turns findings about definitions that the reference accepts, although they can never run as written, from
	// warnings into errors: unknown successors and cycles inside of loops, loops without steps.
	Strict bool

	// Now is when schedules are looked at. The zero time leaves their spacing unchecked.
	Now time.Time
}

// DefaultMaxSteps is how many steps a definition may have where nothing else is said.
const DefaultMaxSteps = 300

// Limits bounds the text of a push. Written again as compact JSON, each value but the nulls takes two bytes at least, so a
// text with more values than that is refused before much is made of it.
func (r Rules) Limits() doc.Limits {
	r = r.orDefaults()
	return doc.Limits{Bytes: 16 * r.MaxBytes, Nodes: r.MaxBytes / 2}
}

func or[T comparable](v *T, fallback T) {
	var zero T
	if *v == zero {
		*v = fallback
	}
}

func (r Rules) orDefaults() Rules {
	if len(r.Types) == 0 {
		r.Types = builtinTypes
	}
	or(&r.Separator, "__")
	or(&r.IDLength, 128)
	or(&r.NameLength, 256)
	or(&r.Description, 16384)
	or(&r.MaxSteps, DefaultMaxSteps)
	or(&r.MaxBytes, 256<<10)
	or(&r.MaxForeachConcurrency, 500)
	or(&r.MaxInstanceConcurrency, 1000)
	or(&r.MaxConcurrency, 1000)
	or(&r.MaxTriggerSignals, 8)
	or(&r.MaxTimeout, 120*24*time.Hour)
	or(&r.TriggerSpacing, 2*time.Minute)
	return r
}
