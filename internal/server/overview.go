package server

import (
	"net/http"
	"strconv"

	"maestro/api"
	"maestro/internal/catalog"
	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/spec"
)

// overviewRoutes are a workflow at a glance, its history, the list of all workflows, and which actions a status allows
// (spec/api 4.7, 5.6).
func (s *Server) overviewRoutes() {
	s.handle("GET /api/v3/workflows", s.listWorkflows)
	s.handle("GET /api/v3/workflows/{id}/overview", s.overview)
	s.handle("GET /api/v3/workflows/{id}/timeline", s.workflowTimeline)
	s.handle("GET /api/v3/workflows/instances/action-map", func(w http.ResponseWriter, _ *http.Request) error {
		return reply(w, http.StatusOK, instanceActions())
	})
	s.handle("GET /api/v3/workflows/steps/instances/action-map", func(w http.ResponseWriter, _ *http.Request) error {
		return reply(w, http.StatusOK, stepActions())
	})
}

func (s *Server) overview(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	h, err := s.catalog.Peek(r.Context(), id)
	if err != nil {
		return err
	}
	if h == nil {
		return api.Errorf(api.NotFound, "Cannot find workflow [%s], which is either not created or has been deleted.", id)
	}
	var counts store.Counts
	if s.cfg.Counts != nil {
		if counts, err = s.cfg.Counts.Counts(r.Context(), h.Internal); err != nil {
			return err
		}
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		dst = appendVersions(append(dst, '{'), h)
		dst = doc.AppendInt(dst, "default_version_id", h.Default())
		dst = append(append(dst, `,"properties_snapshot":`...), strategySnapshot(h)...)
		if n := h.Snapshot.StepConcurrency; n.Set {
			dst = doc.AppendInt(dst, "step_concurrency", n.Value)
		}
		for i, status := range [...]instance.RunStatus{instance.Created, instance.InProgress, instance.Paused} {
			dst = append(append(dst, [...]string{`,"nonterminal_instances":{"`, `,"`, `,"`}[i]...), status.String()...)
			dst = strconv.AppendInt(append(dst, `":`...), counts.ByStatus[uint8(status)], 10)
		}
		dst = doc.AppendInt(append(dst, '}'), "failed_instances", counts.ByStatus[uint8(instance.RunFailed)])
		if counts.MaxInstance > 0 {
			dst = doc.AppendInt(dst, "latest_instance_id", counts.MaxInstance)
		}
		return append(dst, '}')
	})
}

// appendVersions appends what the overview and the list have in common.
func appendVersions(dst []byte, h *catalog.Head) []byte {
	dst = doc.AppendString(append(dst, `"workflow_id":`...), h.ID)
	if h.Active > 0 {
		dst = doc.AppendInt(dst, "active_version_id", h.Active)
	}
	return doc.AppendInt(dst, "latest_version_id", h.Latest)
}

// strategySnapshot returns the properties with the run strategy that applies, even where none was chosen.
func strategySnapshot(h *catalog.Head) []byte {
	if h.Snapshot.RunStrategy != nil {
		return h.Properties
	}
	shown := *h.Snapshot
	shown.RunStrategy = new(spec.RunStrategy)
	*shown.RunStrategy = h.Snapshot.Strategy()
	return shown.AppendJSON(nil)
}

func (s *Server) workflowTimeline(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	lines, err := s.catalog.Timeline(r.Context(), id)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		dst = doc.AppendString(append(dst, `{"workflow_id":`...), id)
		dst = append(dst, `,"timeline_events":[`...)
		for i, l := range lines {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(dst, `{"author":`...), l.Author...)
			dst = doc.AppendString(append(dst, `,"log":`...), l.Log)
			dst = append(doc.AppendInt(dst, "timestamp", l.At), '}')
		}
		return append(dst, "]}"...)
	})
}

// listWorkflows answers a page of workflows in order of id: GET /api/v3/workflows?first=50&prefix=etl.&cursor=… . The
// reference has no such list; without a query this is a 405 as there, and says what to ask for.
func (s *Server) listWorkflows(w http.ResponseWriter, r *http.Request) error {
	if r.URL.RawQuery == "" {
		w.Header().Set("Allow", "POST")
		return api.Errorf(api.MethodNotAllowed, "to list workflows, say how many: /api/v3/workflows?first=50, and perhaps prefix= and cursor=")
	}
	q := r.URL.Query()
	if !q.Has("first") && !q.Has("last") {
		q.Set("first", "50")
	}
	p, err := parsePage(q)
	if err != nil {
		return err
	}
	if p.Last {
		return api.Errorf(api.BadRequest, "workflows are listed forward only: give first, and the end_cursor of a page as cursor")
	}
	heads, err := s.catalog.List(r.Context(), q.Get("prefix"), p.Cursor, int(p.Size)+1)
	if err != nil {
		return err
	}
	info := pageInfo{HasPrevious: p.Cursor != "", HasNext: len(heads) > int(p.Size), Total: -1}
	heads = heads[:min(len(heads), int(p.Size))]
	if n := len(heads); n > 0 {
		info.Start, info.End = heads[0].ID, heads[n-1].ID
	}
	if !info.HasPrevious && !info.HasNext {
		info.Total = int64(len(heads))
	}
	latest := make([]int64, len(heads))
	if s.cfg.Latest != nil {
		for i, h := range heads {
			if latest[i], err = s.cfg.Latest(r.Context(), h.Internal); err != nil {
				return err
			}
		}
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		return appendPage(dst, info, len(heads), func(dst []byte, i int) []byte {
			dst = appendVersions(append(dst, '{'), heads[i])
			dst = append(append(dst, `,"properties_snapshot":`...), heads[i].Properties...)
			if latest[i] > 0 {
				dst = doc.AppendInt(dst, "latest_instance_id", latest[i])
			}
			return append(doc.AppendInt(dst, "modify_time", heads[i].ModifyTime), '}')
		})
	})
}
