package kubernetes

import (
	"fmt"
	"strings"
	"time"

	"maestro/internal/kube"
)

// facts are what the table of rules asks of a pod.
type facts struct {
	pod   *kube.Pod
	own   *kube.ContainerStatus // of the step's container; nil: the cluster tells nothing of it
	end   *kube.Terminated      // how that ended; nil: it has not
	again bool                  // it has been begun again since, though nothing of ours asks for that
}

func gather(p *kube.Pod) *facts {
	f := &facts{pod: p}
	for i := range p.Status.ContainerStatuses {
		if c := &p.Status.ContainerStatuses[i]; c.Name == containerName {
			f.own = c
		}
	}
	if f.own != nil {
		f.end = f.own.State.Terminated
		if before := f.own.LastState.Terminated; before != nil { // an attempt does its work once: what began again does not count
			f.end, f.again = before, true
		}
	}
	return f
}

func (f *facts) phase(phase string) bool { return f.pod.Status.Phase == phase }

func (f *facts) outOfTime() bool { return f.pod.Status.Reason == deadlineExceeded }

// whyTaken returns why the cluster took the pod from its node, and when that began, as far as it is known.
func (f *facts) whyTaken() (why string, at time.Time) {
	s := &f.pod.Status
	if platformReasons[s.Reason] || strings.HasPrefix(s.Reason, "OutOf") {
		why = because(s.Reason, s.Message)
	}
	for i := range s.Conditions {
		if c := &s.Conditions[i]; c.Type == "DisruptionTarget" && c.Status == "True" {
			at = kube.Time(c.LastTransitionTime)
			if why == "" {
				why = because(orElse(c.Reason, c.Type), c.Message)
			}
		}
	}
	return why, at
}

// taken reports whether the cluster took the pod from its node, and not only after the step's container had ended.
func (f *facts) taken() bool {
	why, at := f.whyTaken()
	return why != "" && !f.endedBefore(at)
}

// deleted reports whether somebody deletes the pod, and did not only begin to after the step's container had ended.
func (f *facts) deleted() bool {
	at := kube.Time(f.pod.Metadata.DeletionTimestamp)
	return !at.IsZero() && !f.endedBefore(at.Add(-time.Duration(f.pod.Metadata.DeletionGracePeriodSeconds)*time.Second))
}

// endedBefore reports whether it is certain that the step's container ended before at.
func (f *facts) endedBefore(at time.Time) bool {
	return f.end != nil && !at.IsZero() && !kube.Time(f.end.FinishedAt).IsZero() && kube.Time(f.end.FinishedAt).Before(at)
}

func (f *facts) nodeLost() bool {
	return f.phase(kube.Unknown) || f.pod.Status.Reason == nodeLostReason && !f.phase(kube.Failed)
}

// failedInit returns the init container whose failure kept the step's container from beginning, or nil. A sidecar may
// only have been told to end because another one failed.
func (f *facts) failedInit() *kube.ContainerStatus {
	for _, sidecars := range [...]bool{false, true} {
		c := f.init(func(c *kube.ContainerStatus, sidecar bool) bool {
			t := ending(c)
			return sidecar == sidecars && t != nil && t.ExitCode != 0
		})
		if c != nil {
			return c
		}
	}
	return nil
}

// blockedInit returns an init container that cannot begin, or fails again and again, or nil.
func (f *facts) blockedInit() *kube.ContainerStatus {
	return f.init(func(c *kube.ContainerStatus, _ bool) bool {
		t := ending(c)
		return loud(c.State.Waiting) || t != nil && t.ExitCode != 0
	})
}

// lateSidecar returns a sidecar that runs and is not ready for the others to begin, or nil.
func (f *facts) lateSidecar() *kube.ContainerStatus {
	return f.init(func(c *kube.ContainerStatus, sidecar bool) bool {
		return sidecar && c.State.Running != nil && c.Started != nil && !*c.Started
	})
}

// initWorks reports whether an init container is at work, for which the step's container waits.
func (f *facts) initWorks() bool {
	return f.init(func(c *kube.ContainerStatus, sidecar bool) bool { return !sidecar && c.State.Running != nil }) != nil
}

func (f *facts) init(is func(c *kube.ContainerStatus, sidecar bool) bool) *kube.ContainerStatus {
	for i := range f.pod.Status.InitContainerStatuses {
		if c := &f.pod.Status.InitContainerStatuses[i]; is(c, f.pod.Spec.Sidecar(c.Name)) {
			return c
		}
	}
	return nil
}

// ending returns how a container ended, even if it was begun again, or nil.
func ending(c *kube.ContainerStatus) *kube.Terminated {
	if c.State.Terminated != nil {
		return c.State.Terminated
	}
	return c.LastState.Terminated
}

// atWork reports whether the step's container runs, or the pod is on its way out and what becomes of it will be told.
func (f *facts) atWork() bool {
	return f.own != nil && f.own.State.Running != nil || f.own == nil && f.phase(kube.Running) || f.pod.Metadata.DeletionTimestamp != ""
}

// scheduled returns the condition that says whether there is a node, or nil.
func (f *facts) scheduled() *kube.Condition {
	for i := range f.pod.Status.Conditions {
		if c := &f.pod.Status.Conditions[i]; c.Type == "PodScheduled" {
			return c
		}
	}
	return nil
}

func (f *facts) unschedulable() bool {
	c := f.scheduled()
	return c != nil && c.Status == "False"
}

func (f *facts) unscheduled() bool {
	return f.scheduled() == nil && f.pod.Spec.NodeName == "" && len(f.pod.Status.ContainerStatuses)+len(f.pod.Status.InitContainerStatuses) == 0
}

// others reports whether a container that is not the step's runs, or will.
func (f *facts) others() bool {
	runs := func(c *kube.ContainerStatus) bool { return c.State.Terminated == nil && c.Name != containerName }
	for i := range f.pod.Status.ContainerStatuses {
		if runs(&f.pod.Status.ContainerStatuses[i]) {
			return true
		}
	}
	return f.init(func(c *kube.ContainerStatus, sidecar bool) bool { return sidecar && runs(c) }) != nil
}

// failedOther returns a container beside the step's that failed, or nil.
func (f *facts) failedOther() *kube.ContainerStatus {
	fails := func(c *kube.ContainerStatus) bool {
		return c.Name != containerName && c.State.Terminated != nil && c.State.Terminated.ExitCode != 0
	}
	for i := range f.pod.Status.ContainerStatuses {
		if c := &f.pod.Status.ContainerStatuses[i]; fails(c) {
			return c
		}
	}
	return f.init(func(c *kube.ContainerStatus, _ bool) bool { return fails(c) })
}

// finished returns when the step's work ended; zero: that is not known.
func (f *facts) finished() time.Time {
	if f.end != nil {
		return kube.Time(f.end.FinishedAt)
	}
	var at time.Time
	for i := range f.pod.Status.ContainerStatuses {
		if t := f.pod.Status.ContainerStatuses[i].State.Terminated; t != nil && kube.Time(t.FinishedAt).After(at) {
			at = kube.Time(t.FinishedAt)
		}
	}
	return at
}

// because joins a reason of the API and what it says about it.
func because(reason, message string) string {
	if message = clause(message); message != "" {
		return reason + ", " + message
	}
	return reason
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// clause makes a message of the cluster fit into one of ours.
func clause(s string) string {
	s = strings.TrimRight(strings.Join(strings.Fields(s), " "), ".")
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "") + "…"
	}
	return s
}

// exit tells how a container ended.
func exit(t *kube.Terminated) string {
	s := fmt.Sprintf("exit code [%d]", t.ExitCode)
	if t.Reason != "" && t.Reason != "Error" && t.Reason != "Completed" {
		return s + ": " + because(t.Reason, t.Message)
	}
	if t.Message != "" { // of the container itself, in its termination log
		return s + ": " + clause(t.Message)
	}
	return s
}
