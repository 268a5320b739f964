package server

import (
	"maestro/internal/instance"
)

// instanceActions returns which actions a workflow instance can be asked for in each status (spec/api 5.6).
func instanceActions() []byte {
	var dst []byte
	for s := instance.Created; s <= instance.RunSucceeded; s++ {
		actions := []string{"RESTART"}
		switch {
		case !s.Terminal():
			actions = []string{"STOP", "KILL"}
		case s == instance.RunFailed:
			actions = []string{"RESTART", "UNBLOCK"}
		}
		dst = appendActions(dst, s.String(), actions)
	}
	return append(dst, '}')
}

// stepActions returns which actions a step can be asked for in each status. A step that was not created has none.
func stepActions() []byte {
	var dst []byte
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
		dst = appendActions(dst, s.String(), actions)
	}
	return append(dst, '}')
}

func appendActions(dst []byte, status string, actions []string) []byte {
	if dst == nil {
		dst = append(dst, '{')
	} else {
		dst = append(dst, ',')
	}
	dst = append(append(append(dst, '"'), status...), `":[`...)
	for i, a := range actions {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), a...), '"')
	}
	return append(dst, ']')
}
