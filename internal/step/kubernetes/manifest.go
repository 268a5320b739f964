package kubernetes

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"maestro/internal/kube"
	"maestro/internal/output"
	"maestro/internal/step"
)

// manifest returns the pod that does the work of an attempt.
func (cl *cluster) manifest(a *step.Attempt, c *Command) *kube.Manifest {
	box := kube.Container{
		Name: containerName, Image: c.Image, Command: c.Command, Args: c.Args, Env: environment(a, c),
		Resources: kube.Resources{Limits: limits(c), Requests: asMap(c.Requests)},
	}
	if len(c.PreStop) > 0 {
		box.Lifecycle = &kube.Lifecycle{}
		box.Lifecycle.PreStop.Exec.Command = c.PreStop
	}
	m := cl.metadata(a, c)
	m.Spec = kube.Spec{
		Containers: []kube.Container{box}, RestartPolicy: "Never", ServiceAccountName: c.ServiceAccount,
		NodeSelector: asMap(c.NodeSelector), ImagePullSecrets: named(c.PullSecrets),
	}
	for _, t := range c.Tolerations {
		m.Spec.Tolerations = append(m.Spec.Tolerations, toleration(t))
	}
	if !a.Deadline.IsZero() {
		left := time.Until(a.Deadline) + deadlineGrace
		m.Spec.ActiveDeadlineSeconds = min(max(1, int64(left/time.Second)), math.MaxInt32)
	}
	return m
}

// metadata says who the pod is. What the step adds cannot hide that.
func (cl *cluster) metadata(a *step.Attempt, c *Command) *kube.Manifest {
	labels, annotations := asMap(c.Labels), asMap(c.Annotations)
	if labels == nil {
		labels = map[string]string{}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	labels[labelServer] = cl.cfg.Name
	if key := labelValue(c.Key); key != "" {
		labels[labelKey] = key
	}
	annotations["orchestrator"] = "maestro"
	annotations["workflow_identity"] = fmt.Sprintf("[%s][%d][%d]", a.WorkflowID, a.Instance, a.Run)
	annotations[annotationStep] = identity(a)
	annotations[annotationAttempt] = a.UUID
	annotations[annotationInstallation] = cl.cfg.Installation
	delete(annotations, annotationStop)
	return &kube.Manifest{
		APIVersion: "v1", Kind: "Pod",
		Metadata: kube.Metadata{Name: podName(c.Key), Labels: labels, Annotations: annotations},
	}
}

// tombstone returns a pod that never runs and keeps its name from one that would. Two things keep it from a node: a
// gate that nobody opens, and, for clusters that do not know gates, a node that does not exist.
func (cl *cluster) tombstone(a *step.Attempt, c *Command, why string) *kube.Manifest {
	m := cl.metadata(a, c)
	m.Metadata.Annotations[annotationStop] = why
	m.Spec = kube.Spec{
		Containers:      []kube.Container{{Name: containerName, Image: c.Image, Command: []string{"true"}}},
		RestartPolicy:   "Never",
		NodeSelector:    map[string]string{annotationStop: "never"},
		SchedulingGates: []kube.Named{{Name: "maestro.dev/stopped"}},
	}
	return m
}

// environment is the user's, on top of what tells a job who it is.
func environment(a *step.Attempt, c *Command) []kube.EnvVar {
	env := []kube.EnvVar{
		{Name: "MAESTRO_WORKFLOW_ID", Value: a.WorkflowID},
		{Name: "MAESTRO_WORKFLOW_INSTANCE_ID", Value: strconv.FormatInt(a.Instance, 10)},
		{Name: "MAESTRO_WORKFLOW_RUN_ID", Value: strconv.FormatInt(a.Run, 10)},
		{Name: "MAESTRO_STEP_ID", Value: a.StepID},
		{Name: "MAESTRO_STEP_ATTEMPT_ID", Value: strconv.FormatInt(a.Number, 10)},
		{Name: "MAESTRO_STEP_INSTANCE_UUID", Value: a.UUID},
	}
	for _, kv := range a.Env {
		env = append(env, kube.EnvVar{Name: kv[0], Value: kv[1]})
	}
	env = append(env, kube.EnvVar{Name: output.StartVar, Value: output.StartToken}, kube.EnvVar{Name: output.EndVar, Value: output.EndToken})
	ours := len(env)
	for _, p := range c.Env {
		i := slices.IndexFunc(env, func(v kube.EnvVar) bool { return v.Name == p.Name })
		switch {
		case i < 0:
			env = append(env, kube.EnvVar{Name: p.Name, Value: p.Value})
		case i < ours-2: // the tokens are fixed: we look for them
			env[i].Value = p.Value
		}
	}
	return env
}

func limits(c *Command) map[string]string {
	out := map[string]string{}
	for _, p := range []Pair{{"cpu", c.CPU}, {"memory", c.Memory}, {"ephemeral-storage", c.Disk}, {"nvidia.com/gpu", c.GPU}} {
		if p.Value != "" {
			out[p.Name] = p.Value
		}
	}
	return out
}

func asMap(pairs []Pair) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	out := make(map[string]string, len(pairs))
	for _, p := range pairs {
		out[p.Name] = p.Value
	}
	return out
}

func named(names []string) (out []kube.Named) {
	for _, n := range names {
		out = append(out, kube.Named{Name: n})
	}
	return out
}

// toleration reads key, key:Effect, key=value, key=value:Effect, as kubectl taint writes taints; * is every taint.
func toleration(s string) kube.Toleration {
	key, effect, _ := strings.Cut(s, ":")
	key, value, equal := strings.Cut(key, "=")
	t := kube.Toleration{Key: key, Value: value, Effect: effect, Operator: "Exists"}
	if equal {
		t.Operator = "Equal"
	}
	if key == "*" {
		t.Key = ""
	}
	return t
}
