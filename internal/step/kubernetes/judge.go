package kubernetes

import (
	"maestro/internal/kube"
	"maestro/internal/step"
)

// This file is the table of what the state of a pod means for its step. The step's container is decided by name, and its
// own end decides the step: what runs beside it, and what became of the pod afterwards, does not.

// rule says what it means that a pod is in a state.
type rule struct {
	when    func(f *facts) bool
	verdict step.State // Continue: the step goes on
	hinders hindrance  // of a step that goes on: why its container does not begin
	says    func(f *facts) string
}

// rules are asked in order; the first that applies decides. The first group is of pods whose step's container has ended,
// the second of pods that have ended without that, the third of pods that may still do their work.
var rules = [...]rule{
	{when: func(f *facts) bool { return f.end != nil && f.end.ExitCode == 0 }, verdict: step.Done, says: succeeded},
	{when: func(f *facts) bool { return f.end != nil && f.outOfTime() }, verdict: step.TimedOut, says: outOfTime},
	{when: func(f *facts) bool { return f.end != nil && f.end.Reason == statusUnknown }, verdict: step.PlatformError, says: containerLost},
	{when: func(f *facts) bool { return f.end != nil && f.taken() }, verdict: step.PlatformError, says: taken},
	{when: func(f *facts) bool { return f.end != nil && f.end.Reason == oomKilled }, verdict: step.UserError, says: outOfMemory},
	{when: func(f *facts) bool { return f.end != nil && f.deleted() }, verdict: step.PlatformError, says: deleted},
	{when: func(f *facts) bool { return f.end != nil }, verdict: step.UserError, says: failed},

	{when: func(f *facts) bool { return f.phase(kube.Succeeded) }, verdict: step.Done, says: succeeded},
	{when: (*facts).nodeLost, verdict: step.PlatformError, says: nodeLost},
	{when: func(f *facts) bool { return f.phase(kube.Failed) && f.outOfTime() }, verdict: step.TimedOut, says: outOfTime},
	{when: func(f *facts) bool { return f.phase(kube.Failed) && f.taken() }, verdict: step.PlatformError, says: taken},
	{when: func(f *facts) bool { return f.phase(kube.Failed) && f.failedInit() != nil }, verdict: step.PlatformError, says: initFailed},
	{when: func(f *facts) bool { return f.phase(kube.Failed) && f.deleted() }, verdict: step.PlatformError, says: deleted},
	{when: func(f *facts) bool { return f.phase(kube.Failed) }, verdict: step.PlatformError, says: failedUntold},

	{when: (*facts).atWork},
	{when: (*facts).unschedulable, hinders: noNode, says: unschedulable},
	{when: (*facts).unscheduled, hinders: noNodeYet, says: unscheduled},
	{when: func(f *facts) bool { return f.blockedInit() != nil }, hinders: noStart, says: initBlocked},
	{when: (*facts).initWorks},
	{when: func(f *facts) bool { return f.lateSidecar() != nil }, hinders: noStartYet, says: sidecarLate},
	{when: func(f *facts) bool { return f.own != nil && loud(f.own.State.Waiting) }, hinders: noStart, says: blocked},
	{when: func(*facts) bool { return true }, hinders: noStartYet, says: notBegun},
}

// hindrance is why the step's container does not begin.
type hindrance uint8

const (
	unhindered hindrance = iota
	noNodeYet            // nothing has been said about a node
	noNode               // big enough, or willing
	noStartYet           // the node prepares it: image, volumes, sandbox
	noStart              // something that a container needs cannot be had: image, settings, an init container that ends well
	tombstoned           // it never will
	hindrances = iota
)

// quiet reports whether it is normal for a while.
func (h hindrance) quiet() bool { return h == noNodeYet || h == noStartYet }

// scheduling reports whether it is a node that is missing.
func (h hindrance) scheduling() bool { return h == noNodeYet || h == noNode }

// Reasons that the API gives.
const (
	oomKilled        = "OOMKilled"
	deadlineExceeded = "DeadlineExceeded"
	statusUnknown    = "ContainerStatusUnknown" // the node has no record of how the container ended
	nodeLostReason   = "NodeLost"
)

// platformReasons are reasons of pods that the cluster ends. OutOf… belong to them.
var platformReasons = map[string]bool{
	"Evicted": true, "Preempted": true, "Preempting": true, nodeLostReason: true, "NodeShutdown": true, "Shutdown": true,
	"Terminated": true, "NodeAffinity": true, "UnexpectedAdmissionError": true, "TopologyAffinityError": true,
}

// loud reports whether a container waits for something that it will not get without help.
func loud(w *kube.Waiting) bool {
	return w != nil && w.Reason != "" && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing"
}
