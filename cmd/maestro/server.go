package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"maestro/internal/config"
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
			return p.serve(cmd.Context(), cfg)
		},
	}
	load = p.addSettings(cmd, table)
	return cmd
}

// serve runs a server until ctx ends.
func (p *program) serve(ctx context.Context, cfg *config.Config) (err error) {
	log := p.logger(cfg.Log)
	began := time.Now()
	for _, stray := range config.New().Strays(os.Environ()) {
		log.Warn(stray)
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return listenError(cfg.Listen, err)
	}
	// What parts do on their way down must not be cut short by the signal that stops them.
	n, err := openNode(context.WithoutCancel(ctx), cfg, l.Addr(), log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	warnIfOpen(log, l.Addr())
	if cfg.DebugListen != "" {
		if err := n.profiles(cfg.DebugListen); err != nil {
			return errors.Join(err, l.Close(), n.closeParts())
		}
	}
	h, limited := n.server.HTTP(l, slog.NewLogLogger(log.Handler(), slog.LevelDebug))
	served := make(chan error, 1)
	go func() { served <- h.Serve(limited) }()
	log.Info("serving", "url", "http://"+l.Addr().String(), "store", cfg.Store.Driver+":"+cfg.Store.Source,
		"shell_steps", cfg.Shell.Enabled, "ready_after", time.Since(began).Round(time.Millisecond))
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	log.Info("stopping")
	return errors.Join(err, n.shutdown(h, cfg.Engine.ShutdownTimeout))
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

// shutdown lets requests that are under way finish, then the engine, and then closes the store.
func (n *node) shutdown(h *http.Server, within time.Duration) error {
	within = within * 4 / 5 // the rest is for the engine
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	close(n.stop)
	n.server.Drain()
	if err := h.Shutdown(ctx); err != nil { // a client that does not go on sending or reading must not fail the stop
		n.log.Warn("requests were cut off", "after", within)
		_ = h.Close()
	}
	return n.closeParts()
}

// profiles serves what net/http/pprof gives.
func (n *node) profiles(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on debug.listen %s: %w", addr, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	h := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = h.Serve(l)
	}()
	n.closers = append(n.closers, func() error {
		err := h.Close()
		<-served
		return err
	})
	return nil
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
