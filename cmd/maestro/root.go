package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"maestro/internal/config"
)

// Groups of commands in the help of the root.
const (
	groupDefine  = "define"
	groupRun     = "run"
	groupSignal  = "signal"
	groupProgram = "program"
)

// newRootCmd returns the command tree.
func newRootCmd(p *program) *cobra.Command {
	root := &cobra.Command{
		Use:   "maestro",
		Short: "Workflow orchestrator in one binary, compatible with Netflix Maestro",
		Long: `Workflow orchestrator in one binary, compatible with Netflix Maestro.

A run is named WORKFLOW/INSTANCE, such as demo/1, and a step of it WORKFLOW/INSTANCE/STEP.
Every command takes --output json for the server's JSON, and --help for examples.

Exit codes:
` + exitCodes,
		Example: `  maestro push demo.yaml
  maestro start demo --param day=20240131 --watch
  maestro ls demo
  maestro logs demo/1/extract -f`,
		Version:           buildVersion(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true}, // see newCompletionCmd
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknownCommand(cmd, args[0])
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if p.output != "table" && p.output != "json" {
				return usageOf(cmd, fmt.Errorf("--output: %q is neither table nor json", p.output))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetVersionTemplate("maestro {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommandGroupID(groupProgram)
	root.AddGroup(
		&cobra.Group{ID: groupDefine, Title: "Definitions:"},
		&cobra.Group{ID: groupRun, Title: "Runs:"},
		&cobra.Group{ID: groupSignal, Title: "Signals and events:"},
		&cobra.Group{ID: groupProgram, Title: "Program:"},
	)

	flags := root.PersistentFlags()
	flags.SortFlags = false
	flags.StringVar(&p.server, "server", p.defaultServer(), "`URL` of the server (env MAESTRO_SERVER)")
	flags.StringVar(&p.user, "user", p.defaultUser(), "`NAME` of the caller (env MAESTRO_USER)")
	flags.StringVarP(&p.output, "output", "o", "table", "`FORM` of the output: table or json")
	flags.BoolVar(&p.noColor, "no-color", false, "no colours; also off with NO_COLOR set and away from a terminal")
	flags.BoolVarP(&p.quiet, "quiet", "q", false, "only what was asked for: no progress, no notes")
	completeWith(root, "output", "table", "json")

	for _, newCmd := range commands() {
		root.AddCommand(newCmd(p))
	}
	return root
}

// usageOf makes err a usage error of cmd.
func usageOf(cmd *cobra.Command, err error) error {
	return &usageError{err: err, help: cmd.CommandPath() + " --help"}
}

// flagError is what is wrong with a flag. For one that does not exist it says which was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok && unknown.GetSpecifiedShortnames() == "" {
		name := unknown.GetSpecifiedName()
		best, distance := "", 3
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if d := config.Edits(name, f.Name); d < distance && d <= len(name)/3 {
				best, distance = f.Name, d
			}
		})
		if best != "" {
			err = fmt.Errorf("unknown flag: --%s; did you mean --%s?", name, best)
		}
	}
	return usageOf(cmd, err)
}

// nameOf returns the name of a command below the root.
func nameOf(cmd *cobra.Command) string { return strings.TrimPrefix(cmd.CommandPath(), "maestro ") }

// unknownCommand says that there is no such subcommand, and what may have been meant.
func unknownCommand(cmd *cobra.Command, name string) error {
	text := fmt.Sprintf("%q is not a command of %s", name, cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if like := cmd.SuggestionsFor(name); len(like) > 0 {
		text += "; did you mean " + strings.Join(like, " or ") + "?"
	}
	return &usageError{err: fmt.Errorf("%s", text), help: cmd.CommandPath() + " --help"}
}

// args returns a check of the number of arguments: least to most of what, any number from least when most is negative.
func args(what string, least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		switch {
		case len(given) < least:
			return usageOf(cmd, fmt.Errorf("%s needs %s", nameOf(cmd), what))
		case most >= 0 && len(given) > most:
			if most == 0 {
				what = "no arguments"
			}
			return usageOf(cmd, fmt.Errorf("%s takes %s; %q is too much", nameOf(cmd), what, given[most]))
		}
		return nil
	}
}

// completeWith makes the shell offer words as values of a flag. It panics when there is no such flag, which is a
// mistake in the program.
func completeWith(cmd *cobra.Command, flag string, words ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
}
