package server

import (
	"fmt"
	"net/http"

	"maestro/internal/doc"
	"maestro/spec"
)

// templateRoutes are job templates (spec/api 8).
func (s *Server) templateRoutes() {
	s.handle("POST /api/v3/job-templates", s.putTemplate)
	s.handle("POST /api/v3/job-templates/yaml", s.putTemplateYAML)
	s.handle("GET /api/v3/job-templates", s.templates)
	s.handle("GET /api/v3/job-templates/{type}", s.template)
	s.handle("DELETE /api/v3/job-templates/{type}", s.deleteTemplates)
}

func (s *Server) putTemplate(w http.ResponseWriter, r *http.Request) error {
	n, err := s.decodePush(w, r)
	if err != nil {
		return err
	}
	return s.putTemplateNode(w, r, n)
}

func (s *Server) putTemplateYAML(w http.ResponseWriter, r *http.Request) error {
	text, err := readBody(w, r, pushLimit, "application/yaml")
	if err != nil {
		return err
	}
	n, err := s.catalog.ParseYAML(r.Context(), text)
	if err != nil {
		return err
	}
	return s.putTemplateNode(w, r, n)
}

func (s *Server) putTemplateNode(w http.ResponseWriter, r *http.Request, n *doc.Node) error {
	user, err := caller(r)
	if err != nil {
		return err
	}
	text, err := s.catalog.PutTemplate(r.Context(), n, user)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, text)
}

// templateVersion reads the version of the query, which has a default.
func templateVersion(r *http.Request) string {
	if v := r.URL.Query().Get("version"); v != "" {
		return v
	}
	return spec.DefaultTemplateVersion
}

func (s *Server) template(w http.ResponseWriter, r *http.Request) error {
	text, err := s.catalog.ReadTemplate(r.Context(), r.PathValue("type"), templateVersion(r))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, text)
}

func (s *Server) templates(w http.ResponseWriter, r *http.Request) error {
	list, err := s.catalog.Templates(r.Context(), templateVersion(r))
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		dst = append(dst, '[')
		for i, text := range list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, text...)
		}
		return append(dst, ']')
	})
}

// deleteTemplates answers with a bare text, as the reference does. Without a version all versions go.
func (s *Server) deleteTemplates(w http.ResponseWriter, r *http.Request) error {
	if _, err := caller(r); err != nil {
		return err
	}
	jobType, version := r.PathValue("type"), r.URL.Query().Get("version")
	n, err := s.catalog.DeleteTemplates(r.Context(), jobType, version)
	if err != nil {
		return err
	}
	if version == "" {
		version = "null"
	}
	return reply(w, http.StatusOK, fmt.Appendf(nil, "Removed [%d] job template versions for job type: [%s][%s]", n, jobType, version))
}
