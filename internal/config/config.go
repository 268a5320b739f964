// Package config holds the settings of a Maestro server: one table says of each setting what it is called in the
// file, as a flag and in the environment, what it defaults to and what it is for. Everything else follows from the
// table: the parsing, the flags, and docs/configuration.md.
//
// A flag wins over the environment, the environment over the file, and the file over the default. Whatever is wrong is
// reported at once and with its place; a setting that does not exist is an error, since a typo that is passed over is
// found out only when it hurts.
//
// It reads settings and does not act on them: whether a directory exists or a database answers is for those who use
// it. A Table is for one goroutine; the Config it returns is plain data.
package config

import (
	"path/filepath"
	"strings"
	"time"
)

// Config is the settings of a server.
type Config struct {
	Listen        string // host:port
	Store         Store
	StoreLockWait time.Duration
	DataDir       string // never empty after Load
	ClusterName   string
	Environment   string
	DefaultParams string // path, empty for the built-in ones

	Shell       Shell
	HTTP        HTTP
	Kubernetes  Kubernetes
	Engine      Engine
	Signals     Signals
	Events      Events
	OutputData  OutputData
	Limits      Limits
	JobTemplate JobTemplate
	StepAction  StepAction
	Log         Log
	DebugListen string // host:port, empty for none
}

// Store says where state is kept.
type Store struct {
	Driver string // "sqlite" or "postgres"
	Source string // a path, or a postgres:// URL with everything in it
}

// Shell is about steps that run processes on this machine.
type Shell struct {
	Enabled        bool
	MaxConcurrent  int
	MaxOutputBytes int64
	TTL            time.Duration // 0: for ever
}

// HTTP is about steps that call other servers.
type HTTP struct {
	Allow            []string
	Timeout          time.Duration
	MaxResponseBytes int64
	MaxInFlight      int
}

// Kubernetes is about steps that run as pods.
type Kubernetes struct {
	Enabled         bool
	API             string
	Kubeconfig      string
	Namespace       string
	Namespaces      []string      // that steps may name besides; empty: any
	TTL             time.Duration // 0: for ever
	PullTimeout     time.Duration
	ScheduleTimeout time.Duration
	MaxRequests     int
	MaxLogBytes     int64
}

// Signals is about signals that steps announce.
type Signals struct {
	PerAttempt  bool
	Payload     bool
	MaxChain    int
	TriggerRate int
}

// Engine is about how runs are driven.
type Engine struct {
	Groups          int
	MaxRunsInMemory int
	IdleAfter       time.Duration
	QueueLimit      int
	ShutdownTimeout time.Duration
}

// Events is about published events.
type Events struct {
	Retention time.Duration
	Webhook   Webhook
}

// Webhook is about sending events to a URL.
type Webhook struct {
	URL         string // empty: no events are sent
	Secret      string
	Timeout     time.Duration
	MaxAttempts int
	GiveUpAfter time.Duration
	MaxInFlight int
	Workflows   []string // ids or patterns with *; empty: all
}

// OutputData is about what jobs report about themselves over the API.
type OutputData struct {
	RequireToken bool
	URL          string // of the endpoint, for jobs; empty: at the address that is listened on
	Unclaimed    int64  // bytes kept of jobs that no step has yet
}

// Limits is about what clients can cost the server.
type Limits struct {
	Connections int
	HeaderBytes int64
	Memory      int64
	Wait        time.Duration
	Stall       time.Duration
	MinRate     int64
	Streams     int
}

// JobTemplate is about templates that steps inherit params from.
type JobTemplate struct {
	CacheTTL time.Duration
}

// StepAction is about stop, kill, skip, bypass and restart of a step.
type StepAction struct {
	Timeout time.Duration
}

// Log is about the server's own log, not that of steps.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // text or json
}

// dataDir is where files go that belong to the store: beside an SQLite file and named after it, so that two stores in
// one directory do not mix, else in the working directory.
func (s Store) dataDir() string {
	if s.Driver != "sqlite" {
		return "maestro-data"
	}
	return strings.TrimSuffix(s.Source, filepath.Ext(s.Source)) + "-data"
}
