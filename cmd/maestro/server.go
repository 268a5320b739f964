package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"maestro/internal/config"
	"maestro/internal/node"
)

func newServerCmd(p *program) *cobra.Command {
	table := config.New()
	var load func() (*config.Config, error)
	cmd := &cobra.Command{
		Use:     "server",
		Short:   "Serve the API and drive runs",
		GroupID: groupProgram,
		Long: `Serve the REST API and drive runs, with state in an embedded SQLite file.

Every setting is a flag, a MAESTRO_* variable and a key of the --config file; see
docs/configuration.md. SIGTERM or an interrupt stops the server within
engine.shutdown_timeout; runs go on where they were at the next start.`,
		Example: `  maestro server
  maestro server --listen 127.0.0.1:8080 --store sqlite:maestro.db
  maestro server --config maestro.yaml --shell-enabled`,
		Args: args("", 0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load()
			if err != nil {
				return err
			}
			return p.serve(cmd.Context(), node.Config{Settings: cfg})
		},
	}
	load = p.addSettings(cmd, table)
	return cmd
}

// serve runs a server until ctx ends. with says what it is made of beside what the program is.
func (p *program) serve(ctx context.Context, with node.Config) error {
	cfg, log, began := with.Settings, p.logger(with.Settings.Log), time.Now()
	for _, stray := range config.New().Strays(os.Environ()) {
		log.Warn(stray)
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return listenError(cfg.Listen, err)
	}
	n, err := p.startNode(ctx, with, l.Addr())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	warnIfOpen(log, l.Addr())
	failed, err := n.Serve(l)
	if err != nil {
		return errors.Join(err, n.Stop())
	}
	log.Info("serving", "url", "http://"+l.Addr().String(), "store", cfg.Store.Driver+":"+cfg.Store.Source,
		"shell_steps", cfg.Shell.Enabled, "ready_after", time.Since(began).Round(time.Millisecond))
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	log.Info("stopping")
	return errors.Join(err, n.Stop())
}

// startNode starts the server of this process, which is served on addr.
func (p *program) startNode(ctx context.Context, with node.Config, addr net.Addr) (*node.Node, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's file, which shell steps run under: %w", err)
	}
	with.Log, with.Addr, with.Version = p.logger(with.Settings.Log), addr, buildVersion()
	with.Supervisor = []string{exe, supervisorCommand}
	n := node.New(with)
	// A signal that stops the program must not cut the start short half way.
	return n, n.Start(context.WithoutCancel(ctx))
}

// listenError says why nothing can be served on an address, and what to do about it.
func listenError(addr string, err error) error {
	why, todo := err.Error(), "name another one with --listen"
	if inner, ok := errors.AsType[*net.OpError](err); ok { // which names the address again
		why = inner.Err.Error()
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		why, todo = "another program listens there", "stop it, or "+todo
	case errors.Is(err, syscall.EACCES):
		why = "this user may not use the port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		why = "this machine does not have the address"
	}
	return fmt.Errorf("listen on %s: %s; %s", addr, why, todo)
}

// warnIfOpen says loudly that anybody who can reach the server can use it.
func warnIfOpen(log *slog.Logger, addr net.Addr) {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && !tcp.IP.IsLoopback() {
		log.Warn("the server can be reached from other machines, and there is no authentication: whoever can connect can run workflows; "+
			"listen on 127.0.0.1, or put a proxy that authenticates in front", "listen", addr.String())
	}
}

// logger returns the server's log, as the settings want it, on standard error.
func (p *program) logger(c config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // checked when the settings were read
	opts := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(p.err, opts))
	}
	return slog.New(slog.NewTextHandler(p.err, opts))
}
