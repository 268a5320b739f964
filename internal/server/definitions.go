package server

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"maestro/internal/catalog"
	"maestro/internal/doc"
	"maestro/spec"
)

// definitionRoutes are pushes, versions and activation (spec/api 4.1 to 4.5, 5.2), and deletion (4.7).
func (s *Server) definitionRoutes() {
	s.handle("POST /api/v3/workflows", s.push)
	s.handle("POST /api/v3/workflows/yaml", s.pushYAML)
	s.handleAlways("PUT /api/v3/workflows/actions/validate", s.validate)
	s.handleAlways("PUT /api/v3/workflows/actions/validate/yaml", s.validateYAML)
	s.handle("GET /api/v3/workflows/{id}/versions/{version}", s.version)
	s.handle("GET /api/v3/workflows/{id}/versions/pagination", s.versions)
	s.handle("PUT /api/v3/workflows/{id}/versions/{version}/actions/activate", s.activate)
	s.handle("PUT /api/v3/workflows/{id}/actions/deactivate", s.deactivate)
	s.handle("DELETE /api/v3/workflows/{id}", s.deleteWorkflow)
}

// decodeRequest reads a push or validation from JSON.
func (s *Server) decodeRequest(w http.ResponseWriter, r *http.Request) (*catalog.Request, error) {
	n, err := s.decodePush(w, r)
	if err != nil {
		return nil, err
	}
	return s.catalog.Decode(n)
}

// decodeYAML reads a push or validation from the YAML form.
func (s *Server) decodeYAML(w http.ResponseWriter, r *http.Request) (*catalog.Request, error) {
	text, err := readBody(w, r, pushLimit, "application/yaml")
	if err != nil {
		return nil, err
	}
	return s.catalog.DecodeYAML(r.Context(), text)
}

func (s *Server) push(w http.ResponseWriter, r *http.Request) error {
	return s.pushWith(w, r, s.decodeRequest)
}

func (s *Server) pushYAML(w http.ResponseWriter, r *http.Request) error {
	return s.pushWith(w, r, s.decodeYAML)
}

type decodeFunc func(http.ResponseWriter, *http.Request) (*catalog.Request, error)

func (s *Server) pushWith(w http.ResponseWriter, r *http.Request, decode decodeFunc) error {
	req, err := decode(w, r)
	if err != nil {
		return err
	}
	user, err := caller(r)
	if err != nil {
		return err
	}
	v, err := s.catalog.Push(r.Context(), req, user)
	if err != nil {
		return err
	}
	warn(w, req.Warnings)
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		return append(v.AppendJSON(append(dst, `{"workflow_definition":`...)), '}')
	})
}

func (s *Server) validate(w http.ResponseWriter, r *http.Request) error {
	return s.validateWith(w, r, s.decodeRequest)
}

func (s *Server) validateYAML(w http.ResponseWriter, r *http.Request) error {
	return s.validateWith(w, r, s.decodeYAML)
}

func (s *Server) validateWith(w http.ResponseWriter, r *http.Request, decode decodeFunc) error {
	req, err := decode(w, r)
	if err != nil {
		return err
	}
	user, err := caller(r)
	if err != nil {
		return err
	}
	if err := s.catalog.Validate(r.Context(), req, user); err != nil {
		return err
	}
	warn(w, req.Warnings)
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		return appendAction(dst, s.now(), "VALIDATE", user, "the workflow definition is valid.")
	})
}

// warn tells what is probably not meant in headers: the body of an answer is fixed (spec/api 4), and a client that knows
// nothing of warnings loses nothing.
func warn(w http.ResponseWriter, problems []doc.Problem) {
	const most, longest = 16, 1024
	told := 0
	for _, p := range problems {
		if p.Severity != doc.Warning {
			continue
		}
		if told++; told > most {
			return
		}
		text := p.Error()
		w.Header().Add("X-Maestro-Warning", printable(text[:min(len(text), longest)]))
	}
}

// printable replaces what cannot stand in a header.
func printable(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}

func (s *Server) version(w http.ResponseWriter, r *http.Request) error {
	enriched, err := queryBool(r.URL.Query(), "enriched", false)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if s.cfg.Inline != nil && spec.IsInline(id) {
		return s.inlineVersion(w, r, id)
	}
	v, err := s.catalog.View(r.Context(), id, r.PathValue("version"), enriched)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, v.AppendJSON)
}

// inlineVersion answers the body of a loop as a definition. It has one version, whatever the client asks for.
func (s *Server) inlineVersion(w http.ResponseWriter, r *http.Request, id string) error {
	workflow, parent, err := s.cfg.Inline(r.Context(), id)
	if err != nil {
		return err
	}
	h, err := s.catalog.Head(r.Context(), parent)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, catalog.InlineView(h, id, workflow).AppendJSON)
}

// versions answers a page of versions, newest first. A workflow that there is not has none.
func (s *Server) versions(w http.ResponseWriter, r *http.Request) error {
	p, err := parsePage(r.URL.Query())
	if err != nil {
		return err
	}
	h, err := s.catalog.Peek(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	shown, info := pageOf(w), pageInfo{}
	if h != nil {
		low, high, err := p.window(1, h.Latest)
		if err != nil {
			return err
		}
		info, err = s.versionPage(r.Context(), shown, h, max(low, 1), min(high, h.Latest), p.Last)
		if err != nil {
			return err
		}
	}
	return shown.respond(w, info)
}

// versionPage adds versions low to high, from the cursor on, newest first in the end.
func (s *Server) versionPage(ctx context.Context, shown *elements, h *catalog.Head, low, high int64, upwards bool) (pageInfo, error) {
	n, step := high, int64(-1)
	if upwards {
		n, step = low, 1
	}
	var highest, lowest int64
	for ; n >= low && n <= high; n += step {
		views, err := s.catalog.Versions(ctx, h, n, n)
		if err != nil {
			return pageInfo{}, err
		}
		fits, err := shown.add(ctx, views[0].AppendJSON(nil))
		if err != nil {
			return pageInfo{}, err
		}
		if !fits {
			break
		}
		if highest = max(highest, n); lowest == 0 || n < lowest {
			lowest = n
		}
	}
	if upwards {
		slices.Reverse(shown.list)
	}
	return numbered(1, h.Latest, highest, lowest), nil
}

func (s *Server) activate(w http.ResponseWriter, r *http.Request) error {
	user, err := caller(r)
	if err != nil {
		return err
	}
	a, err := s.catalog.Activate(r.Context(), r.PathValue("id"), r.PathValue("version"), user)
	if err != nil {
		return err
	}
	return respondActivation(w, a, "ACTIVATE", user)
}

func (s *Server) deactivate(w http.ResponseWriter, r *http.Request) error {
	user, err := caller(r)
	if err != nil {
		return err
	}
	a, err := s.catalog.Deactivate(r.Context(), r.PathValue("id"), user)
	if err != nil {
		return err
	}
	return respondActivation(w, a, "DEACTIVATE", user)
}

func respondActivation(w http.ResponseWriter, a *catalog.Activation, action, user string) error {
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		dst = doc.AppendString(append(dst, `{"workflow_id":`...), a.Workflow)
		dst = strconv.AppendInt(append(dst, `,"workflow_version_id":`...), a.Version, 10)
		dst = append(dst, `,"timeline_event":`...)
		return append(appendAction(dst, a.At, action, user, a.Message), '}')
	})
}

func (s *Server) deleteWorkflow(w http.ResponseWriter, r *http.Request) error {
	user, err := caller(r)
	if err != nil {
		return err
	}
	at, err := s.catalog.Delete(r.Context(), r.PathValue("id"), user)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		return appendLog(dst, at, "The workflow is deleted by ["+user+"]. All associated workflow data (e.g. versions and instances) will be deleted shortly.")
	})
}
