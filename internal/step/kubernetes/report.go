package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"maestro/internal/kube"
	"maestro/internal/step"
)

const artifactKey = "maestro_kubernetes"

// artifact is what users see of a pod (spec/runtimes 3.2).
type artifact struct {
	JobID     string  `json:"job_id"`
	Namespace string  `json:"namespace,omitempty"` // unless it is default, as it always is in the reference
	Script    string  `json:"execution_script,omitempty"`
	Output    *string `json:"execution_output,omitempty"`
	Command   echo    `json:"command"`
	Type      string  `json:"type"`
}

// echo is the param kubernetes as it was understood.
type echo struct {
	AppName    string            `json:"app_name,omitempty"`
	Args       []string          `json:"args,omitempty"`
	Command    []string          `json:"command,omitempty"`
	CPU        string            `json:"cpu,omitempty"`
	Disk       string            `json:"disk,omitempty"`
	GPU        string            `json:"gpu,omitempty"`
	Memory     string            `json:"memory,omitempty"`
	Image      string            `json:"image"`
	Entrypoint string            `json:"entrypoint,omitempty"`
	Env        map[string]string `json:"env"`
	Key        string            `json:"job_deduplication_key"`
	OwnerEmail string            `json:"owner_email,omitempty"`
	PreStop    *kube.Hook        `json:"pre_stop,omitempty"`

	ServiceAccount string            `json:"service_account,omitempty"`
	Requests       map[string]string `json:"requests,omitempty"`
	NodeSelector   map[string]string `json:"node_selector,omitempty"`
	Tolerations    []string          `json:"tolerations,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	Annotations    map[string]string `json:"annotations,omitempty"`
	PullSecrets    []string          `json:"image_pull_secrets,omitempty"`
}

// about returns the artifacts of a job: that of the pod, and what its kind adds.
func about(j *job, c *Command, more map[string][]byte, output *string) map[string][]byte {
	a := artifact{
		JobID: j.name, Namespace: j.ns, Script: c.script(), Output: output, Type: "KUBERNETES",
		Command: echo{
			AppName: c.AppName, Args: c.Args, Command: c.Command, CPU: c.CPU, Disk: c.Disk, GPU: c.GPU, Memory: c.Memory,
			Image: c.Image, Entrypoint: c.Entrypoint, Env: asMap(c.Env), Key: c.Key, OwnerEmail: c.OwnerEmail,
			ServiceAccount: c.ServiceAccount, Requests: asMap(c.Requests), NodeSelector: asMap(c.NodeSelector),
			Tolerations: c.Tolerations, Labels: asMap(c.Labels), Annotations: asMap(c.Annotations), PullSecrets: c.PullSecrets,
		},
	}
	if a.Namespace == "default" {
		a.Namespace = ""
	}
	if a.Command.Env == nil {
		a.Command.Env = map[string]string{}
	}
	if len(c.PreStop) > 0 {
		a.Command.PreStop = &kube.Hook{}
		a.Command.PreStop.Exec.Command = c.PreStop
	}
	out := maps.Clone(more)
	if out == nil {
		out = map[string][]byte{}
	}
	out[artifactKey] = encode(a)
	return out
}

// encode returns JSON that people can read: <, > and & are nothing special here.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return []byte("{}") // texts, lists and maps of texts: cannot fail
	}
	return bytes.TrimSpace(b.Bytes())
}

// running is the report of a job whose pod is there. What was reported before is not reported again.
func running(j *job, c *Command, more map[string][]byte, created bool) step.Report {
	r := step.Report{State: step.Continue, Artifacts: about(j, c, more, nil)}
	for key, text := range r.Artifacts {
		if bytes.Equal(text, j.a.Artifacts[key]) {
			delete(r.Artifacts, key)
		}
	}
	switch {
	case created:
		r.Timeline = info(fmt.Sprintf("Created Kubernetes pod [%s] in namespace [%s]", j.name, j.ns))
	case recorded(j.a) == nil:
		r.Timeline = info(fmt.Sprintf("Found Kubernetes pod [%s] in namespace [%s]", j.name, j.ns))
	}
	return r
}

func info(message string) []step.Line { return []step.Line{{Level: step.Info, Message: message}} }

func warn(message string) step.Line { return step.Line{Level: step.Warn, Message: message} }

// details is the line of an attempt that failed; the first of errs is the cause.
func details(message string, errs ...string) []step.Line {
	return []step.Line{{Level: step.Err, Message: message, Errors: errs, Code: "INTERNAL_ERROR"}}
}
