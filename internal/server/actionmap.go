package server

import (
	"maestro/internal/doc"
	"maestro/internal/instance"
)

// instanceActions returns which actions a workflow instance can be asked for in each status (spec/api 5.6).
func instanceActions() []byte {
	o := doc.Open(nil)
	for s := instance.Created; s <= instance.RunSucceeded; s++ {
		actions := []string{"RESTART"}
		switch {
		case !s.Terminal():
			actions = []string{"STOP", "KILL"}
		case s == instance.RunFailed:
			actions = []string{"RESTART", "UNBLOCK"}
		}
		o.Key(s.String())
		o.Out = doc.AppendTexts(o.Out, actions)
	}
	return o.Close()
}

// stepActions returns which actions a step can be asked for in each status. A step that was not created has none.
func stepActions() []byte {
	o := doc.Open(nil)
	for _, s := range instance.StepStatuses() {
		var actions []string
		switch s {
		case instance.NotCreated:
			continue
		case instance.StepCreated:
			actions = []string{"PAUSE", "STOP", "KILL"}
		case instance.Initialized:
			actions = []string{"PAUSE", "STOP", "KILL", "SKIP"}
		case instance.StepPaused:
			actions = []string{"RESUME", "STOP", "KILL", "SKIP"}
		case instance.WaitingForSignals:
			actions = []string{"STOP", "KILL", "SKIP", "BYPASS_STEP_DEPENDENCIES"}
		case instance.Disabled, instance.Unsatisfied:
			actions = []string{"RESTART"}
		default:
			actions = []string{"STOP", "KILL", "SKIP"}
			if s.Terminal() && !s.Retryable() {
				actions = []string{"RESTART", "SKIP"}
			}
		}
		o.Key(s.String())
		o.Out = doc.AppendTexts(o.Out, actions)
	}
	return o.Close()
}
