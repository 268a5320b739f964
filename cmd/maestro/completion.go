package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newCompletionCmd(p *program) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:     "completion bash|zsh|fish|powershell",
		Short:   "Print a script that completes maestro's commands in your shell",
		GroupID: groupProgram,
		Long: `Print a script that completes maestro's commands in your shell: commands, flags,
and the names of workflows, runs and steps, which it asks the server for.`,
		Example: `  source <(maestro completion bash)                                     # this shell
  maestro completion bash > /etc/bash_completion.d/maestro              # all shells
  maestro completion zsh > "${fpath[1]}/_maestro"
  maestro completion fish > ~/.config/fish/completions/maestro.fish
  maestro completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: shells,
		Args:      args("the name of a shell: bash, zsh, fish or powershell", 1, 1),
		RunE: func(cmd *cobra.Command, given []string) error {
			root := cmd.Root()
			switch given[0] {
			case "bash":
				return root.GenBashCompletionV2(p.out, true)
			case "zsh":
				return root.GenZshCompletion(p.out)
			case "fish":
				return root.GenFishCompletion(p.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(p.out)
			}
			return usageOf(cmd, fmt.Errorf("%q is no shell known here; choose bash, zsh, fish or powershell", given[0]))
		},
	}
}
