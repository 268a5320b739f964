package server

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/internal/engine"
	"maestro/internal/output"
)

// OutputTaker takes what jobs report about themselves. *engine.Engine is one.
type OutputTaker interface {
	// PostOutput gives output data to the step that has the job, durably. delivered is false where no step has it yet: the
	// data is then kept for a while.
	PostOutput(ctx context.Context, q engine.JobOutput) (delivered bool, err error)
}

// OutputData is the endpoint by which a job reports results (spec/api 11, runtimes 6).
type OutputData struct {
	taker OutputTaker
	now   func() int64
}

// NewOutputData returns the endpoint. It is added to a Server with Config.Register.
func NewOutputData(taker OutputTaker, now func() int64) *OutputData {
	return &OutputData{taker: taker, now: now}
}

// Register adds the route.
func (d *OutputData) Register(handle func(pattern string, h HandlerFunc)) {
	handle("PUT /api/v3/output-data", d.put)
}

const (
	maxJobType = 64
	maxJobID   = 1024
)

// put takes output data of a job: {"external_job_type","external_job_id","workflow_id"?,"params"?,"artifacts"?}. Type and
// id may be given in the query instead. What comes again for a job is merged into what came before, and into the params
// and artifacts of its step when that succeeds. Other fields are ignored, with a warning.
//
// The answer is 200 with an empty body, or 202 where no running step has the job yet: the data is then kept for a day and
// merged into the first step that turns out to have it. What could not be merged is refused. No `user` header is needed:
// the caller is a job. It has a token, which says whose it is; type and id may be left out then.
func (d *OutputData) put(w http.ResponseWriter, r *http.Request) error {
	n, err := decodeBody(w, r, output.MaxText)
	if err != nil {
		return err
	}
	if n.Kind != doc.Object {
		return api.Errorf(api.BadRequest, "JSON parse error: output data is an object, not %s", n.Kind)
	}
	q := engine.JobOutput{Token: token(r.Header), Sender: clientOf(r)}
	for _, f := range [...]struct {
		name string
		to   *string
		max  int
	}{
		{"external_job_id", &q.Job, maxJobID}, {"external_job_type", &q.Type, maxJobType}, {"workflow_id", &q.WorkflowID, maxJobID},
	} {
		if *f.to, err = jobText(n, r.URL.Query(), f.name, f.max); err != nil {
			return err
		}
	}
	switch {
	case q.Token != "" && q.Job == "": // the token says which
	case q.Job == "":
		return api.Errorf(api.BadRequest, "External job id cannot be null: give external_job_id, the uuid of the step's attempt or what its runtime calls the job")
	case q.Type == "":
		return api.Errorf(api.BadRequest, "External job type cannot be null: give external_job_type, the type of the step, such as Kubernetes or Shell")
	case strings.Contains(q.Type, "/"):
		return api.Errorf(api.BadRequest, "external_job_type %q is not the type of a step", q.Type)
	}
	if q.Data, err = d.posted(w, n); err != nil {
		return err
	}
	delivered, err := d.taker.PostOutput(r.Context(), q)
	if err != nil {
		return err
	}
	if delivered {
		return reply(w, http.StatusOK, nil)
	}
	return respond(w, http.StatusAccepted, func(dst []byte) []byte {
		return append(doc.AppendString(append(dst, `{"message":`...), fmt.Sprintf(
			"no running step has job [%s] of type [%s]; its output data is kept for a day at most, for the step that will", q.Job, q.Type)), '}')
	})
}

// token returns the token of a request: in the standard header, or in one of our own where a proxy needs that.
func token(h http.Header) string {
	if own := h.Get("Maestro-Output-Token"); own != "" {
		return own
	}
	scheme, bearer, _ := strings.Cut(h.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(bearer)
	}
	return ""
}

// jobText reads a text of the body, or of the query where the body has none.
func jobText(n *doc.Node, q url.Values, name string, limit int) (string, error) {
	f := n.Field(name)
	text := q.Get(name)
	if !f.IsNull() {
		if f.Kind == doc.Object || f.Kind == doc.List {
			return "", api.Errorf(api.BadRequest, "JSON parse error: %s must be a string, not %s", name, f.Kind)
		}
		text = f.Text
	}
	if len(text) > limit {
		return "", api.Errorf(api.BadRequest, "%s has %d bytes, the limit is %d", name, len(text), limit)
	}
	return text, nil
}

// posted checks params and artifacts and returns them as they are kept. What is ignored is told in headers.
func (d *OutputData) posted(w http.ResponseWriter, n *doc.Node) ([]byte, error) {
	var p doc.Problems
	data := output.Posted(n, d.now(), &p)
	if err := p.Err(); err != nil {
		return nil, malformed(err)
	}
	if data == nil {
		return nil, api.Errorf(api.BadRequest, "the output data is empty: give params, artifacts or both")
	}
	if size := output.Size(data); size > output.Limit {
		return nil, api.Errorf(api.BadRequest, "the output data has %d characters, the limit is %d; keep large results elsewhere and report where", size, output.Limit)
	}
	warn(w, p.List)
	return data, nil
}
