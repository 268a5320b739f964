package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOutputDataFromStrangers floods the endpoint for output data with posts for jobs that there are not. They are
// refused and leave nothing, and a job that has its token reports by itself.
func TestOutputDataFromStrangers(t *testing.T) {
	t.Parallel()
	d := serve(t)
	put := func(body string, head ...string) reply {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "PUT", d.url+"/api/v3/output-data", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(head); i += 2 {
			req.Header.Set(head[i], head[i+1])
		}
		resp, err := patient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return reply{resp.StatusCode, string(text)}
	}
	large := strings.Repeat("x", 700_000)
	before := d.stored()
	for i := range 2000 {
		if r := put(fmt.Sprintf(`{"external_job_id":"nobody-%d","external_job_type":"Shell","params":{"a":1}}`, i)); r.status != 401 {
			t.Fatalf("got %d %s", r.status, r.body)
		}
	}
	for i := range 120 {
		if r := put(fmt.Sprintf(`{"external_job_id":"nobody-%d","external_job_type":"Shell","params":{"a":%q}}`, i, large), "Authorization", "Bearer x.y"); r.status != 403 {
			t.Fatalf("got %d %s", r.status, r.body)
		}
	}
	if grown := d.stored() - before; grown > 1<<20 {
		t.Errorf("the store has grown by %d bytes", grown)
	}

	told := filepath.Join(d.dir, "told")
	script := `echo "$MAESTRO_OUTPUT_TOKEN $MAESTRO_OUTPUT_URL $MAESTRO_STEP_INSTANCE_UUID" > ` + told + `.new; mv ` + told + `.new ` + told + `; while [ ! -e ` + told + `.go ]; do sleep 0.02; done`
	d.push(fmt.Sprintf(`{"properties":{"owner":"tester"},"workflow":{"id":"posts","steps":[{"step":{"id":"a","type":"Shell","params":{
		"rows":{"value":0,"type":"LONG"},"fixed":{"value":1,"type":"LONG","mode":"CONSTANT"},"shell":{"type":"MAP","value":{"script":{"type":"STRING","value":%q}}}}}}]}}`,
		strings.ReplaceAll(script, "$", "$$")))
	n := d.begin("posts")
	var env []string
	eventually(t, "the job tells what it has", func() bool {
		text, err := os.ReadFile(told)
		env = strings.Fields(string(text))
		return err == nil && len(env) == 3
	})
	token, url, uuid := env[0], env[1], env[2]
	if url != d.url+"/api/v3/output-data" {
		t.Errorf("the job is told to post to %s", url)
	}
	for _, c := range []struct {
		body   string
		head   []string
		status int
		want   string
	}{
		{`{"external_job_id":"` + uuid + `","external_job_type":"Shell","params":{"rows":9}}`, nil, 401, "MAESTRO_OUTPUT_TOKEN"},
		{`{"params":{"rows":"many"}}`, []string{"Authorization", "Bearer " + token}, 400, "rows"},
		{`{"params":{"fixed":2}}`, []string{"Authorization", "Bearer " + token}, 400, "fixed"},
		{`{"params":{"nope":2}}`, []string{"Authorization", "Bearer " + token}, 400, "nope"},
		{`{"params":{"rows":5}}`, []string{"Authorization", "Bearer " + token}, 200, ""},
		{`{"external_job_id":"` + uuid + `","external_job_type":"Shell","params":{"rows":7}}`, []string{"Maestro-Output-Token", token}, 200, ""},
	} {
		if r := put(c.body, c.head...); r.status != c.status || !strings.Contains(r.body, c.want) {
			t.Errorf("%s: got %d %s", c.body, r.status, r.body)
		}
	}
	write(t, d.dir, "told.go", "")
	if got := d.ends("posts", n); got != "SUCCEEDED" {
		t.Errorf("the run is %s", got)
	}
	r := d.call("GET", fmt.Sprintf("/api/v3/workflows/posts/instances/%d/steps/a", n), "")
	if got := r.json("params", "rows", "evaluated_result"); got != 7.0 {
		t.Errorf("rows is %v", got)
	}
}

// stored returns the size of the server's files.
func (d *daemon) stored() (bytes int64) {
	d.t.Helper()
	files, err := filepath.Glob(filepath.Join(d.dir, "m.db*"))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}
