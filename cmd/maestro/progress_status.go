package main

import "maestro/client"

// reason explains a status that says little by itself.
func reason(status string) string {
	switch status {
	case "UNSATISFIED":
		return "condition false"
	case "DISABLED":
		return "disabled"
	}
	return ""
}

// working reports whether a step with this status does what it is there for.
func working(status string) bool {
	return status == "STARTING" || status == "RUNNING" || status == "FINISHING"
}

// held reports whether a step with this status waits for somebody else.
func held(status string) bool {
	return status == "WAITING_FOR_SIGNALS" || status == "WAITING_FOR_PERMITS" || status == "PAUSED"
}

// notable reports whether a change to this status is worth a line. The others are passed through within milliseconds;
// a step that stays in one is mentioned later, see tick.
func notable(status string) bool {
	return status == "RUNNING" || status == "PAUSED" || client.StepTerminal(status)
}

// retrying reports whether another attempt follows by itself.
func retrying(status string) bool {
	return status == "USER_FAILED" || status == "PLATFORM_FAILED" || status == "TIMEOUT_FAILED"
}

// standing is the few classes of status that a view and a final line tell apart.
type standing int

const (
	succeeded standing = iota
	skipped
	ignored
	failed
	stopped
	timedOut
	active
	pending
	standings // how many there are
)

// word names the standing in the final line.
func (s standing) word() string {
	return [...]string{"succeeded", "skipped", "completed with error", "failed", "stopped", "timed out", "running", "not started"}[s]
}

// done reports whether nothing further is expected of the step.
func (s standing) done() bool { return s < active }

// bad reports whether the step is why the run may not succeed.
func (s standing) bad() bool { return s == failed || s == stopped || s == timedOut }

// stand returns the standing of a status. ended says that the run is over, so that nothing is retried any more.
func stand(status string, ended bool) standing {
	switch status {
	case "SUCCEEDED":
		return succeeded
	case "SKIPPED", "UNSATISFIED", "DISABLED":
		return skipped
	case "COMPLETED_WITH_ERROR":
		return ignored
	case "FATALLY_FAILED", "INTERNALLY_FAILED":
		return failed
	case "STOPPED":
		return stopped
	case "TIMED_OUT":
		return timedOut
	case "NOT_CREATED", "CREATED":
		return pending
	}
	if retrying(status) && ended {
		return failed
	}
	return active
}

// glyph is the mark in front of a step.
func (s standing) glyph(unicode bool) string {
	if !unicode {
		return [...]string{"+", "-", "!", "x", "x", "x", ">", "."}[s]
	}
	return [...]string{"✓", "–", "!", "✗", "■", "✗", "●", "·"}[s]
}

func (s standing) style() style {
	return [...]style{green, dim, yellow, red, yellow, red, blue, dim}[s]
}

// tally is how many steps have one standing.
type tally struct {
	standing standing
	n        int
}

// tallies counts the steps by standing, in the order in which they are told.
func (v *progress) tallies() []tally {
	out := make([]tally, standings)
	for i := range out {
		out[i].standing = standing(i)
	}
	for _, s := range v.steps {
		out[stand(s.status, v.ended != 0)].n++
	}
	return out
}
