package kubernetes

import (
	"fmt"
	"time"

	"maestro/internal/kube"
	"maestro/internal/step"
)

const (
	firstLook = time.Second      // after which a good watch would have shown a new pod
	lastLook  = 30 * time.Second // between looks at a pod that no watch shows
)

// follow looks at what is known of a pod, and asks if too little is.
func (cl *cluster) follow(j *job, in inbox) time.Duration {
	if !cl.wanted(j) {
		return cl.drop(j)
	}
	if in.retell {
		cl.tell(j, step.Report{State: step.Continue})
	}
	s := in.seen
	now := time.Now()
	if in.check || !in.trusting && !now.Before(j.lookAt) {
		p, err := cl.api.Pod(cl.ctx, j.ns, j.name)
		switch {
		case kube.NotFound(err):
			s = &state{gone: true}
		case cl.ctx.Err() != nil:
			return idle
		case err != nil: // it may be at work: only the step's timeout ends this
			wait, _ := j.fails(err, 0)
			cl.mu.Lock()
			j.check = j.check || in.check
			cl.mu.Unlock()
			return wait
		default:
			s = observe(p)
			if !in.check && s.version != in.seen.version {
				cl.silent(j.ns)
			}
		}
		j.works()
		cl.mu.Lock()
		cl.see(j, s)
		s = j.seen
		cl.mu.Unlock()
		j.lookAfter = min(2*j.lookAfter, lastLook)
		j.lookAt = now.Add(j.lookAfter)
	}
	switch {
	case s.over && s.uid == j.uid:
		return cl.finish(j, s)
	case s.gone || s.uid != j.uid:
		return cl.lost(j, s)
	}
	wait, over := cl.hinder(j, s)
	if over {
		return wait
	}
	if !s.deleting.IsZero() { // its node may be dead: somebody must say so, or it stays for ever
		left := time.Until(s.deleting) + forceAfter
		if left <= 0 {
			cl.settle(j, step.Report{State: step.PlatformError, Begun: true, Timeline: details("The pod was lost", s.story(j.name)+", and its node does not answer")}, true)
			return 0
		}
		wait = sooner(wait, left)
	}
	if !in.trusting {
		wait = sooner(wait, max(time.Millisecond, time.Until(j.lookAt)))
	}
	return wait
}

func sooner(a, b time.Duration) time.Duration {
	if a < 0 || b < a {
		return b
	}
	return a
}

// hinder tells of a pod that does not begin, once for each kind of reason, and gives up in the end.
func (cl *cluster) hinder(j *job, s *state) (wait time.Duration, over bool) {
	if s.hindered == unhindered {
		j.hindered = time.Time{}
		return idle, false
	}
	if s.hindered == tombstoned {
		cl.settle(j, step.Report{State: step.Stopped}, false)
		return idle, true
	}
	why := fmt.Sprintf("Kubernetes pod [%s] does not begin: %s, %s", j.name, s.reason, clause(s.message))
	if j.hindered.IsZero() {
		j.hindered = time.Now()
	}
	if !j.warned[s.hindered] {
		j.warned[s.hindered] = true
		cl.tell(j, step.Report{State: step.Continue, Timeline: []step.Line{{Level: step.Warn, Message: why}}})
	}
	patience := cl.cfg.PullPatience
	if s.hindered == noNode {
		patience = cl.cfg.SchedulePatience
	}
	if left := patience - time.Since(j.hindered); left > 0 {
		return left, false
	}
	cl.settle(j, step.Report{State: step.PlatformError, Begun: true, Timeline: details(fmt.Sprintf("The pod did not begin within %s", patience), why)}, true)
	return 0, true
}
