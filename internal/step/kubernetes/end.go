package kubernetes

import (
	"fmt"
	"time"

	"maestro/internal/kube"
	"maestro/internal/step"
)

// end stops an attempt: nothing of it runs, or will, once that is reported.
func (cl *cluster) end(j *job) time.Duration {
	c, _, err := cl.locate(j)
	if err != nil && !j.recall() { // then it cannot have begun
		return cl.halt(j, "")
	}
	if j.stage == beginning && !j.posted && !j.ours && j.refused == nil {
		cl.mu.Lock()
		found := j.found
		cl.mu.Unlock()
		if !found {
			return cl.halt(j, "Stopped before there was a pod")
		}
	}
	p, err := cl.api.Pod(cl.ctx, j.ns, j.name)
	switch {
	case cl.ctx.Err() != nil:
		return idle
	case kube.NotFound(err):
		if !j.ours || j.doubtful() {
			if wait, ok := cl.occupy(j, c, byStop); !ok {
				return wait
			}
		}
		return cl.halt(j, fmt.Sprintf("Terminated Kubernetes job for jobId=[%s]", j.name))
	case err != nil: // whether it runs is not known: only an answer ends this
		wait, _ := j.fails(err, 0)
		return wait
	case cl.foreign(j.a, p) != "":
		return cl.halt(j, "Stopped; "+nameTaken(j, cl.foreign(j.a, p)).Error())
	}
	j.works()
	j.ours = true
	s := observe(p)
	switch {
	case s.hindered == tombstoned:
		return cl.halt(j, "Stopped before there was a pod")
	case s.rests && j.deletions == 0:
		return cl.halt(j, fmt.Sprintf("Kubernetes job for jobId=[%s] had ended already", j.name))
	case s.rests:
		return cl.halt(j, fmt.Sprintf("Terminated Kubernetes job for jobId=[%s]", j.name))
	}
	return cl.remove(j, s)
}

// halt reports that an attempt is stopped.
func (cl *cluster) halt(j *job, message string) time.Duration {
	r := step.Report{State: step.Stopped}
	if message != "" {
		r.Timeline = info(message)
	}
	cl.settle(j, r, false)
	return idle
}

// remove asks for the end of a pod that runs, and returns when to look whether it has come.
func (cl *cluster) remove(j *job, s *state) time.Duration {
	grace := idle
	switch {
	case s.deleting.IsZero() || j.deletions == 0:
	case time.Since(s.deleting) > forceAfter: // its node is dead, or hears nothing
		grace = 0
	default:
		return pace(j)
	}
	err := cl.api.DeletePod(cl.ctx, j.ns, j.name, s.uid, grace)
	if err != nil && !kube.NotFound(err) {
		wait, _ := j.fails(err, 0)
		return wait
	}
	j.works()
	j.deletions++
	if err == nil && grace == 0 {
		cl.cfg.Log.Warn("deleted a pod by force, since its node did not answer", "namespace", j.ns, "pod", j.name)
	}
	if j.deletions == 1 {
		return 0 // it may be gone at once
	}
	return pace(j)
}

// pace is how long to wait before looking again whether a pod is gone. The watch is often faster.
func pace(j *job) time.Duration {
	if j.lookAfter < 100*time.Millisecond || j.lookAfter > 5*time.Second {
		j.lookAfter = 50 * time.Millisecond
	}
	j.lookAfter = min(2*j.lookAfter, 5*time.Second)
	return j.lookAfter
}

// occupy takes the name that a pod of the attempt has, or would have, with one that never runs. It reports false if it
// must be tried again, or if there is a pod.
func (cl *cluster) occupy(j *job, c *Command, why string) (wait time.Duration, ok bool) {
	if cl.allowed(j.ns) != nil {
		return 0, true
	}
	_, err := cl.api.CreatePod(cl.ctx, j.ns, cl.tombstone(j.a, c, why))
	switch {
	case err == nil:
		return 0, true
	case cl.ctx.Err() != nil:
		return idle, false
	case kube.AlreadyExists(err): // it has begun just now
		wait, enough := j.fails(err, requestTries)
		return min(wait, 50*time.Millisecond), enough
	case kube.Temporary(err), kube.Code(err) == 403: // which may be over before the one who may still come is asked
		wait, enough := j.fails(err, requestTries)
		return wait, enough
	}
	return 0, true // not possible: then neither is what may still come
}

// discard deletes the pod of an attempt whose end is reported already, so that it does not run beside the next.
func (cl *cluster) discard(j *job) time.Duration {
	if wait := time.Until(j.discardAt); wait > 0 {
		return wait
	}
	p, err := cl.api.Pod(cl.ctx, j.ns, j.name)
	switch {
	case cl.ctx.Err() != nil:
		return idle
	case time.Since(j.failing) > discardTries:
		cl.cfg.Log.Warn("a pod that failed to begin may be left", "namespace", j.ns, "pod", j.name, "error", err)
	case err != nil && !kube.NotFound(err):
		return j.tries.Next(err)
	case err == nil && cl.foreign(j.a, p) == "" && !p.Status.Over():
		grace := idle
		if d := kube.Time(p.Metadata.DeletionTimestamp); !d.IsZero() && time.Since(d) > forceAfter {
			grace = 0
		}
		if p.Metadata.DeletionTimestamp == "" || grace == 0 {
			err = cl.api.DeletePod(cl.ctx, j.ns, j.name, p.Metadata.UID, grace)
		}
		return j.tries.Next(err)
	case kube.NotFound(err) && j.posted && time.Since(j.failing) < requestTries: // it may still come
		return j.tries.Next(nil)
	}
	cl.mu.Lock()
	j.done = true
	cl.mu.Unlock()
	return idle
}
