package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"maestro/internal/kube"
	"maestro/internal/step"
)

// command returns what an attempt does, as its kind sees it.
func (j *job) command() (*Command, map[string][]byte, error) {
	c, err := Decode(j.a)
	if err != nil || j.kind.Shape == nil {
		return c, nil, err
	}
	artifacts, err := j.kind.Shape(j.a, c)
	return c, artifacts, err
}

// locate finds out where the pod of an attempt is: where it was reported to be, or else where it would be made.
func (cl *cluster) locate(j *job) (*Command, map[string][]byte, error) {
	c, artifacts, err := j.command()
	if err != nil {
		return nil, nil, err
	}
	j.name, j.ns = podName(c.Key), c.Namespace
	if j.ns == "" {
		j.ns = cl.cfg.Namespace
	}
	if known := recorded(j.a); known != nil {
		j.ns, j.ours = known.namespace(), true
	}
	return c, artifacts, nil
}

// recall takes from what was reported where the pod of an attempt is whose params are damaged. It reports false if there
// was no pod to report.
func (j *job) recall() bool {
	known := recorded(j.a)
	if known == nil {
		return false
	}
	j.name, j.ns, j.ours = known.JobID, known.namespace(), true
	return true
}

var errNamespace = errors.New("this server does not allow pods there")

func (cl *cluster) allowed(ns string) error {
	if ns == cl.cfg.Namespace || len(cl.cfg.Namespaces) == 0 || slices.Contains(cl.cfg.Namespaces, ns) {
		return nil
	}
	return fmt.Errorf("kubernetes.namespace %q: %w", ns, errNamespace)
}

// begin brings a job to where it has a pod: a new one, or the one that it had before.
func (cl *cluster) begin(j *job) time.Duration {
	c, artifacts, err := cl.locate(j)
	if err != nil {
		return cl.refuse(j, step.Internal, "marked as INTERNALLY_FAILED", err)
	}
	if err := cl.allowed(j.ns); err != nil {
		return cl.refuse(j, step.FatalError, "Error starting "+j.kind.Runtime, err)
	}
	cl.mu.Lock()
	found := j.found
	_, stopped := cl.stopped.has[j.a.UUID]
	cl.mu.Unlock()
	switch {
	case !cl.wanted(j):
		return cl.drop(j)
	case stopped:
		cl.settle(j, step.Report{State: step.Stopped}, false)
		return idle
	case found || j.refused != nil:
		if wait, over := cl.look(j, c, artifacts); over {
			return wait
		}
		if j.ours {
			return cl.lost(j, nil)
		}
	}
	return cl.create(j, c, artifacts)
}

// look looks for the pod of an attempt. It reports false if there is none.
func (cl *cluster) look(j *job, c *Command, artifacts map[string][]byte) (wait time.Duration, over bool) {
	cl.track(j, false) // before it can change
	p, err := cl.api.Pod(cl.ctx, j.ns, j.name)
	switch {
	case kube.NotFound(err):
		if j.refused != nil { // of what was refused as existing, it was there a moment ago
			wait, enough := j.fails(err, requestTries)
			if !enough && !kube.AlreadyExists(j.refused) {
				if wait, enough = cl.occupy(j, c, byRefusal); !enough {
					return wait, true
				}
			}
			if enough {
				return cl.refuse(j, verdictOn(j.refused), "Error starting "+j.kind.Runtime, j.refused), true
			}
			j.refused = nil
			cl.mu.Lock()
			j.found = false
			cl.mu.Unlock()
			return wait, true
		}
		return 0, false
	case cl.ctx.Err() != nil:
		return idle, true
	case err != nil && (j.ours || kube.Temporary(err)): // it may be at work: there is nothing to do but to ask again
		wait, _ := j.fails(err, 0)
		return wait, true
	case err != nil: // the server does not want to tell, and may think better of it
		wait, enough := j.fails(err, requestTries)
		if enough {
			j.posted = true
			return cl.refuse(j, step.PlatformError, "Error starting "+j.kind.Runtime, err), true
		}
		return wait, true
	case cl.foreign(j.a, p) != "":
		err := nameTaken(j, cl.foreign(j.a, p))
		switch {
		case j.ours: // there was one of the attempt
			return cl.lost(j, &state{taken: err.Error()}), true
		case j.refused != nil:
			err = fmt.Errorf("%w (%w)", err, j.refused)
		}
		return cl.refuse(j, step.PlatformError, "Error starting "+j.kind.Runtime, err), true
	case p.Metadata.Annotations[annotationStop] == byRefusal:
		return cl.refuse(j, step.PlatformError, "Error starting "+j.kind.Runtime, errors.New("the server refused the pod")), true
	case p.Metadata.Annotations[annotationStop] != "":
		cl.settle(j, step.Report{State: step.Stopped}, false)
		return idle, true
	}
	return cl.adopt(j, c, artifacts, p, false), true
}

// create asks for a pod.
func (cl *cluster) create(j *job, c *Command, artifacts map[string][]byte) time.Duration {
	cl.track(j, false) // before it can end
	p, err := cl.api.CreatePod(cl.ctx, j.ns, cl.manifest(j.a, c))
	switch {
	case err == nil:
		return cl.adopt(j, c, artifacts, p, true)
	case cl.ctx.Err() != nil:
		return idle
	case kube.AlreadyExists(err):
		j.refused = err
		return 0
	case kube.Temporary(err):
		j.posted = j.posted || !kube.Unsent(err) && kube.Code(err) != 429
		if wait, enough := j.fails(err, requestTries); !enough {
			return wait
		}
	}
	if j.doubtful() { // there is no failure to report while a pod may be at work, or may begin
		j.refused = err
		return 0
	}
	return cl.refuse(j, verdictOn(err), "Error starting "+j.kind.Runtime, err)
}

// verdictOn says what it means that a pod is refused.
func verdictOn(err error) step.State {
	switch kube.Code(err) {
	case 400, 413, 422: // it will be refused each time
		return step.FatalError
	}
	return step.PlatformError
}

// adopt goes on with a pod that is there.
func (cl *cluster) adopt(j *job, c *Command, artifacts map[string][]byte, p *kube.Pod, created bool) time.Duration {
	j.ours, j.stage = true, following
	j.works()
	j.lookAfter = firstLook
	j.lookAt = time.Now().Add(j.lookAfter)
	cl.track(j, true)
	s := observe(p)
	cl.mu.Lock()
	j.uid = p.Metadata.UID
	switch {
	case j.seen == nil || j.seen.uid != s.uid:
		j.seen = s
	case !created && j.seen.version != s.version: // the watch may have been faster; which is newer cannot be told
		j.check = true
	}
	if !created && p.Metadata.Labels[labelServer] == cl.cfg.Name {
		j.listed = true // by a label that the watch goes by
	}
	j.live, j.told = true, true
	cl.mu.Unlock()
	cl.tell(j, running(j, c, artifacts, created))
	return 0
}

// refuse reports that an attempt could not be begun.
func (cl *cluster) refuse(j *job, state step.State, message string, err error) time.Duration {
	errs := []string{fmt.Sprintf("Error creating Kubernetes job for %s", identity(j.a)), err.Error()}
	if state == step.Internal {
		errs = errs[1:]
	}
	lines := details(message, errs...)
	for i := range lines {
		lines[i].Retryable = state == step.PlatformError
	}
	cl.settle(j, step.Report{State: state, Timeline: lines}, j.posted)
	return 0
}

// lost reports that the pod of an attempt is not there any more.
func (cl *cluster) lost(j *job, s *state) time.Duration {
	cl.mu.Lock()
	_, stopped := cl.stopped.has[j.a.UUID]
	cl.mu.Unlock()
	if stopped {
		cl.settle(j, step.Report{State: step.Stopped}, false)
		return idle
	}
	why := "is gone: somebody deleted it, or its node was lost"
	if s != nil && s.taken != "" {
		why = "is gone: " + s.taken
	}
	j.posted = j.doubtful()
	found := cl.evidence(j, &state{story: why})
	cl.settle(j, step.Report{State: step.PlatformError, Begun: true, Timeline: details("The pod was lost", found.list()...)}, j.posted)
	return 0
}

// record is what an earlier process left in the artifact.
type record struct {
	JobID     string  `json:"job_id"`
	Namespace string  `json:"namespace"`
	Output    *string `json:"execution_output"` // nil: it has not ended
}

func (r *record) namespace() string {
	if r.Namespace == "" {
		return "default"
	}
	return r.Namespace
}

// recorded returns what was reported of the pod of an attempt, or nil.
func recorded(a *step.Attempt) *record {
	r := &record{}
	if json.Unmarshal(a.Artifacts[artifactKey], r) != nil || r.JobID == "" {
		return nil
	}
	return r
}
