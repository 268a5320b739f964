package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// buildVersion returns the version that the go command has stamped into this binary, "devel" when it has not.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// buildCommit returns the commit this binary was built from, empty when it is not known.
func buildCommit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	commit, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + dirty
}

func newVersionCmd(p *program) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of this program",
		GroupID: groupProgram,
		Args:    args("no arguments", 0, 0),
		RunE: func(*cobra.Command, []string) error {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if p.wantsJSON() {
				text, err := json.Marshal(map[string]string{
					"version": buildVersion(), "commit": buildCommit(), "go": runtime.Version(), "platform": platform,
				})
				if err != nil {
					return fmt.Errorf("version: %w", err)
				}
				return p.json(text)
			}
			commit := buildCommit()
			if commit != "" {
				commit += ", "
			}
			p.printf("maestro %s (%s%s, %s)\n", buildVersion(), commit, runtime.Version(), platform)
			return nil
		},
	}
}
