package notebook

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"

	"maestro/internal/step"
	"maestro/internal/step/kubernetes"
	"maestro/param"
)

// Local runs notebooks as shell steps. Of the param kubernetes only env counts: image and resources are for a cluster.
type Local struct {
	shell step.Runtime
}

// OnShell returns a runtime of notebooks on top of one of shell steps.
func OnShell(shell step.Runtime) *Local { return &Local{shell} }

// Start begins the process of an attempt, or finds it again.
func (l *Local) Start(ctx context.Context, a *step.Attempt, r step.Reporter) {
	n, err := decode(a)
	if err != nil {
		r.Report(step.Report{State: step.Internal, Timeline: []step.Line{{
			Level: step.Err, Code: "INTERNAL_ERROR", Message: "marked as INTERNALLY_FAILED", Errors: []string{err.Error()},
		}}})
		return
	}
	l.shell.Start(ctx, asShell(a, n), &adding{r, n})
}

// Stop ends the process of an attempt.
func (l *Local) Stop(ctx context.Context, a *step.Attempt, r step.Reporter) { l.shell.Stop(ctx, a, r) }

// ReadLog returns a piece of what papermill and the notebook wrote.
func (l *Local) ReadLog(ctx context.Context, a *step.Attempt, stream string, offset int64, n int) ([]byte, bool, error) {
	return l.shell.(step.Logs).ReadLog(ctx, a, stream, offset, n)
}

// LogStreams names what there is to read.
func (l *Local) LogStreams(ctx context.Context, a *step.Attempt) ([]step.Log, error) {
	return l.shell.(step.Logs).LogStreams(ctx, a)
}

var (
	_ step.Runtime = (*Local)(nil)
	_ step.Logs    = (*Local)(nil)
)

// asShell returns the attempt with the params of a shell step that does its work.
func asShell(a *step.Attempt, n *notebook) *step.Attempt {
	env := &param.Texts{}
	if c, err := kubernetes.Decode(a); err == nil {
		for _, p := range c.Env {
			env.Set(p.Name, p.Value)
		}
	}
	values := &param.Values{}
	values.Set("script", param.StringValue(n.script(a)+" 2>&1")) // papermill logs what cells write, output data, too
	values.Set("env", param.StringMapValue(env))
	v := param.MapValue(values)
	local := *a
	local.Params = a.Params.Clone()
	local.Params.Set("shell", param.Param{Def: &param.Def{Type: v.Type()}, Result: v, Evaluated: true, Time: 1})
	return &local
}

// adding adds where the executed notebook is to every report of an attempt that has artifacts.
type adding struct {
	step.Reporter
	n *notebook
}

func (r *adding) Report(rep step.Report) {
	if about := rep.Artifacts["maestro_shell"]; about != nil {
		var process struct {
			Dir string `json:"working_dir"`
		}
		_ = json.Unmarshal(about, &process)
		rep.Artifacts = maps.Clone(rep.Artifacts)
		maps.Copy(rep.Artifacts, r.n.artifacts(r.n.executed(process.Dir)))
	}
	r.Reporter.Report(rep)
}

// executed returns where the executed notebook is. Somebody who looks for it later does not know in which directory the
// script began; init_command may have gone elsewhere, so it is looked for there.
func (n *notebook) executed(dir string) string {
	if dir == "" || filepath.IsAbs(n.output) {
		return n.output
	}
	if n.repo != "" {
		dir = filepath.Join(dir, clone, filepath.Dir(n.input))
	}
	path := filepath.Join(dir, n.output)
	if _, err := os.Stat(path); err != nil {
		return n.output
	}
	return path
}
