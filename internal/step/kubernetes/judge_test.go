package kubernetes

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"maestro/internal/kube"
	"maestro/internal/step"
)

// TestJudge is the specification of what the state of a pod means. A pod is written as its phase and reason, then its
// containers and what else is known of it, each as in [specimen]; a judgement as the state of the step's attempt and what
// is said about the pod.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ pod, want string }{
		// The step's container has ended: its exit code decides, wherever the pod is.
		{"Succeeded; maestro-job exited 0", "DONE succeeded"},
		{"Succeeded; maestro-job exited 3", "USER_ERROR failed with exit code [3]"},
		{"Failed; maestro-job exited 42 Error", "USER_ERROR failed with exit code [42]"},
		{"Failed; maestro-job exited 128 StartError: no such file", "USER_ERROR failed with exit code [128]: StartError, no such file"},
		{"Failed; maestro-job exited 127 ContainerCannotRun", "USER_ERROR failed with exit code [127]: ContainerCannotRun"},
		{"Failed; maestro-job exited 137 Error", "USER_ERROR failed with exit code [137]"},
		{"Failed; maestro-job exited 1 Error: disk full", "USER_ERROR failed with exit code [1]: disk full"},
		{"Failed; maestro-job exited 137 OOMKilled", "USER_ERROR failed with exit code [137]: it used more memory than it may (OOMKilled); raise kubernetes.memory or use less"},
		{"Failed SomethingNew: of a later version; maestro-job exited 1", "USER_ERROR failed with exit code [1]: SomethingNew, of a later version"},

		// What runs beside it, or failed there, does not decide.
		{"Running; maestro-job exited 0; proxy running", "DONE, runs on: succeeded"},
		{"Running; proxy running; maestro-job exited 7", "USER_ERROR, runs on: failed with exit code [7]"},
		{"Running; maestro-job exited 0; sidecar proxy running", "DONE, runs on: succeeded"},
		{"Running; maestro-job exited 137 OOMKilled; proxy running", "USER_ERROR, runs on: failed with exit code [137]: it used more memory than it may (OOMKilled); raise kubernetes.memory or use less"},
		{"Running; maestro-job exited 0", "DONE succeeded"}, // for a moment, until its node says that all has ended
		{"Running; maestro-job exited 0; proxy exited 0", "DONE succeeded"},
		{"Pending; maestro-job exited 0; proxy waiting ImagePullBackOff", "DONE, runs on: succeeded"},
		{"Failed; maestro-job exited 0; proxy exited 137 Error", "DONE succeeded, though its container [proxy] failed with exit code [137]"},
		{"Failed; maestro-job exited 0; sidecar proxy exited 143 Error", "DONE succeeded, though its container [proxy] failed with exit code [143]"},
		{"Failed; proxy exited 0; maestro-job exited 5", "USER_ERROR failed with exit code [5]"},
		{"Failed Evicted; maestro-job exited 0; proxy exited 137", "DONE succeeded, though its container [proxy] failed with exit code [137]"},
		{"Failed DeadlineExceeded; maestro-job exited 0; proxy exited 137", "DONE succeeded, though its container [proxy] failed with exit code [137]"},
		{"Failed; maestro-job exited 0; ephemeral debug exited 1", "DONE succeeded"},
		{"Running; maestro-job exited 0; ephemeral debug running", "DONE succeeded"},
		{"Running; maestro-job running; proxy exited 1", "CONTINUE"},
		{"Pending; maestro-job running; proxy waiting ImagePullBackOff", "CONTINUE"},
		{"Running; maestro-job running; sidecar proxy waiting CrashLoopBackOff", "CONTINUE"},

		// Somebody has changed the restart policy: an attempt does its work once.
		{"Running; maestro-job running, before exited 0", "DONE, runs on: succeeded"},
		{"Running; maestro-job waiting CrashLoopBackOff, before exited 9", "USER_ERROR, runs on: failed with exit code [9], and was begun again"},
		{"Running; maestro-job exited 0, before exited 9", "USER_ERROR, runs on: failed with exit code [9], and was begun again"},
		{"Running; maestro-job waiting ContainerCreating, before exited 137 ContainerStatusUnknown", "PLATFORM_ERROR, runs on: was lost: its node has no record of how the container ended (ContainerStatusUnknown, exit code [137])"},
		{"Running; maestro-job exited 0; restarts Always", "DONE, runs on: succeeded"},
		{"Running; maestro-job exited 4; restarts OnFailure", "USER_ERROR, runs on: failed with exit code [4]"},

		// The cluster has ended it.
		{"Failed Evicted: The node was low on resource: memory.; maestro-job exited 137", "PLATFORM_ERROR was ended by the cluster with exit code [137]: Evicted, The node was low on resource: memory"},
		{"Failed Evicted: The node was low on resource: memory.", "PLATFORM_ERROR was ended by the cluster: Evicted, The node was low on resource: memory"},
		{"Failed Evicted; maestro-job exited 137 OOMKilled", "PLATFORM_ERROR was ended by the cluster with exit code [137]: Evicted"},
		{"Running Evicted; maestro-job exited 143", "PLATFORM_ERROR was ended by the cluster with exit code [143]: Evicted"},
		{"Running Evicted; maestro-job running", "CONTINUE"}, // until it has ended
		{"Failed Preempting: Preempted in order to admit critical pod", "PLATFORM_ERROR was ended by the cluster: Preempting, Preempted in order to admit critical pod"},
		{"Failed Preempted; maestro-job exited 143", "PLATFORM_ERROR was ended by the cluster with exit code [143]: Preempted"},
		{"Failed Terminated: Pod was terminated in response to imminent node shutdown.; maestro-job exited 143", "PLATFORM_ERROR was ended by the cluster with exit code [143]: Terminated, Pod was terminated in response to imminent node shutdown"},
		{"Failed Shutdown; maestro-job exited 143", "PLATFORM_ERROR was ended by the cluster with exit code [143]: Shutdown"},
		{"Failed NodeShutdown: Pod was rejected as the node is shutting down.", "PLATFORM_ERROR was ended by the cluster: NodeShutdown, Pod was rejected as the node is shutting down"},
		{"Failed OutOfcpu", "PLATFORM_ERROR was ended by the cluster: OutOfcpu"},
		{"Failed UnexpectedAdmissionError", "PLATFORM_ERROR was ended by the cluster: UnexpectedAdmissionError"},
		{"Failed NodeAffinity", "PLATFORM_ERROR was ended by the cluster: NodeAffinity"},
		{"Failed; maestro-job exited 143; DisruptionTarget EvictionByEvictionAPI: Eviction API: evicting", "PLATFORM_ERROR was ended by the cluster with exit code [143]: EvictionByEvictionAPI, Eviction API: evicting"},
		{"Failed; maestro-job exited 137; DisruptionTarget PreemptionByScheduler", "PLATFORM_ERROR was ended by the cluster with exit code [137]: PreemptionByScheduler"},
		{"Failed; maestro-job running; DisruptionTarget DeletionByPodGC: node is gone", "PLATFORM_ERROR was ended by the cluster: DeletionByPodGC, node is gone"},
		{"Failed; DisruptionTarget", "PLATFORM_ERROR was ended by the cluster: DisruptionTarget"},
		{"Running; maestro-job running; DisruptionTarget DeletionByTaintManager; deleted at 100", "CONTINUE"},
		{"Running; maestro-job running; DisruptionTarget EvictionByEvictionAPI", "CONTINUE"}, // it was not evicted after all
		{"Failed; maestro-job exited 3 at 50; DisruptionTarget EvictionByEvictionAPI at 60", "USER_ERROR failed with exit code [3]"},
		{"Failed; maestro-job exited 3 at 60; DisruptionTarget EvictionByEvictionAPI at 60", "PLATFORM_ERROR was ended by the cluster with exit code [3]: EvictionByEvictionAPI"},
		{"Failed; maestro-job exited 137 ContainerStatusUnknown", "PLATFORM_ERROR was lost: its node has no record of how the container ended (ContainerStatusUnknown, exit code [137])"},
		{"Failed NodeLost; maestro-job exited 137", "PLATFORM_ERROR was ended by the cluster with exit code [137]: NodeLost"},
		{"Unknown NodeLost: Node n1 which was running pod p is unresponsive; maestro-job running", "PLATFORM_ERROR, runs on: was lost: its node does not answer: NodeLost, Node n1 which was running pod p is unresponsive"},
		{"Unknown; maestro-job running", "PLATFORM_ERROR, runs on: was lost: its node does not answer"},
		{"Unknown", "PLATFORM_ERROR, runs on: was lost: its node does not answer"},
		{"Running NodeLost; maestro-job running", "PLATFORM_ERROR, runs on: was lost: its node does not answer: NodeLost"},
		{"Unknown NodeLost; maestro-job exited 0; proxy running", "DONE, runs on: succeeded"},

		// Somebody deletes it.
		{"Running; maestro-job running; deleted at 100", "CONTINUE"},
		{"Pending; maestro-job waiting ContainerCreating; deleted at 100", "CONTINUE"},
		{"Failed; maestro-job exited 143 at 90; deleted at 100 after 30", "PLATFORM_ERROR was deleted by somebody else with exit code [143]"},
		{"Running; maestro-job exited 143 at 90; proxy running; deleted at 100 after 30", "PLATFORM_ERROR, runs on: was deleted by somebody else with exit code [143]"},
		{"Running; maestro-job exited 3 at 60; proxy running; deleted at 100 after 30", "USER_ERROR, runs on: failed with exit code [3]"},
		{"Succeeded; maestro-job exited 0; deleted at 100", "DONE succeeded"},
		{"Failed; maestro-job waiting PodInitializing; deleted at 100", "PLATFORM_ERROR was deleted by somebody else"},

		// It ran too long.
		{"Failed DeadlineExceeded; maestro-job exited 137", "TIMED_OUT failed with exit code [137]: it ran beyond the timeout of the step (DeadlineExceeded)"},
		{"Failed DeadlineExceeded", "TIMED_OUT failed: it ran beyond the timeout of the step (DeadlineExceeded)"},
		{"Running DeadlineExceeded; maestro-job running", "CONTINUE"},

		// The step's container never began, or nothing is known of it.
		{"Failed; init fetch exited 2; maestro-job waiting PodInitializing", "PLATFORM_ERROR failed before the step's container began: its init container [fetch] failed with exit code [2]"},
		{"Failed; init fetch exited 137 OOMKilled; maestro-job waiting PodInitializing", "PLATFORM_ERROR failed before the step's container began: its init container [fetch] failed with exit code [137]: OOMKilled"},
		{"Failed; sidecar proxy exited 137; init fetch exited 2: no route; maestro-job waiting PodInitializing", "PLATFORM_ERROR failed before the step's container began: its init container [fetch] failed with exit code [2]: no route"},
		{"Failed; sidecar proxy exited 1; maestro-job waiting PodInitializing", "PLATFORM_ERROR failed before the step's container began: its init container [proxy] failed with exit code [1]"},
		{"Failed; init fetch exited 2", "PLATFORM_ERROR failed before the step's container began: its init container [fetch] failed with exit code [2]"},
		{"Failed; maestro-job waiting ContainerCreating", "PLATFORM_ERROR failed before the step's container began"},
		{"Failed; proxy exited 1", "PLATFORM_ERROR failed, and the cluster does not tell how the step's container ended: its container [proxy] failed with exit code [1]"},
		{"Failed", "PLATFORM_ERROR failed, and the cluster does not tell how the step's container ended"},
		{"Failed PodOSNotSupported: unknown OS", "PLATFORM_ERROR failed, and the cluster does not tell how the step's container ended: PodOSNotSupported, unknown OS"},
		{"Failed; maestro-job running", "PLATFORM_ERROR failed, and the cluster does not tell how the step's container ended"},
		{"Succeeded", "DONE succeeded"},
		{"Succeeded; proxy exited 0", "DONE succeeded"},

		// It runs.
		{"Running; maestro-job running", "CONTINUE"},
		{"Running", "CONTINUE"},
		{"Running; proxy running", "CONTINUE"},
		{"Running; init fetch exited 0; sidecar proxy running; maestro-job running", "CONTINUE"},

		// There is no node.
		{"", "WAITS FOR A NODE, quietly: does not begin: the scheduler has not found a node"},
		{"Pending", "WAITS FOR A NODE, quietly: does not begin: the scheduler has not found a node"},
		{"Pending; PodScheduled False Unschedulable: 0/3 nodes are available.", "WAITS FOR A NODE: does not begin: Unschedulable, 0/3 nodes are available"},
		{"Pending; PodScheduled False SchedulingGated", "WAITS FOR A NODE: does not begin: SchedulingGated"},
		{"Pending; PodScheduled False", "WAITS FOR A NODE: does not begin: Unschedulable"},

		// There is one, and the container does not begin.
		{"Pending; PodScheduled True", "WAITS, quietly: does not begin: its node has not begun its container"},
		{"Pending; on n1", "WAITS, quietly: does not begin: its node has not begun its container"},
		{"Pending; PodScheduled True; maestro-job waiting ContainerCreating", "WAITS, quietly: does not begin: ContainerCreating"},
		{"Pending; maestro-job waiting PodInitializing", "WAITS, quietly: does not begin: PodInitializing"},
		{"Pending; init fetch waiting PodInitializing; maestro-job waiting PodInitializing", "WAITS, quietly: does not begin: PodInitializing"},
		{"Pending; maestro-job waiting ErrImagePull: not found", "WAITS: does not begin: ErrImagePull, not found"},
		{"Pending; maestro-job waiting ImagePullBackOff", "WAITS: does not begin: ImagePullBackOff"},
		{"Pending; maestro-job waiting ImageInspectError", "WAITS: does not begin: ImageInspectError"},
		{"Pending; maestro-job waiting ErrImageNeverPull", "WAITS: does not begin: ErrImageNeverPull"},
		{"Pending; maestro-job waiting InvalidImageName", "WAITS: does not begin: InvalidImageName"},
		{"Pending; maestro-job waiting CreateContainerConfigError: secret \"x\" not found", "WAITS: does not begin: CreateContainerConfigError, secret \"x\" not found"},
		{"Pending; maestro-job waiting CreateContainerError", "WAITS: does not begin: CreateContainerError"},
		{"Pending; maestro-job waiting SomethingNew", "WAITS: does not begin: SomethingNew"},
		{"Running; maestro-job waiting ImagePullBackOff; proxy running", "WAITS: does not begin: ImagePullBackOff"},
		{"Pending; proxy waiting ImagePullBackOff; maestro-job waiting ContainerCreating", "WAITS, quietly: does not begin: ContainerCreating"},

		// An init container is in the way.
		{"Pending; init fetch running; maestro-job waiting PodInitializing", "CONTINUE"},
		{"Pending; init fetch exited 0; init other running; maestro-job waiting PodInitializing", "CONTINUE"},
		{"Pending; init fetch waiting ImagePullBackOff: Back-off; maestro-job waiting PodInitializing", "WAITS: does not begin: its init container [fetch] waits: ImagePullBackOff, Back-off"},
		{"Pending; maestro-job waiting PodInitializing; init fetch waiting CreateContainerConfigError", "WAITS: does not begin: its init container [fetch] waits: CreateContainerConfigError"},
		{"Pending; init fetch waiting CrashLoopBackOff, before exited 2; maestro-job waiting PodInitializing", "WAITS: does not begin: its init container [fetch] failed with exit code [2]"},
		{"Pending; init fetch running, before exited 2; maestro-job waiting PodInitializing", "WAITS: does not begin: its init container [fetch] failed with exit code [2]"},
		{"Pending; init fetch exited 2; maestro-job waiting PodInitializing", "WAITS: does not begin: its init container [fetch] failed with exit code [2]"},
		{"Pending; sidecar proxy waiting ImagePullBackOff; maestro-job waiting PodInitializing", "WAITS: does not begin: its init container [proxy] waits: ImagePullBackOff"},
		{"Pending; sidecar proxy running, not ready; maestro-job waiting PodInitializing", "WAITS, quietly: does not begin: its sidecar [proxy] runs, but does not get ready"},
		{"Pending; sidecar proxy running; maestro-job waiting ContainerCreating", "WAITS, quietly: does not begin: ContainerCreating"},
	} {
		s := observe(specimen(t, c.pod))
		got := s.verdict.String()
		switch {
		case s.hindered.scheduling():
			got = "WAITS FOR A NODE"
		case s.hindered != unhindered:
			got = "WAITS"
		}
		if s.hindered.quiet() {
			got += ", quietly"
		}
		if s.lingers {
			got += ", runs on"
		}
		if s.story != "" {
			if s.hindered != unhindered || s.lingers {
				got += ":"
			}
			got += " " + s.story
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.pod, got, c.want)
		}
		if s.over != (s.verdict != step.Continue) {
			t.Errorf("%s: over: %t, with the verdict %s", c.pod, s.over, s.verdict)
		}
	}
}

// specimen reads a pod that is written as parts with "; " between them:
//
//	PHASE [REASON][: MESSAGE]
//	[init |sidecar |ephemeral ]NAME STATE[, before STATE][, not ready]
//	DisruptionTarget [REASON][: MESSAGE][ at SECOND]
//	PodScheduled STATUS [REASON][: MESSAGE]
//	deleted at SECOND [after SECONDS]
//	restarts POLICY
//	on NODE
//
// where STATE is running, waiting REASON[: MESSAGE] or exited CODE [REASON][: MESSAGE][ at SECOND].
func specimen(t *testing.T, text string) *kube.Pod {
	t.Helper()
	p := &kube.Pod{Metadata: kube.Metadata{Name: "p", UID: "u"}}
	parts := strings.Split(text, "; ")
	p.Status.Phase, p.Status.Reason, p.Status.Message = words(parts[0])
	for _, part := range parts[1:] {
		kind, rest, _ := strings.Cut(part, " ")
		switch kind {
		case "DisruptionTarget":
			rest, at := timed(rest)
			reason, _, message := words(rest)
			p.Status.Conditions = append(p.Status.Conditions, kube.Condition{Type: kind, Status: "True", Reason: reason, Message: message, LastTransitionTime: at})
		case "PodScheduled":
			status, reason, message := words(rest)
			p.Status.Conditions = append(p.Status.Conditions, kube.Condition{Type: kind, Status: status, Reason: reason, Message: message})
		case "deleted":
			at, grace, _ := strings.Cut(strings.TrimPrefix(rest, "at "), " after ")
			p.Metadata.DeletionTimestamp = second(at)
			p.Metadata.DeletionGracePeriodSeconds, _ = strconv.ParseInt(grace, 10, 64)
		case "restarts":
			p.Spec.RestartPolicy = rest
		case "on":
			p.Spec.NodeName = rest
		case "init", "sidecar":
			c := container(t, rest)
			p.Status.InitContainerStatuses = append(p.Status.InitContainerStatuses, c)
			role := kube.Role{Name: c.Name}
			if kind == "sidecar" {
				role.RestartPolicy = "Always"
			}
			p.Spec.InitContainers = append(p.Spec.InitContainers, role)
		case "ephemeral": // has a list of its own, which is not even read
		default:
			p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, container(t, part))
		}
	}
	return p
}

func container(t *testing.T, text string) (c kube.ContainerStatus) {
	t.Helper()
	text, late := strings.CutSuffix(text, ", not ready")
	name, state, _ := strings.Cut(text, " ")
	state, before, _ := strings.Cut(state, ", before ")
	ready := !late
	c.Name, c.Started = name, &ready
	c.State = containerState(t, state)
	if before != "" {
		c.LastState = containerState(t, before)
	}
	return c
}

func containerState(t *testing.T, text string) (s kube.ContainerState) {
	t.Helper()
	kind, rest, _ := strings.Cut(text, " ")
	switch kind {
	case "running":
		s.Running = &struct{}{}
	case "waiting":
		reason, _, message := words(rest)
		s.Waiting = &kube.Waiting{Reason: reason, Message: message}
	case "exited":
		rest, at := timed(rest)
		code, reason, message := words(rest)
		n, err := strconv.Atoi(code)
		if err != nil {
			t.Fatalf("%q has no exit code", text)
		}
		s.Terminated = &kube.Terminated{ExitCode: n, Reason: reason, Message: message, FinishedAt: at}
	default:
		t.Fatalf("%q is no state of a container", text)
	}
	return s
}

// words reads FIRST [REASON][: MESSAGE].
func words(text string) (first, reason, message string) {
	text, message, _ = strings.Cut(text, ": ")
	first, reason, _ = strings.Cut(text, " ")
	return first, reason, message
}

// timed reads TEXT[ at SECOND].
func timed(text string) (rest, at string) {
	rest, at, ok := strings.Cut(text, " at ")
	if !ok {
		return text, ""
	}
	return rest, second(at)
}

func second(n string) string {
	i, _ := strconv.Atoi(n)
	return fmt.Sprintf("2026-01-01T00:%02d:%02dZ", i/60, i%60)
}
