package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"maestro/internal/inflight"
	"maestro/internal/scope"
	"maestro/internal/step"
	"maestro/internal/step/httpstep"
	"maestro/internal/step/notebook"
	"maestro/internal/step/shell"
	"maestro/internal/store"
	"maestro/spec"
)

// startRuntimes starts what does the steps' work, as the settings allow.
func (n *Node) startRuntimes(ctx context.Context, exprs *scope.Exprs) (map[spec.StepType]step.Runtime, error) {
	all := make(map[spec.StepType]step.Runtime)
	calls, err := n.startCalls(exprs)
	if err != nil {
		return nil, err
	}
	all[spec.TypeHTTP] = calls
	if n.cfg.Shell.Enabled {
		rt, err := n.startShell()
		if err != nil {
			return nil, err
		}
		all[spec.TypeShell] = rt
		all[spec.TypeNotebook] = notebook.OnShell(rt)
	}
	if n.cfg.Kubernetes.Enabled {
		origin, err := store.Identity(ctx, n.store)
		if err != nil {
			return nil, err
		}
		rt, err := pods(n.cfg, origin.ID.String(), n.log)
		if err != nil {
			return nil, err
		}
		n.closes(rt)
		all[spec.TypeKubernetes] = rt
		all[spec.TypeNotebook] = rt.As(notebook.Kind())
	}
	maps.Copy(all, n.with.Runtimes)
	return all, nil
}

// closes has a runtime closed when the node stops.
func (n *Node) closes(rt interface{ Close() }) {
	n.stops = append(n.stops, func() error { rt.Close(); return nil })
}

// startCalls starts the runtime of HTTP steps.
func (n *Node) startCalls(exprs *scope.Exprs) (*httpstep.Runtime, error) {
	rt, err := httpstep.New(httpstep.Config{
		Allow: n.cfg.HTTP.Allow, Timeout: n.cfg.HTTP.Timeout, MaxResponseBytes: n.cfg.HTTP.MaxResponseBytes,
		MaxInFlight: n.cfg.HTTP.MaxInFlight, Log: n.log,
		Names: exprs.StateNames,
		Evaluate: func(a *step.Attempt, expr string, status int64, body string) (string, error) {
			mark := inflight.Text("state_expr", a.UUID)
			if err := n.guard.Condemned(mark); err != nil {
				return "", err
			}
			pass := n.guard.Enter(mark)
			defer pass.Leave()
			return exprs.StateExpr(expr, a.Params, status, body, &scope.StepScope{
				Step: &scope.Step{ID: a.StepID}, Workflow: a.WorkflowParams, World: chance{}, Now: nowMillis(),
			})
		},
	})
	if err != nil {
		return nil, err
	}
	n.closes(rt)
	return rt, nil
}

// startShell starts the runtime of shell steps.
func (n *Node) startShell() (*shell.Runtime, error) {
	if len(n.with.Supervisor) == 0 {
		return nil, errors.New("shell.enabled: this program has no supervisor for shell steps")
	}
	dir := filepath.Join(n.cfg.DataDir, "shell")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the directory for shell steps (data_dir): %w", err)
	}
	rt, err := shell.New(shell.Config{
		Dir: dir, Supervisor: n.with.Supervisor, MaxProcesses: n.cfg.Shell.MaxConcurrent,
		OutputBytes: n.cfg.Shell.MaxOutputBytes, TTL: lifetime(n.cfg.Shell.TTL), Log: n.log,
	})
	if err != nil {
		return nil, err
	}
	n.closes(rt)
	return rt, nil
}

// lifetime returns a setting of which 0 means for ever as runtimes take it, for which that is below 0.
func lifetime(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// chance is all of the world that state expressions see.
type chance struct{ scope.DryRun }

// Random returns random bits.
func (chance) Random() uint64 { return rand.Uint64() }
