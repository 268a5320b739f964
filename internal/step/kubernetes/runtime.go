package kubernetes

import (
	"context"

	"maestro/internal/step"
)

// Kind is a type of step that runs as a pod.
type Kind struct {
	Runtime string // the name in messages

	// Shape changes what the param kubernetes says into what the step means, and returns artifacts to go with that of
	// the pod. It must depend on the attempt alone. May be nil.
	Shape func(a *step.Attempt, c *Command) (map[string][]byte, error)
}

// Runtime runs steps of one kind. It is safe for concurrent use. Several servers may share a cluster, and attempts.
type Runtime struct {
	cl   *cluster
	kind *Kind
}

var (
	_ step.Runtime = (*Runtime)(nil)
	_ step.Logs    = (*Runtime)(nil)
)

// New returns the runtime of steps of type Kubernetes. Close must be called.
func New(cfg Config) (*Runtime, error) {
	cl, err := open(cfg)
	if err != nil {
		return nil, err
	}
	return &Runtime{cl, &Kind{Runtime: "KubernetesStepRuntime"}}, nil
}

// As returns the runtime of another kind of steps, which shares everything with rt and ends with it.
func (rt *Runtime) As(k Kind) *Runtime { return &Runtime{rt.cl, &k} }

// Close lets go of all attempts without stopping them, and waits until nothing of the runtime is left.
func (rt *Runtime) Close() { rt.cl.close() }

// Start begins the pod of an attempt, or finds it again.
func (rt *Runtime) Start(ctx context.Context, a *step.Attempt, r step.Reporter) {
	rt.cl.enlist(ctx, a, rt.kind, r, false)
}

// Stop deletes the pod of an attempt, and makes sure that none begins later.
func (rt *Runtime) Stop(ctx context.Context, a *step.Attempt, r step.Reporter) {
	rt.cl.enlist(ctx, a, rt.kind, r, true)
}
