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
		if j.seen != in.seen && j.seen.version != s.version { // the watch told something meanwhile; which is newer cannot be told
			j.check = true
			cl.mu.Unlock()
			return 0
		}
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
		late := forceAfter
		if s.taken != "" { // by the cluster, which knows nothing of the node, either
			late = takenAfter
		}
		left := time.Until(s.deleting) + late
		if left <= 0 {
			why := fmt.Sprintf("Kubernetes pod [%s] was to be deleted by [%s], and its node does not answer", j.name, s.deleting.UTC().Format(time.RFC3339))
			if s.taken != "" {
				why += ": " + s.taken
			}
			cl.settle(j, step.Report{State: step.PlatformError, Begun: true, Timeline: details("The pod was lost", why)}, true)
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

// hindered is how long a pod has not begun, and what it waits for.
type hindered struct {
	since      time.Time // zero: it is not hindered
	scheduling bool      // it waits for a node
	pulling    bool      // its image is being pulled, and has been for as long as a pod may be hindered otherwise
}

// quietTime is how long it is not worth a word that a pod has not begun.
const quietTime = time.Minute

// hinder tells of a pod that does not begin, once for each kind of reason, and gives up in the end.
func (cl *cluster) hinder(j *job, s *state) (wait time.Duration, over bool) {
	if s.hindered == unhindered {
		j.hindered = hindered{}
		return idle, false
	}
	if s.hindered == tombstoned {
		cl.settle(j, step.Report{State: step.Stopped}, false)
		return idle, true
	}
	if j.hindered.since.IsZero() || j.hindered.scheduling != s.hindered.scheduling() { // each wait has its own patience
		j.hindered = hindered{since: time.Now(), scheduling: s.hindered.scheduling()}
	}
	patience := cl.cfg.PullPatience
	switch {
	case j.hindered.scheduling:
		patience = cl.cfg.SchedulePatience
	case j.hindered.pulling && s.hindered.quiet():
		patience = max(patience, cl.cfg.SchedulePatience)
	}
	passed := time.Since(j.hindered.since)
	if left := patience - passed; left > 0 {
		if s.hindered.quiet() && passed < quietTime {
			return min(left, quietTime-passed), false
		}
		if !j.warned[s.hindered] {
			j.warned[s.hindered] = true
			cl.tell(j, step.Report{State: step.Continue, Timeline: []step.Line{warn(cl.evidence(j, s).line())}})
		}
		return left, false
	}
	found := cl.evidence(j, s)
	if found.pulling && s.hindered.quiet() && !j.hindered.pulling && cl.cfg.SchedulePatience > patience { // a large image
		j.hindered.pulling = true
		return 0, false
	}
	cl.settle(j, step.Report{State: step.PlatformError, Begun: true, Timeline: details(fmt.Sprintf("The pod did not begin within %s", patience), found.list()...)}, true)
	return 0, true
}
