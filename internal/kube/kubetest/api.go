package kubetest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"maestro/internal/kube"
)

// textLocked returns a pod as it is now.
func textLocked(p *Pod) json.RawMessage {
	text, _ := json.Marshal(p)
	return text
}

func (c *Cluster) get(name string) (int, any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.pods[name]; p != nil {
		return 200, textLocked(p)
	}
	return problem(404, "NotFound")
}

// Create does what a request to create a pod does.
func (c *Cluster) Create(manifest string) { c.create(strings.NewReader(manifest), "default") }

func (c *Cluster) create(body io.Reader, ns string) (int, any) {
	p := &Pod{log: map[string]func(http.ResponseWriter, *http.Request){}}
	if err := json.NewDecoder(body).Decode(p); err != nil || len(p.Spec.Containers) == 0 {
		return problem(400, "BadRequest")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pods[p.Metadata.Name] != nil {
		return problem(409, "AlreadyExists")
	}
	p.Metadata.Namespace, p.Status.Phase, p.own = ns, kube.Pending, p.Spec.Containers[0].Name
	if c.Admit != nil {
		c.Admit(p)
	}
	p.Metadata.UID = fmt.Sprintf("uid-%d", c.version)
	p.Metadata.CreationTimestamp = now()
	c.pods[p.Metadata.Name] = p
	c.changedLocked(p, kube.Added)
	if !p.Gated() {
		handle := p.copied()
		c.begun = append(c.begun, handle)
		go c.Live(c, handle)
	}
	return 201, textLocked(p)
}

func (c *Cluster) delete(name string, body io.Reader) (int, any) {
	var o struct {
		GracePeriodSeconds *int64
		Preconditions      struct{ UID string }
	}
	_ = json.NewDecoder(body).Decode(&o)
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.pods[name]
	switch {
	case p == nil:
		return problem(404, "NotFound")
	case o.Preconditions.UID != "" && o.Preconditions.UID != p.Metadata.UID:
		return problem(409, "Conflict")
	case p.Image() == "stubborn" && o.GracePeriodSeconds == nil && p.Status.Phase == kube.Running:
		if p.Metadata.DeletionTimestamp == "" {
			p.Metadata.DeletionTimestamp = time.Now().Add(time.Second).UTC().Format(time.RFC3339)
			c.changedLocked(p, kube.Modified)
			time.AfterFunc(150*time.Millisecond, func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.removeLocked(p)
			})
		}
		return 200, textLocked(p)
	}
	c.removeLocked(p)
	return 200, textLocked(p)
}

func (c *Cluster) removeLocked(p *Pod) {
	if c.pods[p.Metadata.Name] == p {
		delete(c.pods, p.Metadata.Name)
		c.changedLocked(p, kube.Deleted)
	}
}

func (c *Cluster) list(r *http.Request) any {
	q := r.URL.Query()
	c.mu.Lock()
	defer c.mu.Unlock()
	items := []*Pod{}
	for _, name := range slices.Sorted(maps.Keys(c.pods)) {
		p := c.pods[name]
		living := q.Get("fieldSelector") == "" || !p.Status.Over() // the only selector of fields that there is
		if chosen(q.Get("labelSelector"), p.Metadata.Labels) && living && name > q.Get("continue") {
			items = append(items, p)
		}
	}
	meta := map[string]any{"resourceVersion": strconv.Itoa(c.version)}
	if n := number(q.Get("limit")); n > 0 && len(items) > n {
		items = items[:n]
		meta["continue"] = items[n-1].Metadata.Name
	}
	text, _ := json.Marshal(items)
	return map[string]any{"kind": "PodList", "metadata": meta, "items": json.RawMessage(text)}
}

func chosen(selector string, labels map[string]string) bool {
	key, value, ok := strings.Cut(selector, "=")
	return !ok || labels[key] == value
}

// happenings lists what was told about the pod with the uid that the selector names.
func (c *Cluster) happenings(selector string) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	items := []any{}
	for _, e := range c.told {
		uid, _ := e["involvedObject"].(map[string]any)["uid"].(string)
		if strings.HasSuffix(selector, "involvedObject.uid="+uid) {
			items = append(items, e)
		}
	}
	return map[string]any{"kind": "EventList", "items": items}
}

func (c *Cluster) log(w http.ResponseWriter, r *http.Request, name string) {
	c.mu.Lock()
	p := c.pods[name]
	var write func(http.ResponseWriter, *http.Request)
	if p != nil {
		write = p.log[r.URL.Query().Get("container")]
	}
	c.mu.Unlock()
	switch {
	case p == nil:
		w.WriteHeader(404)
		_ = json.NewEncoder(w).Encode(Problem(404, "NotFound"))
	case write != nil:
		write(w, r)
	}
}
