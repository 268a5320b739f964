package server

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"maestro/internal/catalog"
	"maestro/internal/instance"
	"maestro/internal/store"
)

func TestPushMakesVersions(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)

	a := h.call("POST", "/api/v3/workflows", noop).want(t, 200)
	if got := a.dig("workflow_definition.metadata.workflow_version_id"); got != 1.0 {
		t.Errorf("first version is %v", got)
	}
	if got := a.dig("workflow_definition.internal_id"); got != 10000.0 {
		t.Errorf("internal id is %v", got)
	}
	h.call("POST", "/api/v3/workflows", noopAgain).want(t, 200, `"workflow_version_id":2`, `"owner":"tester"`)
	h.call("GET", "/api/v3/workflows/w/versions/1", "").want(t, 200, `"is_active":false`, `"is_latest":false`)
	h.call("GET", "/api/v3/workflows/w/versions/LATEST?enriched=False", "").want(t, 200, `"workflow_version_id":2`, `"is_active":true`)
}

func TestFirstPushNeedsOwner(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.call("POST", "/api/v3/workflows", noopAgain).want(t, 400, "owner must be set when creating the first version of a workflow [w]")
	h.call("GET", "/api/v3/workflows/w/versions/latest", "").want(t, 404, "has not been created yet")
}

func TestPropertiesMerge(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	push := func(properties string) answer {
		return h.call("POST", "/api/v3/workflows", `{"properties":`+properties+`,"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"NoOp"}}]}}`).want(t, 200)
	}
	push(`{"owner":"o","step_concurrency":3,"description":"d","alerting_disabled":true}`)
	h.call("POST", "/api/v3/workflows/w/properties/tag", `"t"`).want(t, 200, `"namespace":"PLATFORM"`, `"creator":"tester"`)

	// A push resets what may only be reset, and keeps the rest.
	a := push(`{"run_strategy":4}`)
	snapshot, _ := json.Marshal(a.dig("workflow_definition.properties_snapshot"))
	for _, s := range []string{`"owner":"o"`, `"description":"d"`, `"alerting_disabled":true`, `"workflow_concurrency":4`, `"name":"t"`} {
		if !strings.Contains(string(snapshot), s) {
			t.Errorf("snapshot lacks %s: %s", s, snapshot)
		}
	}
	if strings.Contains(string(snapshot), "step_concurrency") {
		t.Errorf("step concurrency was not reset: %s", snapshot)
	}
	h.call("POST", "/api/v3/workflows/w/properties", `{"reset_workflow_concurrency":true}`).want(t, 200, `"workflow_concurrency":20`)
	h.call("POST", "/api/v3/workflows/w/properties", `{"reset_run_strategy_rule":true,"run_strategy":3}`).want(t, 400, "Setting and resetting")
	h.call("POST", "/api/v3/workflows/w/properties", `{"properties":{"owner":"x"}}`).want(t, 400, "unknown field")
	h.call("POST", "/api/v3/workflows/w/properties", `{"step_concurency":3}`).want(t, 400, "did you mean `step_concurrency`?")
	h.call("GET", "/api/v3/workflows/w/properties-snapshot/7", "").want(t, 400)
	h.call("GET", "/api/v3/workflows/w/properties-snapshot/LATEST", "").want(t, 200, `"workflow_concurrency":20`)
}

// TestTagNamesWithSlashes shows that escaped slashes reach the tag endpoints.
func TestTagNamesWithSlashes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.call("POST", "/api/v3/workflows", noop).want(t, 200)
	h.call("POST", "/api/v3/workflows/w/properties/tag", `"a/b c"`).want(t, 200)
	h.call("DELETE", "/api/v3/workflows/w/properties/tag/a%2Fb%20c", "").want(t, 200, `"tags":[]`)
	h.call("DELETE", "/api/v3/workflows/w/properties/tag/a%2Fb%20c", "").want(t, 404, "[a/b c]")
}

// TestConcurrentPushes shows that pushes of one workflow at the same time each get a version of their own.
func TestConcurrentPushes(t *testing.T) {
	t.Parallel()
	for _, exclusive := range []bool{true, false} {
		t.Run(fmt.Sprintf("exclusive=%v", exclusive), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, func(c *catalog.Config, _ *Config) { c.Exclusive = exclusive })
			// A second catalog over the same store stands for another process.
			other := h
			if !exclusive {
				c, err := catalog.New(catalog.Config{Store: h.store, Runs: h.store, Params: noParams{}, Now: func() int64 { return 1 }})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(c.Stop)
				other = &harness{t: t, catalog: c, store: h.store}
			}
			const n = 24
			var wg sync.WaitGroup
			got := make([]int64, n)
			for i := range n {
				wg.Go(func() {
					if i%2 == 0 || other == h {
						v := h.call("POST", "/api/v3/workflows", noop).want(t, 200)
						got[i] = int64(v.dig("workflow_definition.metadata.workflow_version_id").(float64))
						return
					}
					got[i] = other.mustPush(noop)
				})
			}
			wg.Wait()
			slices.Sort(got)
			for i, v := range got {
				if v != int64(i+1) {
					t.Fatalf("versions are %v", got)
				}
			}
			h.call("GET", "/api/v3/workflows/w/overview", "").want(t, 200, fmt.Sprintf(`"latest_version_id":%d`, n))
		})
	}
}

func TestStrategyChangeRefused(t *testing.T) {
	t.Parallel()
	counts := map[uint8]int64{}
	h := newHarness(t, func(c *catalog.Config, s *Config) {
		c.Runs = countsFunc(func() store.Counts { return store.Counts{ByStatus: counts, MaxInstance: 9} })
		s.Counts = c.Runs
	})
	h.call("POST", "/api/v3/workflows", noop).want(t, 200)
	counts[uint8(instance.InProgress)], counts[uint8(instance.Created)] = 1, 1
	h.call("POST", "/api/v3/workflows/w/properties", `{"run_strategy":"first_only"}`).want(t, 412,
		"from null to RunStrategy(rule=FIRST_ONLY, workflowConcurrency=1) because there are 2 nonterminal workflow instances")
	h.call("POST", "/api/v3/workflows/w/properties", `{"run_strategy":"SERIAL_LATEST_ONLY"}`).want(t, 200)
	h.call("DELETE", "/api/v3/workflows/w", "").want(t, 400, "there are still [2] number of queued or running workflow instances")
	clear(counts)
	counts[uint8(instance.RunFailed)] = 3
	h.call("POST", "/api/v3/workflows/w/properties", `{"run_strategy":"strict_sequential"}`).want(t, 412, "there are 3 FAILED workflow instances")
	h.call("GET", "/api/v3/workflows/w/overview", "").want(t, 200, `"failed_instances":3`, `"latest_instance_id":9`, `"nonterminal_instances":{"CREATED":0,"IN_PROGRESS":0,"PAUSED":0}`)
}

func TestDeleteFreesTheName(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.call("POST", "/api/v3/workflows", noop).want(t, 200)
	h.call("DELETE", "/api/v3/workflows/w", "").want(t, 200, "The workflow is deleted by [tester]")
	h.call("GET", "/api/v3/workflows/w/versions/latest", "").want(t, 404)
	h.call("GET", "/api/v3/workflows/w/timeline", "").want(t, 200, `"timeline_events":[]`)
	h.call("DELETE", "/api/v3/workflows/w", "").want(t, 404)
	h.call("DELETE", "/api/v3/workflows/maestro_foreach_1_2_3", "").want(t, 422)
	a := h.call("POST", "/api/v3/workflows", noop).want(t, 200)
	if got := a.dig("workflow_definition.internal_id"); got != 10001.0 {
		t.Errorf("internal id %v was used again", got)
	}
}

func TestListWorkflows(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	for _, id := range []string{"etl.b", "etl.a", "etl", "other", "etlx"} {
		h.call("POST", "/api/v3/workflows", strings.Replace(noop, `"id":"w"`, `"id":"`+id+`"`, 1)).want(t, 200)
	}
	h.call("GET", "/api/v3/workflows", "").want(t, 405, "?first=50")
	ids := func(a answer) (ids []string) {
		for _, e := range a.json["elements"].([]any) {
			ids = append(ids, e.(map[string]any)["workflow_id"].(string))
		}
		return ids
	}
	all := h.call("GET", "/api/v3/workflows?first=50", "").want(t, 200, `"total_count":5`, `"latest_version_id":1`)
	if got := fmt.Sprint(ids(all)); got != "[etl etl.a etl.b etlx other]" {
		t.Error(got)
	}
	page := h.call("GET", "/api/v3/workflows?prefix=etl&first=2", "").want(t, 200, `"has_next_page":true`)
	if got := fmt.Sprint(ids(page)); got != "[etl etl.a]" {
		t.Error(got)
	}
	page = h.call("GET", "/api/v3/workflows?prefix=etl&first=2&cursor="+page.dig("page_info.end_cursor").(string), "").want(t, 200, `"has_next_page":false`)
	if got := fmt.Sprint(ids(page)); got != "[etl.b etlx]" {
		t.Error(got)
	}
}

func TestDuplicateSignalTriggers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	body := strings.Replace(noop, `"id":"w"`, `"id":"w","signal_triggers":[{"definitions":{"s":{}}},{"definitions":{"s":{}}}]`, 1)
	h.call("POST", "/api/v3/workflows", body).want(t, 400, "workflow.signalTriggers[1] is the same trigger")
}

// TestWarningsAreHeaders shows that what is probably a mistake is told without changing the body.
func TestWarningsAreHeaders(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	a := h.call("POST", "/api/v3/workflows", strings.Replace(noop, `{"properties"`, `{"is_actve":false,"properties"`, 1)).want(t, 200, `"is_actve":false`)
	if got := a.header.Get("X-Maestro-Warning"); !strings.Contains(got, "did you mean `is_active`?") {
		t.Errorf("warning is %q", got)
	}
}

func (h *harness) mustPush(body string) int64 {
	req, err := h.catalog.Decode(parse(h.t, body))
	if err != nil {
		h.t.Error(err)
		return 0
	}
	v, err := h.catalog.Push(context.Background(), req, "other")
	if err != nil {
		h.t.Error(err)
		return 0
	}
	return v.Version
}

// countsFunc is a RunCounts of fixed numbers.
type countsFunc func() store.Counts

func (f countsFunc) Counts(context.Context, int64) (store.Counts, error) { return f(), nil }

// TestInlineVersion shows the body of a loop as a definition.
func TestInlineVersion(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(_ *catalog.Config, s *Config) {
		s.Inline = func(_ context.Context, id string) ([]byte, string, error) {
			return []byte(`{"id":"` + id + `"}`), "w", nil
		}
	})
	h.call("POST", "/api/v3/workflows", noop).want(t, 200)
	h.call("GET", "/api/v3/workflows/maestro_foreach_1_2_3/versions/1", "").want(t, 200,
		`"metadata":{"workflow_id":"maestro_foreach_1_2_3","workflow_version_id":1},"workflow":{"id":"maestro_foreach_1_2_3"},"is_active":true`,
		`"is_latest":true,"is_default":true`, `"owner":"tester"`)
}
