package kube

import (
	"slices"
	"time"
)

// Manifest is a pod as one asks for it. Fields that are not here are for those who need them.
type Manifest struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata"`
	Spec       Spec     `json:"spec"`
}

// Metadata is what every object has. Times are RFC 3339 text, since one that cannot be read must not make a whole list
// unreadable.
type Metadata struct {
	Name              string            `json:"name,omitempty"`
	Namespace         string            `json:"namespace,omitempty"`
	UID               string            `json:"uid,omitempty"`
	ResourceVersion   string            `json:"resourceVersion,omitempty"`
	Labels            map[string]string `json:"labels,omitempty"`
	Annotations       map[string]string `json:"annotations,omitempty"`
	CreationTimestamp string            `json:"creationTimestamp,omitempty"`
	DeletionTimestamp string            `json:"deletionTimestamp,omitempty"` // when it must be gone; empty: nobody deletes it

	// DeletionGracePeriodSeconds is how long before that its deletion was asked for.
	DeletionGracePeriodSeconds int64 `json:"deletionGracePeriodSeconds,omitempty"`
}

// Spec is what a pod does.
type Spec struct {
	InitContainers        []Container       `json:"initContainers,omitempty"`
	Containers            []Container       `json:"containers"`
	RestartPolicy         string            `json:"restartPolicy,omitempty"`
	ServiceAccountName    string            `json:"serviceAccountName,omitempty"`
	ActiveDeadlineSeconds int64             `json:"activeDeadlineSeconds,omitempty"`
	NodeSelector          map[string]string `json:"nodeSelector,omitempty"`
	Tolerations           []Toleration      `json:"tolerations,omitempty"`
	ImagePullSecrets      []Named           `json:"imagePullSecrets,omitempty"`
	SchedulingGates       []Named           `json:"schedulingGates,omitempty"`
}

// Named refers to something by its name.
type Named struct {
	Name string `json:"name"`
}

// Toleration lets a pod on nodes with a taint.
type Toleration struct {
	Key      string `json:"key,omitempty"`
	Operator string `json:"operator,omitempty"`
	Value    string `json:"value,omitempty"`
	Effect   string `json:"effect,omitempty"`
}

// Container is one of the programs of a pod.
type Container struct {
	Name      string     `json:"name"`
	Image     string     `json:"image"`
	Command   []string   `json:"command,omitempty"`
	Args      []string   `json:"args,omitempty"`
	Env       []EnvVar   `json:"env,omitempty"`
	Resources Resources  `json:"resources,omitzero"`
	Lifecycle *Lifecycle `json:"lifecycle,omitempty"`

	RestartPolicy string `json:"restartPolicy,omitempty"` // of an init container: Always makes it a sidecar
}

// EnvVar is one variable of a container's environment.
type EnvVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Resources maps names of resources to quantities.
type Resources struct {
	Limits   map[string]string `json:"limits,omitempty"`
	Requests map[string]string `json:"requests,omitempty"`
}

// Lifecycle is what happens around the life of a container.
type Lifecycle struct {
	PreStop Hook `json:"preStop"`
}

// Hook is a command in the container.
type Hook struct {
	Exec struct {
		Command []string `json:"command"`
	} `json:"exec"`
}

// Pod is what one reads of a pod: who it is, and how it is.
type Pod struct {
	Metadata Metadata `json:"metadata"`
	Spec     Shape    `json:"spec"`
	Status   Status   `json:"status"`
}

// Shape is what one reads of a pod's spec: that without which its status cannot be understood. Others than the one who
// asked for the pod may have changed it.
type Shape struct {
	NodeName       string `json:"nodeName"`
	RestartPolicy  string `json:"restartPolicy"`
	InitContainers []Role `json:"initContainers"`
}

// Role says what an init container is for: one that is always restarted is a sidecar, which runs beside the others.
type Role struct {
	Name          string `json:"name"`
	RestartPolicy string `json:"restartPolicy"`
}

// Sidecar reports whether an init container is one that runs beside the others.
func (s *Shape) Sidecar(name string) bool {
	return slices.ContainsFunc(s.InitContainers, func(r Role) bool { return r.Name == name && r.RestartPolicy == "Always" })
}

// Status is how a pod is.
type Status struct {
	Phase             string            `json:"phase"`
	Reason            string            `json:"reason"`
	Message           string            `json:"message"`
	Conditions        []Condition       `json:"conditions"`
	ContainerStatuses []ContainerStatus `json:"containerStatuses"` // in no order

	InitContainerStatuses []ContainerStatus `json:"initContainerStatuses"` // sidecars among them
}

// Phases of a pod.
const (
	Pending   = "Pending"
	Running   = "Running"
	Succeeded = "Succeeded"
	Failed    = "Failed"
	Unknown   = "Unknown" // its node does not answer
)

// Over reports whether no container of the pod runs or will run.
func (s *Status) Over() bool { return s.Phase == Succeeded || s.Phase == Failed }

// Condition is one of several answers to how a pod is.
type Condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"` // "True", "False", "Unknown"
	Reason  string `json:"reason"`
	Message string `json:"message"`

	LastTransitionTime string `json:"lastTransitionTime,omitempty"`
}

// ContainerStatus is how a container is.
type ContainerStatus struct {
	Name      string         `json:"name"`
	State     ContainerState `json:"state"`
	LastState ContainerState `json:"lastState"`         // how it ended before it was begun again
	Started   *bool          `json:"started,omitempty"` // whether it is ready for those that begin after it; nil: not known
}

// ContainerState is at most one of these; none is as good as waiting.
type ContainerState struct {
	Waiting    *Waiting    `json:"waiting,omitempty"`
	Running    *struct{}   `json:"running,omitempty"`
	Terminated *Terminated `json:"terminated,omitempty"`
}

// Waiting says why a container does not run yet.
type Waiting struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Terminated says how a container ended.
type Terminated struct {
	ExitCode   int    `json:"exitCode"`
	Signal     int    `json:"signal"`
	Reason     string `json:"reason"`
	Message    string `json:"message"`
	FinishedAt string `json:"finishedAt"`
}

// Time reads a time of the API. One that is absent or unreadable is the zero time.
func Time(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
