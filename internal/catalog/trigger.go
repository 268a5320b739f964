package catalog

import (
	"crypto/md5"
	"encoding/hex"

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
	return nameUUID(text)
}

// SignalTriggerID returns the id of a signal trigger.
func SignalTriggerID(t *spec.SignalTrigger) string { return nameUUID(t.AppendJSON(nil)) }

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

// nameUUID returns the version 3 UUID of a text, without a name space in front of it.
func nameUUID(text []byte) string {
	sum := md5.Sum(text)
	sum[6] = sum[6]&0x0f | 0x30
	sum[8] = sum[8]&0x3f | 0x80
	h := hex.EncodeToString(sum[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
