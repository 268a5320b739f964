package server

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
)

// fakeLimiter remembers limits.
type fakeLimiter struct {
	mu     sync.Mutex
	limits map[string]int64
}

func (f *fakeLimiter) LimitTag(tag string, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.limits == nil {
		f.limits = map[string]int64{}
	}
	f.limits[tag] = n
}

func (f *fakeLimiter) UnlimitTag(tag string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.limits, tag)
}
func (f *fakeLimiter) TagUse(string) (used, waiting int64) { return 2, 3 }

func TestTagPermits(t *testing.T) {
	t.Parallel()
	h, limits := newHarness(t, nil), &fakeLimiter{}
	p := NewPermits(h.store, limits, func() int64 { return 7 })
	p.Register(h.server.handle)
	const path = "/api/v3/tag-permits"

	h.call("GET", path+"/a%2Fb", "").want(t, 404, "No tag permit found for tag a/b")
	h.call("POST", path, `{"tag":"a/b","max_allowed":"7","team":{"x":[1]},"timeline":[1]}`).want(t, 200)
	if limits.limits["a/b"] != 7 {
		t.Errorf("limits: %v", limits.limits)
	}
	h.call("GET", path+"/a%2Fb", "").want(t, 200, `{"tag":"a/b","max_allowed":7,"timeline":[{"timestamp":7,`, `"message":"User [tester] set max_allowed to [7]"}],"team":{"x":[1]}}`)
	for range 40 {
		h.call("POST", path, `{"tag":"a/b","max_allowed":1.9}`).want(t, 200)
	}
	h.call("POST", path, `{"tag":"","max_allowed":null}`).want(t, 200)
	a := h.call("GET", path+"/a%2Fb", "").want(t, 200, `"max_allowed":1,`)
	if strings.Contains(a.text, "team") || strings.Count(a.text, "User [tester]") != 32 {
		t.Errorf("after updates: %s", a.text)
	}
	h.call("GET", path, "").want(t, 200, `"elements":[{"tag":"","max_allowed":0,`, `"used":2,"waiting":3}`, `"has_next_page":false`)
	h.call("GET", path+"?first=1", "").want(t, 200, `"has_next_page":true`)

	again := &fakeLimiter{}
	if err := NewPermits(h.store, again, nil).Load(t.Context()); err != nil || len(again.limits) != 2 || again.limits["a/b"] != 1 {
		t.Error(err, again.limits)
	}
	for body, text := range map[string]string{
		`{"max_allowed":1}`: "tag cannot be null", `{"tag":"x","max_allowed":-1}`: "greater than or equal to 0", `[]`: "is an object",
		`{"tag":"x","max_allowed":"x"}`: "must be a number", `{"tag":"x","max_allowed":true}`: "must be a number", `{"tag":["x"]}`: "must be a string",
		`{"tag":"x","max_allowed":3000000000}`: "must be a number", `{"tag":"x","max_allowed":"1.5"}`: "must be a number",
	} {
		h.call("POST", path, body).want(t, 400, text)
	}
	h.call("POST", path, `{"tag":"x"}`, "user", "").want(t, 400, "user name")
	for _, tag := range []string{"maestro_w:a", "maestro_w:b", "maestro_w2:a", "maestro_w"} {
		h.call("POST", path, `{"tag":"`+tag+`"}`).want(t, 200)
	}
	if err := p.WorkflowDeleted(t.Context(), "w"); err != nil {
		t.Error(err)
	}
	h.call("GET", path+"/maestro_w:a", "").want(t, 404)
	h.call("GET", path+"/maestro_w2:a", "").want(t, 200)
	h.call("GET", path+"/maestro_w", "").want(t, 200)
	if len(limits.limits) != 4 {
		t.Errorf("limits: %v", limits.limits)
	}
	h.call("DELETE", path+"/a%2Fb", "").want(t, 200)
	h.call("DELETE", path+"/a%2Fb", "").want(t, 200)
	if _, ok := limits.limits["a/b"]; ok {
		t.Error("the limit is still there")
	}
}

func TestPermitKeepsJSON(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	NewPermits(h.store, &fakeLimiter{}, func() int64 { return 7 }).Register(h.server.handle)
	h.call("POST", "/api/v3/tag-permits", `{"tag":5,"n":1e400,"s":"\u2028é","deep":{"null":null}}`).want(t, 200)
	a := h.call("GET", "/api/v3/tag-permits/5", "").want(t, 200, `"n":1e400`, `"deep":{"null":null}`)
	if !json.Valid([]byte(a.text)) {
		t.Errorf("not JSON: %s", a.text)
	}
}
