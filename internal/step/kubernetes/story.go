package kubernetes

import "fmt"

// What the rules say about a pod: each is what follows "Kubernetes pod [name]".

func succeeded(f *facts) string {
	if c := f.failedOther(); c != nil {
		return fmt.Sprintf("succeeded, though its container [%s] failed with %s", c.Name, exit(c.State.Terminated))
	}
	return "succeeded"
}

func failed(f *facts) string { return "failed with " + f.ending() }

func outOfMemory(f *facts) string {
	return fmt.Sprintf("failed with exit code [%d]: it used more memory than it may (%s); raise kubernetes.memory or use less", f.end.ExitCode, oomKilled)
}

func outOfTime(f *facts) string {
	return "failed" + f.with() + ": it ran beyond the timeout of the step (" + deadlineExceeded + ")"
}

func containerLost(f *facts) string {
	return "was lost: its node has no record of how the container ended (" + f.end.Reason + fmt.Sprintf(", exit code [%d])", f.end.ExitCode)
}

func taken(f *facts) string {
	why, _ := f.whyTaken()
	return "was ended by the cluster" + f.with() + ": " + why
}

func deleted(f *facts) string {
	s := "was deleted by somebody else" + f.with()
	if f.pod.Status.Reason != "" {
		s += ": " + because(f.pod.Status.Reason, f.pod.Status.Message)
	}
	return s
}

func nodeLost(f *facts) string {
	s := "was lost: its node does not answer"
	if f.pod.Status.Reason != "" || f.pod.Status.Message != "" {
		s += ": " + because(orElse(f.pod.Status.Reason, f.pod.Status.Phase), f.pod.Status.Message)
	}
	return s
}

func initFailed(f *facts) string {
	c := f.failedInit()
	return fmt.Sprintf("failed before the step's container began: its init container [%s] failed with %s", c.Name, exit(ending(c)))
}

func failedUntold(f *facts) string {
	s := "failed, and the cluster does not tell how the step's container ended"
	if f.own != nil && f.own.State.Waiting != nil {
		s = "failed before the step's container began"
	}
	switch c := f.failedOther(); {
	case f.pod.Status.Reason != "" || f.pod.Status.Message != "":
		s += ": " + because(orElse(f.pod.Status.Reason, f.pod.Status.Phase), f.pod.Status.Message)
	case c != nil:
		s += fmt.Sprintf(": its container [%s] failed with %s", c.Name, exit(c.State.Terminated))
	}
	return s
}

func unschedulable(f *facts) string {
	c := f.scheduled()
	return "does not begin: " + because(orElse(c.Reason, "Unschedulable"), c.Message)
}

func unscheduled(*facts) string { return "does not begin: the scheduler has not found a node" }

func initBlocked(f *facts) string {
	c := f.blockedInit()
	s := fmt.Sprintf("does not begin: its init container [%s] ", c.Name)
	if t := ending(c); t != nil && t.ExitCode != 0 {
		return s + "failed with " + exit(t)
	}
	return s + "waits: " + because(c.State.Waiting.Reason, c.State.Waiting.Message)
}

func sidecarLate(f *facts) string {
	return fmt.Sprintf("does not begin: its sidecar [%s] runs, but does not get ready", f.lateSidecar().Name)
}

func blocked(f *facts) string {
	return "does not begin: " + because(f.own.State.Waiting.Reason, f.own.State.Waiting.Message)
}

func notBegun(f *facts) string {
	if f.own != nil && f.own.State.Waiting != nil && f.own.State.Waiting.Reason != "" {
		return blocked(f)
	}
	return "does not begin: its node has not begun its container"
}

// ending tells how the step's container ended.
func (f *facts) ending() string {
	s := exit(f.end)
	if f.again {
		s += ", and was begun again"
	}
	if f.end.Reason == "" || f.end.Reason == "Error" || f.end.Reason == "Completed" {
		if f.pod.Status.Reason != "" {
			s += ": " + because(f.pod.Status.Reason, f.pod.Status.Message)
		}
	}
	return s
}

// with is how the step's container ended, if it did.
func (f *facts) with() string {
	if f.end == nil {
		return ""
	}
	return fmt.Sprintf(" with exit code [%d]", f.end.ExitCode)
}
