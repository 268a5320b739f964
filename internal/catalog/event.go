package catalog

import (
	"strconv"

	"maestro/internal/doc"
	"maestro/internal/store"
)

// The types of events about definitions (runtimes 8.2).
const (
	typePushed      = "WORKFLOW_DEFINITION_CHANGE_EVENT" // a push with properties
	typeVersioned   = "WORKFLOW_VERSION_CHANGE_EVENT"    // a push without
	typeProperties  = "WORKFLOW_PROPERTIES_CHANGE_EVENT"
	typeActivated   = "WORKFLOW_ACTIVATION_CHANGE_EVENT"
	typeDeactivated = "WORKFLOW_DEACTIVATION_CHANGE_EVENT"
	typeDeleted     = "WORKFLOW_DELETION_CHANGE_EVENT"
)

// event is what is published about a change of a workflow. It says that something changed, not what: readers ask the API.
type event struct {
	kind     string
	workflow string
	name     string
	author   string
	cluster  string
	version  int64
	current  int64 // active version
	previous int64 // active version before
	internal int64
	at       int64 // also the id of the properties snapshot, if there is a new one
}

func (c *Catalog) event(kind string, row *store.Workflow, caller string, at int64) event {
	return event{kind: kind, workflow: row.ID, author: caller, cluster: c.cfg.Cluster, current: row.Active, internal: row.Internal, at: at}
}

// appendJSON appends the payload. sync_time and send_time are those of the commit that publishes it; a publisher that
// sends it on later may put in its own.
func (e event) appendJSON(dst []byte) []byte {
	dst = doc.AppendString(append(dst, `{"workflow_id":`...), e.workflow)
	if e.name != "" {
		dst = doc.AppendString(append(dst, `,"workflow_name":`...), e.name)
	}
	dst = doc.AppendString(append(dst, `,"author":`...), e.author)
	number := func(name string, n int64) {
		dst = append(append(append(dst, `,"`...), name...), `":`...)
		dst = strconv.AppendInt(dst, n, 10)
	}
	pushed := e.kind == typePushed || e.kind == typeVersioned
	if pushed {
		number("version_id", e.version)
	}
	if pushed || e.kind == typeActivated {
		number("current_active_version_id", e.current)
	}
	if pushed || e.kind == typeActivated || e.kind == typeDeactivated {
		number("previous_active_version_id", e.previous)
	}
	if e.kind == typePushed || e.kind == typeProperties {
		number("snapshot_id", e.at)
	}
	if e.kind == typeDeleted {
		number("internal_id", e.internal)
	}
	dst = doc.AppendString(append(dst, `,"cluster_name":`...), e.cluster)
	number("event_time", e.at)
	number("sync_time", e.at)
	number("send_time", e.at)
	dst = append(append(dst, `,"type":"`...), e.kind...)
	return append(dst, `"}`...)
}
