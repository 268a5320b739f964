package server

import (
	"net/http"
	"strings"

	"maestro/api"
	"maestro/internal/catalog"
)

// propertyRoutes are the properties of workflows and their tags (spec/api 4.6).
func (s *Server) propertyRoutes() {
	s.handle("POST /api/v3/workflows/{id}/properties", s.updateProperties)
	s.handle("POST /api/v3/workflows/{id}/properties/tag", s.putTag)
	s.handle("DELETE /api/v3/workflows/{id}/properties/tag/{name}", s.deleteTag)
	s.handle("GET /api/v3/workflows/{id}/properties-snapshot/{snapshot}", s.propertiesSnapshot)
}

func (s *Server) updateProperties(w http.ResponseWriter, r *http.Request) error {
	n, err := decodeBody(w, r, bodyLimit)
	if err != nil {
		return err
	}
	user, err := caller(r)
	if err != nil {
		return err
	}
	h, err := s.catalog.UpdateProperties(r.Context(), r.PathValue("id"), n, user)
	if err != nil {
		return err
	}
	return respondSnapshot(w, h)
}

func (s *Server) putTag(w http.ResponseWriter, r *http.Request) error {
	n, err := decodeBody(w, r, bodyLimit)
	if err != nil {
		return err
	}
	user, err := caller(r)
	if err != nil {
		return err
	}
	h, err := s.catalog.PutTag(r.Context(), r.PathValue("id"), n, user)
	if err != nil {
		return err
	}
	return respondSnapshot(w, h)
}

func (s *Server) deleteTag(w http.ResponseWriter, r *http.Request) error {
	user, err := caller(r)
	if err != nil {
		return err
	}
	h, err := s.catalog.DeleteTag(r.Context(), r.PathValue("id"), r.PathValue("name"), user)
	if err != nil {
		return err
	}
	return respondSnapshot(w, h)
}

// propertiesSnapshot answers the present properties. Earlier ones are not kept.
func (s *Server) propertiesSnapshot(w http.ResponseWriter, r *http.Request) error {
	h, err := s.catalog.PropertiesSnapshot(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if token := r.PathValue("snapshot"); !strings.EqualFold(token, "latest") {
		return api.Errorf(api.BadRequest, "only the properties snapshot `latest` can be read, not %q", token)
	}
	return respondSnapshot(w, h)
}

func respondSnapshot(w http.ResponseWriter, h *catalog.Head) error {
	return reply(w, http.StatusOK, h.Properties)
}
