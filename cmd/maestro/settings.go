package main

import (
	"errors"

	"github.com/spf13/cobra"

	"maestro/internal/config"
)

// addSettings gives cmd a flag for every setting in t, and --config. The function it returns reads all of them once the
// command line has been parsed; what is wrong with them is a usage error.
func (p *program) addSettings(cmd *cobra.Command, t *config.Table) (load func() (*config.Config, error)) {
	flags := cmd.Flags()
	flags.SortFlags = false
	var file string
	flags.StringVar(&file, "config", p.env("MAESTRO_CONFIG"), "YAML `FILE` of settings (env MAESTRO_CONFIG)")
	for _, f := range t.Flags() {
		flag := flags.VarPF(f, f.Name(), "", f.Usage())
		if f.IsBoolFlag() {
			flag.NoOptDefVal = "true"
		}
	}
	return func() (*config.Config, error) {
		from := config.Sources{File: file, Env: func(name string) (string, bool) {
			text := p.env(name)
			return text, text != ""
		}}
		if file != "" {
			var err error
			if from.YAML, err = readNamedFile(file); err != nil {
				return nil, err
			}
		}
		c, err := t.Load(from)
		if invalid, ok := errors.AsType[*config.InvalidError](err); ok {
			return nil, &usageError{err: invalid, help: "docs/configuration.md"}
		}
		return c, err
	}
}
