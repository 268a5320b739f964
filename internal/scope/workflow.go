package scope

import "maestro/param"

// WorkflowBase merges the definition of a workflow version into the default params: rows 1 and 2 of params 7.1. The
// result depends on the version and on upstream only, so it is worth keeping for all fresh runs of the version.
func WorkflowBase(defaults *param.Defaults, definition *param.Defs, upstream bool) (*param.Defs, error) {
	return param.Merge(defaults.Workflow, definition, param.Context{Source: param.SourceDefinition, Upstream: upstream})
}

// Start says how a workflow run came to be, as far as its params are concerned.
type Start struct {
	Parent  param.Source // source named for the kind of the parent step; NoSource when no step started the run
	Restart bool         // the run policy is not a fresh one

	Previous      *param.Params // of the run that is restarted; nil when it has none
	RunParams     *param.Defs   // of the request, or what the parent passed down
	RestartParams *param.Defs   // of the restart config; applied only when AtTarget
	AtTarget      bool          // the restart path ends here
}

// Upstream reports whether a step of another run started this one.
func (s *Start) Upstream() bool { return s.Parent != param.NoSource }

// source is what the user's params of the run are labelled with (params 7.1).
func (s *Start) source() param.Source { return userSource(s.Parent, s.Restart) }

func userSource(parent param.Source, restart bool) param.Source {
	switch {
	case parent != param.NoSource:
		return parent
	case restart:
		return param.SourceRestart
	default:
		return param.SourceLaunch
	}
}

// MergeWorkflow returns the definitions of a run's params, ready for evaluation (params 7.1). base is what WorkflowBase
// gave for the version and s.Upstream().
//
// A restart starts from the evaluated params of the previous run instead (params 16). Where there is none, a new
// iteration of a restarted loop lives on what its parent passes down, and a run that never got its params is merged
// like a fresh one.
func MergeWorkflow(base *param.Defs, s *Start) (*param.Defs, error) {
	defs := base
	ctx := param.Context{Source: s.source(), Upstream: s.Upstream(), Restart: s.Restart}
	if s.Restart {
		switch {
		case s.Previous != nil:
			previous, err := s.Previous.ToDefs()
			if err != nil {
				return nil, err
			}
			if defs, err = param.Merge(nil, withoutReserved(previous), param.Context{Source: param.SourceSystem}); err != nil {
				return nil, err
			}
		case s.Upstream():
			defs = nil
		}
	}
	defs, err := param.Merge(defs, s.RunParams, ctx)
	if err != nil {
		return nil, err
	}
	if s.Restart && s.AtTarget {
		if defs, err = param.Merge(defs, s.RestartParams, ctx); err != nil {
			return nil, err
		}
	}
	return param.Cleanup(defs)
}

// withoutReserved returns defs without the names that belong to the system (params 12).
func withoutReserved(defs *param.Defs) *param.Defs {
	var reserved []string
	for name := range defs.All() {
		if param.IsReservedName(name) {
			reserved = append(reserved, name)
		}
	}
	return defs.Without(reserved...)
}

// DryRunParams returns the run params of a dry run (definition 13): the supplied values whose names the workflow
// declares with the same type.
func DryRunParams(defaults *param.Defaults, definition *param.Defs) *param.Defs {
	out := &param.Defs{}
	for name, d := range defaults.DryRun.All() {
		if declared := definition.Get(name); declared != nil && declared.Type == d.Type {
			out.Set(name, param.Literal(d.Value))
		}
	}
	return out
}
