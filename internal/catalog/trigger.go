package catalog

import (
	"maestro/internal/uuid"
	"maestro/spec"
)

// Trigger ids follow from what a trigger says (signals 5.2, 8.4): they change when it changes, and only then. All time
// triggers of a workflow share one id, each signal trigger has its own.

// TimeTriggerID returns the id of the time triggers of a workflow, or "" when it has none.
func TimeTriggerID(w *spec.Workflow) string {
	if len(w.TimeTriggers) == 0 {
		return ""
	}
	var text []byte
	for i := range w.TimeTriggers {
		text = append(w.TimeTriggers[i].AppendJSON(text), '\n')
	}
	return uuid.Format(uuid.OfText(text))
}

// SignalTriggerID returns the id of a signal trigger.
func SignalTriggerID(t *spec.SignalTrigger) string {
	return uuid.Format(uuid.OfText(t.AppendJSON(nil)))
}

// TriggerIDs returns the ids of all triggers of a workflow.
func TriggerIDs(w *spec.Workflow) []string {
	var ids []string
	if id := TimeTriggerID(w); id != "" {
		ids = append(ids, id)
	}
	for i := range w.SignalTriggers {
		ids = append(ids, SignalTriggerID(&w.SignalTriggers[i]))
	}
	return ids
}
