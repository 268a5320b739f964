package kubetest

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"maestro/internal/kube"
)

// Pod is a pod as it was at some moment. Its name and uid say which one it is.
type Pod struct {
	kube.Pod
	Spec kube.Spec `json:"spec"`

	log func(w http.ResponseWriter, r *http.Request)
}

// Image is that of its first container.
func (p *Pod) Image() string { return p.Spec.Containers[0].Image }

// Gated reports whether it waits for somebody to let it begin.
func (p *Pod) Gated() bool { return len(p.Spec.SchedulingGates) > 0 }

// Alive reports whether its containers run or will run.
func (p *Pod) Alive() bool { return !p.Gated() && !p.Status.Over() }

// copied returns a pod that changes of the original do not reach.
func (p *Pod) copied() *Pod {
	q := *p
	q.Status.Conditions = slices.Clone(p.Status.Conditions)
	q.Status.ContainerStatuses = slices.Clone(p.Status.ContainerStatuses)
	return &q
}

// Pod returns a pod as it is now, or nil.
func (c *Cluster) Pod(name string) *Pod {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.pods[name]; p != nil {
		return p.copied()
	}
	return nil
}

// Pods returns all pods there are.
func (c *Cluster) Pods() (all []*Pod) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pods {
		all = append(all, p.copied())
	}
	return all
}

// Await waits for a pod.
func (c *Cluster) Await(t *testing.T, name string) *Pod {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if p := c.Pod(name); p != nil {
			return p
		}
	}
	t.Fatalf("there is no pod %s", name)
	return nil
}

// Begun returns all pods that ever were begun, as they were asked for, the oldest first.
func (c *Cluster) Begun() []*Pod {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.begun)
}

// Change changes a pod as its node does, unless it has ended or is gone. It reports whether it did.
func (c *Cluster) Change(p *Pod, change func(*Pod)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.sameLocked(p)
	if own == nil || own.Status.Over() {
		return false
	}
	change(own)
	c.changedLocked(own, kube.Modified)
	return true
}

// End ends a pod's container. It reports whether it did.
func (c *Cluster) End(p *Pod, code int, reason string) bool {
	return c.Change(p, func(p *Pod) {
		p.Status.Phase = kube.Succeeded
		if code != 0 {
			p.Status.Phase = kube.Failed
		}
		s := kube.ContainerStatus{Name: p.Spec.Containers[0].Name}
		s.State.Terminated = &kube.Terminated{ExitCode: code, Reason: reason, FinishedAt: now()}
		p.Status.ContainerStatuses = []kube.ContainerStatus{s}
	})
}

// Remove removes a pod, as when somebody deletes it by force.
func (c *Cluster) Remove(p *Pod) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if own := c.sameLocked(p); own != nil {
		c.removeLocked(own)
	}
}

// Lose removes a pod without telling anybody.
func (c *Cluster) Lose(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pods, name)
}

// Wrote says what a pod wrote.
func (c *Cluster) Wrote(p *Pod, text string) {
	c.Writes(p, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

// Writes says how requests for the log of a pod are answered.
func (c *Cluster) Writes(p *Pod, log func(w http.ResponseWriter, r *http.Request)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if own := c.sameLocked(p); own != nil {
		own.log = log
	}
}

// sameLocked returns the pod itself, if it is still there.
func (c *Cluster) sameLocked(p *Pod) *Pod {
	if own := c.pods[p.Metadata.Name]; own != nil && own.Metadata.UID == p.Metadata.UID {
		return own
	}
	return nil
}

// ByImage has pods live as the name of their image says: stuck ones never begin, one that succeeds or fails ends at
// once, all others run until they are told to end, a stubborn one a while longer.
func ByImage(c *Cluster, p *Pod) {
	if p.Image() == "stuck" {
		return
	}
	c.Change(p, func(p *Pod) { p.Status.Phase = kube.Running })
	switch p.Image() {
	case "succeeds":
		c.End(p, 0, "")
	case "fails":
		c.End(p, 3, "")
	}
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}
