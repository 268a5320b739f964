// Package notebook runs steps of type Notebook (spec/runtimes 4.5): papermill executes a Jupyter notebook, normally in
// the pod that the param kubernetes describes, of which this package replaces the command; or, where a server has shell
// steps and no cluster, on the server's machine ([OnShell]), if papermill is installed there.
//
// It makes a command line and nothing else. Whatever it puts there that a user wrote is quoted, except for
// init_command, which is shell text by definition.
package notebook

import (
	"fmt"

	"maestro/internal/doc"
	"maestro/internal/step"
	"maestro/internal/step/kubernetes"
	"maestro/param"
)

// Kind is what is special about a pod that runs a notebook.
func Kind() kubernetes.Kind {
	return kubernetes.Kind{Runtime: "NotebookStepRuntime", Shape: shape}
}

func shape(a *step.Attempt, c *kubernetes.Command) (map[string][]byte, error) {
	n, err := decode(a)
	if err != nil {
		return nil, err
	}
	c.Command, c.Args = []string{"/bin/sh", "-c"}, []string{n.script(a)}
	return n.artifacts(n.output), nil
}

// notebook is what the param notebook of a step says.
type notebook struct {
	init, input, output  string
	repo, branch, commit string
	submodules           bool
	arguments            []string
}

// decode reads the param notebook. Keys that mean nothing to papermill, such as run_id, are for the notebook to read.
func decode(a *step.Attempt) (*notebook, error) {
	var p *param.Param
	if a.Params != nil {
		p = a.Params.Lookup("notebook")
	}
	if p == nil || !p.Evaluated || p.Result.Type() != param.Map {
		return nil, fmt.Errorf("the step has no param notebook of type MAP")
	}
	n := &notebook{}
	texts := map[string]*string{
		"init_command": &n.init, "input_path": &n.input, "output_path": &n.output,
		"git_repo": &n.repo, "git_branch": &n.branch, "git_commit": &n.commit,
	}
	if m := p.Result.Values(); m != nil {
		for name, v := range m.All() {
			switch {
			case v.IsNone():
			case texts[name] != nil && v.Type() == param.String:
				*texts[name] = v.Str()
			case texts[name] != nil:
				return nil, fmt.Errorf("notebook.%s must be a STRING, not a %s", name, v.Type())
			case name == "git_submodules":
				n.submodules = v.Type() == param.Boolean && v.Boolean() || v.Type() == param.String && v.Str() == "true"
			case name == "papermill_arguments" && v.Type() == param.StringArray:
				n.arguments = v.Strings()
			case name == "papermill_arguments":
				return nil, fmt.Errorf("notebook.papermill_arguments must be a STRING_ARRAY, not a %s", v.Type())
			}
		}
	}
	if n.input == "" {
		return nil, fmt.Errorf("notebook.input_path is missing")
	}
	if n.output == "" {
		return nil, fmt.Errorf("notebook.output_path is missing")
	}
	return n, nil
}

// artifacts tell where the executed notebook is.
func (n *notebook) artifacts(path string) map[string][]byte {
	text := doc.AppendString([]byte(`{"output_path":`), path)
	return map[string][]byte{"maestro_notebook": append(text, `,"type":"NOTEBOOK"}`...)}
}
