// Package instancetest drives runs in tests that are not about what runs ask. It is never part of a program.
package instancetest

import "maestro/internal/instance"

// Apply applies an event and answers what is asked as if nothing stood in the way.
func Apply(r *instance.Run, ev instance.Event) (instance.Pass, error) { return r.Play(ev, Free) }

// Free answers that no breakpoint is set, that permits are free, that there are no job templates, that each signal is
// announced as it is, and that earlier runs kept nothing.
func Free(ask instance.Ask) instance.Event {
	switch q := ask.(type) {
	case instance.AskBreakpoint:
		return instance.BreakpointFound{Step: q.Step, Attempt: q.Attempt}
	case instance.AskPermits:
		return instance.Permitted{Step: q.Step, Attempt: q.Attempt}
	case instance.AskTemplate:
		return instance.TemplateFound{Step: q.Step, Attempt: q.Attempt, Template: &instance.Template{}}
	case instance.AskNumbers:
		return instance.Numbered{Step: q.Step, Attempt: q.Attempt, Signals: q.Signals}
	case instance.AskKept:
		return instance.KeptFound{}
	default:
		return nil
	}
}
