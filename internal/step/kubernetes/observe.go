package kubernetes

import (
	"fmt"
	"strings"
	"time"

	"maestro/internal/kube"
	"maestro/internal/step"
)

// state is what matters of how a pod is.
type state struct {
	uid, version string

	phase    string
	over     bool // no container runs, or will
	gone     bool // there is no such pod any more
	exit     int
	exited   bool // exit is known
	reason   string
	message  string
	hindered hindrance
	deleting time.Time // when it must be gone; zero: nobody deletes it
	evicted  string    // why the cluster took the pod away from its node; empty: it did not
	finished time.Time // zero: not known
}

// hindrance is why a pod does not begin.
type hindrance uint8

const (
	unhindered hindrance = iota
	noImage              // or no settings: something that the container needs and the cluster does not have
	noNode               // big enough, or willing
	tombstoned           // it never will
	hindrances = iota
)

// platformReasons are reasons of failed pods that are not the fault of what runs in them.
var platformReasons = map[string]bool{
	"Evicted": true, "Preempted": true, "Preempting": true, "NodeLost": true, "NodeShutdown": true, "Shutdown": true,
	"Terminated": true, "NodeAffinity": true, "UnexpectedAdmissionError": true, "TopologyAffinityError": true,
}

// waitingReasons are reasons for which a container does not begin, and will not without help.
var waitingReasons = map[string]bool{
	"ImagePullBackOff": true, "ErrImagePull": true, "InvalidImageName": true, "ErrImageNeverPull": true,
	"RegistryUnavailable": true, "CreateContainerConfigError": true, "CreateContainerError": true, "RunContainerError": true,
}

// observe reads the state of a pod.
func observe(p *kube.Pod) *state {
	s := &state{
		uid: p.Metadata.UID, version: p.Metadata.ResourceVersion, phase: p.Status.Phase, over: p.Status.Over(),
		reason: p.Status.Reason, message: p.Status.Message, deleting: kube.Time(p.Metadata.DeletionTimestamp),
	}
	if p.Metadata.Annotations[annotationStop] != "" {
		s.hindered = tombstoned
		return s
	}
	if platformReasons[s.reason] || strings.HasPrefix(s.reason, "OutOf") {
		s.evicted = s.reason
	}
	for i := range p.Status.Conditions {
		switch c := &p.Status.Conditions[i]; {
		case c.Type == "DisruptionTarget" && c.Status == "True" && s.evicted == "":
			s.evicted = c.Reason
			s.explain(c.Reason, c.Message)
		case c.Type == "PodScheduled" && c.Status == "False" && c.Reason == "Unschedulable" && s.phase == kube.Pending:
			s.hindered = noNode
			s.explain(c.Reason, c.Message)
		}
	}
	for i := range p.Status.ContainerStatuses {
		c := &p.Status.ContainerStatuses[i]
		if t := c.State.Terminated; t != nil {
			s.finished = later(s.finished, kube.Time(t.FinishedAt))
			if c.Name == containerName {
				s.exit, s.exited = t.ExitCode, true
				if t.Reason != "Error" && t.Reason != "Completed" {
					s.explain(t.Reason, t.Message)
				}
			}
		}
		if w := c.State.Waiting; w != nil && waitingReasons[w.Reason] && !s.over {
			s.hindered = noImage
			s.explain(w.Reason, w.Message)
		}
	}
	return s
}

// explain keeps the first reason there is: that of the pod, which has the last word, before those of its parts.
func (s *state) explain(reason, message string) {
	if s.reason == "" {
		s.reason, s.message = reason, message
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// news reports whether somebody has to do something about s who knows old already.
func (s *state) news(old *state) bool {
	return s.over || s.gone || old == nil || s.uid != old.uid || s.hindered != old.hindered || !s.deleting.Equal(old.deleting)
}

// verdict says what the end of a pod means.
func (s *state) verdict() step.State {
	switch {
	case s.phase == kube.Succeeded:
		return step.Done
	case s.reason == "DeadlineExceeded":
		return step.TimedOut
	case s.evicted != "" || !s.deleting.IsZero():
		return step.PlatformError // a container that is told to leave fails, but not by its own fault
	}
	return step.UserError
}

// story tells how a pod ended, for people.
func (s *state) story(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Kubernetes pod [%s] ", name)
	switch {
	case s.phase == kube.Succeeded:
		b.WriteString("succeeded")
	case s.evicted != "":
		b.WriteString("was ended by the cluster")
	case !s.deleting.IsZero():
		b.WriteString("was deleted by somebody else")
	default:
		b.WriteString("failed")
	}
	if s.exited && s.phase != kube.Succeeded {
		fmt.Fprintf(&b, " with exit code [%d]", s.exit)
	}
	switch {
	case s.reason == "OOMKilled":
		b.WriteString(": it used more memory than it may (OOMKilled); raise kubernetes.memory or use less")
	case s.reason == "DeadlineExceeded":
		b.WriteString(": it ran beyond the timeout of the step (DeadlineExceeded)")
	case s.reason != "":
		b.WriteString(": " + s.reason)
		if s.message != "" {
			b.WriteString(", " + clause(s.message))
		}
	}
	return b.String()
}

// clause makes a message of the cluster fit into one of ours.
func clause(s string) string {
	s = strings.TrimRight(strings.Join(strings.Fields(s), " "), ".")
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "") + "…"
	}
	return s
}
