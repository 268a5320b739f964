package server

import (
	"context"
	"strings"
	"testing"

	"maestro/api"
	"maestro/internal/engine"
)

// fakeTaker remembers what was posted last.
type fakeTaker struct {
	last  engine.JobOutput
	known bool
	err   error
}

func (f *fakeTaker) PostOutput(_ context.Context, q engine.JobOutput) (bool, error) {
	f.last = q
	return f.known, f.err
}

func TestOutputData(t *testing.T) {
	t.Parallel()
	h, taker := newHarness(t, nil), &fakeTaker{known: true}
	NewOutputData(taker, func() int64 { return 1700000000000 }).Register(h.server.handle)
	const path = "/api/v3/output-data"
	put := func(body string) answer { t.Helper(); return h.call("PUT", path, body, "user", "") }

	for in, want := range map[string]string{
		`"params":{"n":{"type":"LONG","value":4}}`:                                            `{"params":{"n":{"value":4,"type":"LONG","evaluated_result":4,"evaluated_time":1700000000000}}}`,
		`"params":{"n":42,"e":[]}`:                                                            `{"params":{"n":42,"e":[]}}`, // the step knows of which type they are
		`"artifacts":{"x":{"y":1,"type":"DEFAULT"}}`:                                          `{"artifacts":{"x":{"y":1}}}`,
		`"params":{"a":"x"},"artifacts":{"maestro_retry":{"type":"RETRY","retryable":false}}`: `{"params":{"a":"x"},"artifacts":{"maestro_retry":{"type":"RETRY","retryable":false}}}`,
	} {
		put(`{"external_job_type":"Shell","external_job_id":"j/1","workflow_id":"w",`+in+`}`).want(t, 200)
		if string(taker.last.Data) != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, taker.last.Data, want)
		}
		if taker.last.Type != "Shell" || taker.last.Job != "j/1" || taker.last.WorkflowID != "w" {
			t.Errorf("got %+v", taker.last)
		}
	}
	h.call("PUT", path+"?external_job_id=q&external_job_type=Http", `{"params":{"a":1}}`).want(t, 200)
	if taker.last.Job != "q" || taker.last.Type != "Http" {
		t.Errorf("from the query: %+v", taker.last)
	}
	for body, text := range map[string]string{
		`{"params":{"a":1}}`:                                                                                    "External job id cannot be null",
		`{"external_job_id":"x","params":{"a":1}}`:                                                              "External job type cannot be null",
		`{"external_job_id":"x","external_job_type":"K"}`:                                                       "empty",
		`{"external_job_id":"x","external_job_type":"K","params":{},"artifacts":{}}`:                            "empty",
		`{"external_job_id":"x","external_job_type":"K","params":[1]}`:                                          "params must be an object",
		`{"external_job_id":"x","external_job_type":"K","params":{"a":null}}`:                                   "is null",
		`{"external_job_id":"x","external_job_type":"K","params":{"a":{"type":"LONG","expression":"1+1"}}}`:     "neither value nor evaluated_result",
		`{"external_job_id":"x","external_job_type":"K","params":{"a":{"type":"LONG","value":"x"}}}`:            "params[a]",
		`{"external_job_id":"x","external_job_type":"K","artifacts":{"a":1}}`:                                   "must be an object",
		`{"external_job_id":["x"],"external_job_type":"K","params":{"a":1}}`:                                    "must be a string",
		`{"external_job_id":"` + strings.Repeat("x", 2000) + `","external_job_type":"K","params":{"a":1}}`:      "the limit is 1024",
		`{"external_job_id":"x","external_job_type":"K","params":{"a":"` + strings.Repeat("x", 800_000) + `"}}`: "the limit is 750000",
		`{`: "JSON parse error",
	} {
		put(body).want(t, 400, text)
	}
	got := put(`{"external_job_id":"x","external_job_type":"K","params":{"a":1,"a":2},"parms":{}}`)
	got.want(t, 200)
	if told := strings.Join(got.header.Values("X-Maestro-Warning"), "; "); !strings.Contains(told, "a is given more than once") || !strings.Contains(told, "parms is ignored") {
		t.Errorf("warnings %q", told)
	}
	taker.known = false
	put(`{"external_job_id":"x","external_job_type":"K","params":{"a":1}}`).want(t, 202, "no running step has job [x] of type [K]")
	taker.err = api.Errorf(api.Conflict, "the step has ended")
	put(`{"external_job_id":"x","external_job_type":"K","params":{"a":1}}`).want(t, 409, "the step has ended")
	taker.known, taker.err = true, nil
	for _, head := range [][]string{{"Authorization", "Bearer tok"}, {"Authorization", "bearer  tok"}, {"Maestro-Output-Token", "tok", "Authorization", "Basic eA=="}} {
		h.call("PUT", path, `{"params":{"a":1}}`, head...).want(t, 200) // the token says whose it is
		if taker.last.Token != "tok" || taker.last.Sender != "127.0.0.1" {
			t.Errorf("%v: %+v", head, taker.last)
		}
	}
	h.call("PUT", path, `{"params":{"a":1}}`, "Authorization", "Basic eA==").want(t, 400, "External job id cannot be null")
	for _, item := range []string{`{}`, `{"name":5}`, `{"name":""}`} {
		h.call("PUT", path, `{"artifacts":{"maestro_dynamic_output":{"signal_outputs":[`+item+`]}}}`, "Authorization", "Bearer tok").want(t, 400, "maestro_dynamic_output")
	}
	h.call("PUT", path, `{"artifacts":{"maestro_dynamic_output":{"signal_outputs":[{"name":"s"}]}}}`, "Authorization", "Bearer tok").want(t, 200)
	taker.err = api.Errorf(api.Unauthorized, "it needs one")
	put(`{"external_job_id":"x","external_job_type":"K","params":{"a":1}}`).want(t, 401, "UNAUTHORIZED", "it needs one")
	taker.err = api.Errorf(api.Forbidden, "not this one")
	put(`{"external_job_id":"x","external_job_type":"K","params":{"a":1}}`).want(t, 403, "FORBIDDEN", "not this one")
}
