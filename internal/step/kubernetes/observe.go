package kubernetes

import (
	"time"

	"maestro/internal/kube"
	"maestro/internal/step"
)

// state is what matters of how a pod is: the judgement on it.
type state struct {
	uid, version string

	gone     bool      // there is no such pod any more
	over     bool      // what became of the step is decided
	rests    bool      // no container runs, or will
	lingers  bool      // it is over, and containers run on
	deleting time.Time // when it must be gone; zero: nobody deletes it

	verdict  step.State // of a pod that is over
	hindered hindrance  // of one that is not
	story    string     // what to say about it; empty: nothing
	taken    string     // why the cluster took the pod from its node; empty: it did not

	finished time.Time // zero: not known
	starved  bool      // it ran out of memory
	silent   bool      // the step's container never began, so that it has no log
	cut      bool      // its node does not answer, so that nothing can be read there
	again    bool      // its log is that of the container before it was begun again
	suspect  string    // an init container whose log may tell why it does not begin, or did not
}

// observe judges a pod.
func observe(p *kube.Pod) *state {
	s := &state{
		uid: p.Metadata.UID, version: p.Metadata.ResourceVersion, rests: p.Status.Over(), deleting: kube.Time(p.Metadata.DeletionTimestamp),
	}
	if p.Metadata.Annotations[annotationStop] != "" {
		s.over, s.hindered = s.rests, tombstoned
		return s
	}
	f := gather(p)
	for i := range rules {
		r := &rules[i]
		if !r.when(f) {
			continue
		}
		s.verdict, s.hindered, s.over = r.verdict, r.hinders, r.verdict.Final()
		if r.says != nil {
			s.story = r.says(f)
		}
		break
	}
	s.taken, _ = f.whyTaken()
	s.lingers = s.over && !s.rests && (f.end == nil || f.again || f.others() || restarts(p.Spec.RestartPolicy))
	if s.over {
		s.finished = f.finished()
		s.starved = f.end != nil && f.end.Reason == oomKilled && s.verdict == step.UserError
		s.silent = f.end == nil && f.own != nil && f.own.State.Running == nil && !f.phase(kube.Succeeded)
		s.cut = f.end == nil && f.nodeLost()
		s.again = f.again
	}
	if c := f.failedInit(); c != nil && f.end == nil {
		s.suspect = c.Name
	}
	return s
}

// restarts reports whether the node begins containers again that have ended. The pod that was asked for does not say so;
// somebody else may have made it.
func restarts(policy string) bool { return policy == "Always" || policy == "OnFailure" }

// news reports whether somebody has to do something about s who knows old already.
func (s *state) news(old *state) bool {
	return s.over || s.gone || old == nil || s.uid != old.uid || s.hindered != old.hindered || !s.deleting.Equal(old.deleting)
}
