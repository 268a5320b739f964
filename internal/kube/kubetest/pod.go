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

	own string                                                  // the container that was asked for
	log map[string]func(w http.ResponseWriter, r *http.Request) // by container
}

// Image is that of the container that was asked for.
func (p *Pod) Image() string {
	i := slices.IndexFunc(p.Spec.Containers, func(c kube.Container) bool { return c.Name == p.own })
	return p.Spec.Containers[max(i, 0)].Image
}

// Gated reports whether it waits for somebody to let it begin.
func (p *Pod) Gated() bool { return len(p.Spec.SchedulingGates) > 0 }

// Alive reports whether its containers run or will run.
func (p *Pod) Alive() bool { return !p.Gated() && !p.Status.Over() }

// copied returns a pod that changes of the original do not reach.
func (p *Pod) copied() *Pod {
	q := *p
	q.Status.Conditions = slices.Clone(p.Status.Conditions)
	q.Status.ContainerStatuses = slices.Clone(p.Status.ContainerStatuses)
	q.Status.InitContainerStatuses = slices.Clone(p.Status.InitContainerStatuses)
	return &q
}

// Container returns the status of one of its containers, which it gets if it has none yet.
func (p *Pod) Container(name string) *kube.ContainerStatus {
	list := &p.Status.ContainerStatuses
	if slices.ContainsFunc(p.Spec.InitContainers, func(c kube.Container) bool { return c.Name == name }) {
		list = &p.Status.InitContainerStatuses
	}
	i := slices.IndexFunc(*list, func(s kube.ContainerStatus) bool { return s.Name == name })
	if i < 0 {
		i = len(*list)
		*list = append(*list, kube.ContainerStatus{Name: name})
	}
	return &(*list)[i]
}

// Runs puts a container into the state that it runs.
func (p *Pod) Runs(name string) { p.Container(name).State = kube.ContainerState{Running: &struct{}{}} }

// Waits puts a container into the state that it waits for something.
func (p *Pod) Waits(name, reason, message string) {
	p.Container(name).State = kube.ContainerState{Waiting: &kube.Waiting{Reason: reason, Message: message}}
}

// Exits puts a container into the state that it has ended. The pod's phase stays.
func (p *Pod) Exits(name string, code int, reason string) {
	p.Container(name).State = kube.ContainerState{Terminated: &kube.Terminated{ExitCode: code, Reason: reason, FinishedAt: now()}}
}

// working returns whether a container of the pod beside the one that was asked for has a status that is not its end.
func (p *Pod) working() bool {
	runs := func(s kube.ContainerStatus) bool { return s.Name != p.own && s.State.Terminated == nil }
	return slices.ContainsFunc(p.Status.ContainerStatuses, runs) || slices.ContainsFunc(p.Status.InitContainerStatuses, runs)
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

// Begin has all containers of a pod run, those that prepare it having ended well. It reports whether it did.
func (c *Cluster) Begin(p *Pod) bool {
	return c.Change(p, func(p *Pod) {
		p.Status.Phase = kube.Running
		for _, box := range p.Spec.InitContainers {
			if box.RestartPolicy == "Always" {
				p.Runs(box.Name)
			} else {
				p.Exits(box.Name, 0, "Completed")
			}
		}
		for _, box := range p.Spec.Containers {
			p.Runs(box.Name)
		}
	})
}

// End ends the container that was asked for, and with it the pod, unless others run on. It reports whether it did.
func (c *Cluster) End(p *Pod, code int, reason string) bool {
	return c.Change(p, func(p *Pod) {
		p.Exits(p.own, code, reason)
		switch {
		case p.working():
		case code != 0:
			p.Status.Phase = kube.Failed
		default:
			p.Status.Phase = kube.Succeeded
		}
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

// Writes says how requests for the log of the container that was asked for are answered.
func (c *Cluster) Writes(p *Pod, log func(w http.ResponseWriter, r *http.Request)) {
	c.ContainerWrites(p, p.own, log)
}

// ContainerWrites says the same of any container.
func (c *Cluster) ContainerWrites(p *Pod, container string, log func(w http.ResponseWriter, r *http.Request)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if own := c.sameLocked(p); own != nil {
		own.log[container] = log
	}
}

// Tell has the cluster tell something about a pod, as an Event of the API.
func (c *Cluster) Tell(p *Pod, kind, reason, message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, map[string]any{
		"type": kind, "reason": reason, "message": message, "lastTimestamp": now(),
		"involvedObject": map[string]any{"kind": "Pod", "name": p.Metadata.Name, "uid": p.Metadata.UID},
	})
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
	c.Begin(p)
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
