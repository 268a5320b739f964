package kubernetes

import (
	"fmt"
	"slices"
	"strings"

	"maestro/internal/doc"
	"maestro/internal/step"
	"maestro/param"
)

// Command is what the param kubernetes of a step says. The lower part is what the reference does not know.
type Command struct {
	AppName, CPU, Disk, GPU, Memory, Image, Entrypoint string
	Command, Args                                      []string
	Env                                                []Pair
	Key, OwnerEmail                                    string
	PreStop                                            []string

	Namespace, ServiceAccount                   string
	Requests, NodeSelector, Labels, Annotations []Pair
	Tolerations, PullSecrets                    []string
}

// Pair is an entry of a map, whose order is kept.
type Pair struct{ Name, Value string }

// known lists the keys of the param: first those of the reference, then ours.
var known = []string{
	"app_name", "cpu", "disk", "gpu", "memory", "image", "entrypoint", "command", "args", "env", "job_deduplication_key",
	"owner_email", "pre_stop",
	"namespace", "service_account", "requests", "node_selector", "tolerations", "labels", "annotations", "image_pull_secrets",
}

// Decode reads the param kubernetes of an attempt.
func Decode(a *step.Attempt) (*Command, error) {
	if a.Params == nil {
		return nil, fmt.Errorf("the params of the step are not known")
	}
	p := a.Params.Lookup("kubernetes")
	if p == nil || !p.Evaluated || p.Result.Type() != param.Map {
		return nil, fmt.Errorf("the step has no param kubernetes of type MAP")
	}
	c := &Command{}
	if m := p.Result.Values(); m != nil {
		for name, v := range m.All() {
			if err := c.set(name, v); err != nil {
				return nil, err
			}
		}
	}
	if c.Image == "" {
		return nil, fmt.Errorf("kubernetes.image is missing")
	}
	if c.Key == "" {
		c.Key = a.UUID
	}
	if c.Entrypoint != "" && c.Command == nil && c.Args == nil {
		c.Command, c.Args = []string{"/bin/sh", "-c"}, []string{c.Entrypoint}
	}
	return c, nil
}

// set takes one entry of the param.
func (c *Command) set(name string, v param.Value) (err error) {
	texts := map[string]*string{
		"app_name": &c.AppName, "cpu": &c.CPU, "disk": &c.Disk, "gpu": &c.GPU, "memory": &c.Memory, "image": &c.Image,
		"entrypoint": &c.Entrypoint, "job_deduplication_key": &c.Key, "owner_email": &c.OwnerEmail,
		"namespace": &c.Namespace, "service_account": &c.ServiceAccount,
	}
	lists := map[string]*[]string{
		"command": &c.Command, "args": &c.Args, "tolerations": &c.Tolerations, "image_pull_secrets": &c.PullSecrets,
	}
	tables := map[string]*[]Pair{
		"env": &c.Env, "requests": &c.Requests, "node_selector": &c.NodeSelector, "labels": &c.Labels, "annotations": &c.Annotations,
	}
	switch {
	case v.IsNone():
	case texts[name] != nil:
		*texts[name], err = text(v)
	case lists[name] != nil:
		*lists[name], err = list(v)
	case tables[name] != nil:
		*tables[name], err = table(v)
	case name == "pre_stop":
		c.PreStop, err = preStop(v)
	default:
		return fmt.Errorf("kubernetes has the unknown key %q%s; known are %s", name, doc.Suggest(name, known), strings.Join(known, ", "))
	}
	if err != nil {
		return fmt.Errorf("kubernetes.%s %w", name, err)
	}
	return nil
}

func text(v param.Value) (string, error) {
	if !v.Type().IsScalar() {
		return "", fmt.Errorf("must be a text, not a %s", v.Type())
	}
	if v.Type() == param.String {
		return v.Str(), nil
	}
	return string(v.AppendText(nil)), nil
}

func list(v param.Value) ([]string, error) {
	if v.Type() == param.StringArray {
		return slices.Clone(v.Strings()), nil
	}
	if !v.Type().IsArray() {
		return nil, fmt.Errorf("must be an array of texts, not a %s", v.Type())
	}
	out := make([]string, v.Len())
	for i := range out {
		out[i] = string(v.Index(i).AppendText(nil))
	}
	return out, nil
}

func table(v param.Value) (out []Pair, err error) {
	switch v.Type() {
	case param.StringMap:
		if m := v.Texts(); m != nil {
			for name, s := range m.All() {
				out = append(out, Pair{name, s})
			}
		}
	case param.Map:
		if m := v.Values(); m != nil {
			for name, e := range m.All() {
				s, err := text(e)
				if err != nil {
					return nil, fmt.Errorf("has an entry %q that %w", name, err)
				}
				out = append(out, Pair{name, s})
			}
		}
	default:
		return nil, fmt.Errorf("must be a map of texts, not a %s", v.Type())
	}
	return out, nil
}

// preStop reads pre_stop.exec.command.
func preStop(v param.Value) ([]string, error) {
	for _, name := range [...]string{"exec", "command"} {
		if v.Type() != param.Map {
			return nil, fmt.Errorf("must be like {exec: {command: […]}}")
		}
		m := v.Values()
		for key := range m.All() {
			if key != name {
				return nil, fmt.Errorf("has the unknown key %q; it must be like {exec: {command: […]}}", key)
			}
		}
		inner, ok := m.Get(name)
		if !ok {
			return nil, nil
		}
		v = inner
	}
	return list(v)
}

// script is what runs, for people to read.
func (c *Command) script() string {
	return strings.Join(append(slices.Clone(c.Command), c.Args...), " ")
}
