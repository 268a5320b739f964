package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"maestro/internal/config"
)

// TestInterrupt checks that an interrupted watch ends, says so, and has an exit code of its own.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/events") {
			w.Write([]byte(`{"workflow_id":"demo","workflow_instance_id":1,"status":"IN_PROGRESS"}`))
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		http.NewResponseController(w).Flush()
		cancel()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	var out, errs strings.Builder
	p := testProgram(&out, &errs, "")
	p.env = func(string) string { return "" }
	if got := p.Run(ctx, []string{"watch", "demo/1", "--server", server.URL}); got != exitInterrupted {
		t.Errorf("got exit code %d, want %d", got, exitInterrupted)
	}
	if want := "stopped watching, the run goes on"; !strings.Contains(errs.String(), want) {
		t.Errorf("got %q, want %q", errs.String(), want)
	}
}

// full is a place that takes no output.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestUnprinted checks that a command whose output got lost says so, and does not succeed.
func TestUnprinted(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"workflow_id":"demo","workflow_instance_id":1,"status":"SUCCEEDED","elements":[]}`))
	}))
	t.Cleanup(server.Close)
	for _, line := range []string{"version", "completion bash", "--help", "exit-codes", "get demo/1 -o json"} {
		var errs strings.Builder
		p := testProgram(full{}, &errs, "")
		p.env = func(string) string { return "" }
		got := p.Run(t.Context(), append(strings.Fields(line), "--server", server.URL))
		if want := "no space left on device"; got != exitFailed || strings.Count(errs.String(), want) != 1 {
			t.Errorf("%s: exit code %d, %q, want %d and %q", line, got, errs.String(), exitFailed, want)
		}
	}
}

// TestCompletionScripts checks that each shell gets a script.
func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	for shell, want := range map[string]string{
		"bash": "__start_maestro", "zsh": "#compdef maestro", "fish": "complete -c maestro", "powershell": "Register-ArgumentCompleter",
	} {
		var out, errs strings.Builder
		p := testProgram(&out, &errs, "")
		p.env = func(string) string { return "" }
		if code := p.Run(t.Context(), []string{"completion", shell}); code != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: exit code %d, %d bytes, want one with %q", shell, code, out.Len(), want)
		}
	}
}

// TestSettings checks the flags of a command that takes settings.
func TestSettings(t *testing.T) {
	t.Parallel()
	var out, errs strings.Builder
	p := testProgram(&out, &errs, "")
	p.env = func(name string) string { return map[string]string{"MAESTRO_SHELL_TTL": "1h"}[name] }
	cmd := &cobra.Command{Use: "server", SilenceErrors: true, SilenceUsage: true}
	table := config.New()
	table.SetDefault("shell.enabled", "true")
	load := p.addSettings(cmd, table)
	cmd.SetArgs([]string{"--listen", ":1", "--shell-enabled=false", "--kubernetes-enabled"})
	cmd.RunE = func(*cobra.Command, []string) error {
		c, err := load()
		if err != nil {
			return err
		}
		if c.Listen != ":1" || c.Shell.Enabled || !c.Kubernetes.Enabled || c.Shell.TTL != time.Hour {
			t.Errorf("got %+v", c)
		}
		return nil
	}
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	cmd.SetArgs([]string{"--config", "missing.yaml"})
	if got, want := p.report(cmd.ExecuteContext(t.Context())), exitUsage; got != want {
		t.Errorf("got exit code %d, want %d", got, want)
	}
}

// TestCommandsAreDocumented holds every command to an explanation and an example.
func TestCommandsAreDocumented(t *testing.T) {
	t.Parallel()
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			if c.Short == "" || strings.HasSuffix(c.Short, ".") {
				t.Errorf("%s: short help %q", c.CommandPath(), c.Short)
			}
			if c.Runnable() && !c.Hidden && !c.HasSubCommands() && c.Example == "" && c.Name() != "version" {
				t.Errorf("%s has no example", c.CommandPath())
			}
			walk(c)
		}
	}
	var out strings.Builder
	p := testProgram(&out, &out, "")
	walk(newRootCmd(p))
}
