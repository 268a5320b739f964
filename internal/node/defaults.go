package node

import (
	"fmt"
	"os"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
	"maestro/param"
)

// loadDefaults reads the default params, with those of a file over the built-in ones.
func loadDefaults(path string) (*param.Defaults, error) {
	var over param.DefaultOverrides
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read default_params: %w", err)
		}
		root, err := yamldoc.Parse(text, doc.Limits{})
		if err != nil {
			return nil, fmt.Errorf("default_params %s: %w", path, err)
		}
		over.Workflow, over.Step, over.DryRun = root.Field("workflow"), root.Field("step"), root.Field("dry-run")
		if types := root.Field("by-type"); types != nil {
			over.ByType = make(map[string]*doc.Node)
			for _, m := range types.Members {
				over.ByType[m.Name] = m.Value
			}
		}
	}
	d, err := param.LoadDefaults(over)
	if err != nil {
		return nil, fmt.Errorf("default_params %s: %w", path, err)
	}
	return d, nil
}
