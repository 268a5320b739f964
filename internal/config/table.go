package config

import (
	"strings"
	"time"
)

// Setting is one row of the table.
type Setting struct {
	Key     string // path in the file, such as shell.max_concurrent
	Default string // as text, in the form it is set with
	Help    string // one line, lower case, without full stop
	Was     string // what the original Maestro calls it, empty when it has no such setting

	value value
	given []string // what flags said
}

// Flag returns the name of the setting's flag, without dashes in front.
func (s *Setting) Flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.Key) }

// Env returns the name of the setting's environment variable.
func (s *Setting) Env() string {
	return "MAESTRO_" + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

// Type returns the word for the setting's kind of value.
func (s *Setting) Type() string { return s.value.kind }

// Table is all settings and the Config they fill.
type Table struct {
	Settings []*Setting

	config *Config
}

// New returns the table with its defaults.
func New() *Table {
	c := &Config{}
	return &Table{config: c, Settings: []*Setting{
		{Key: "listen", Default: "127.0.0.1:8080", value: address(&c.Listen), Was: "server.port",
			Help: "address to serve on; there is no authentication, so think before leaving this machine"},
		{Key: "store", Default: "sqlite:maestro.db", value: store(&c.Store), Was: "engine.configs.jdbc-url",
			Help: "where state is kept: sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE"},
		{Key: "store_lock_wait", Default: "5s", value: duration(&c.StoreLockWait, 1),
			Help: "how long a request waits while another program, such as a backup, locks the SQLite file, before it is answered with 503; runs wait as long as it takes"},
		{Key: "data_dir", value: text(&c.DataDir),
			Help: "directory for logs and work files of shell steps; default: beside the store, named after it (maestro-data)"},
		{Key: "cluster_name", Default: "maestro", value: text(&c.ClusterName), Was: "maestro.cluster.name",
			Help: "name of this installation in published events"},
		{Key: "environment", Default: "test", value: text(&c.Environment), Was: "stepruntime.env",
			Help: "what params.getExecutionEnvironment() returns in expressions"},
		{Key: "default_params", value: text(&c.DefaultParams), Was: "maestro.default-params",
			Help: "YAML file of params that override the built-in defaults of workflows and steps; runs keep those they were started with"},

		{Key: "shell.enabled", Default: "false", value: boolean(&c.Shell.Enabled),
			Help: "run shell steps as processes of this machine; whoever may push a workflow may then run anything here (maestro run has it on)"},
		{Key: "shell.max_concurrent", Default: "16", value: count(&c.Shell.MaxConcurrent, 1, 10_000),
			Help: "most processes at a time; further steps wait"},
		{Key: "shell.max_output_bytes", Default: "16MiB", value: size(&c.Shell.MaxOutputBytes, 1<<10),
			Help: "how much of each output stream of an attempt is kept; what exceeds it is dropped"},
		{Key: "shell.ttl", Default: "24h", value: lifetime(&c.Shell.TTL, 0),
			Help: "how long work directories and logs stay after an attempt has ended; 0: for ever"},

		{Key: "http.allow", value: list(&c.HTTP.Allow, checkAllow), Was: "stepruntime.http.allow-list",
			Help: "what HTTP steps may call: hosts, host:port, *.domain, networks such as 10.0.0.0/8; nothing unless listed, * for everything"},
		{Key: "http.timeout", Default: "30s", value: duration(&c.HTTP.Timeout, 1), Was: "stepruntime.http.send-timeout",
			Help: "longest exchange of an HTTP step, from connecting to the last byte"},
		{Key: "http.max_response_bytes", Default: "1MiB", value: size(&c.HTTP.MaxResponseBytes, 1), Was: "stepruntime.http.max-response-size",
			Help: "largest response of an HTTP step"},
		{Key: "http.max_in_flight", Default: "256", value: count(&c.HTTP.MaxInFlight, 1, 100_000),
			Help: "most requests of HTTP steps at a time; further steps wait"},

		{Key: "kubernetes.enabled", Default: "false", value: boolean(&c.Kubernetes.Enabled),
			Help: "run Kubernetes and notebook steps"},
		{Key: "kubernetes.api", value: webAddress(&c.Kubernetes.API),
			Help: "URL of the API server, for example of kubectl proxy; default: from the kubeconfig, or the cluster this runs in"},
		{Key: "kubernetes.kubeconfig", value: text(&c.Kubernetes.Kubeconfig),
			Help: "kubeconfig file; default: the cluster this runs in, else ~/.kube/config"},
		{Key: "kubernetes.namespace", Default: "default", value: text(&c.Kubernetes.Namespace),
			Help: "namespace of the pods of steps that name none"},
		{Key: "kubernetes.namespaces", value: list(&c.Kubernetes.Namespaces, checkNamespace),
			Help: "which other namespaces steps may name; default: any in which the cluster lets this server make pods"},
		{Key: "kubernetes.ttl", Default: "24h", value: lifetime(&c.Kubernetes.TTL, time.Minute),
			Help: "how long a finished pod stays, for its log; at least 1m, 0: for ever"},
		{Key: "kubernetes.pull_timeout", Default: "10m", value: duration(&c.Kubernetes.PullTimeout, 1),
			Help: "how long a pod that has a node may take until its container begins (image, volumes, settings; an init container that is at work does not count) until its attempt fails with PLATFORM_ERROR; while nothing but the pull of a large image takes so long, schedule_timeout counts if it is longer"},
		{Key: "kubernetes.schedule_timeout", Default: "1h", value: duration(&c.Kubernetes.ScheduleTimeout, 1),
			Help: "how long a pod may find no node until its attempt fails with PLATFORM_ERROR"},
		{Key: "kubernetes.max_requests", Default: "16", value: count(&c.Kubernetes.MaxRequests, 1, 10_000),
			Help: "most requests to the API server at a time, besides watches and logs that people read"},
		{Key: "kubernetes.max_log_bytes", Default: "256MiB", value: size(&c.Kubernetes.MaxLogBytes, 1<<20),
			Help: "of a larger log only the last 1000 lines are searched for output data"},

		{Key: "engine.groups", Default: "16", value: count(&c.Engine.Groups, 1, 4096), Was: "engine.configs.max-group-num",
			Help: "into how many groups runs are divided, the unit that nodes share work by; the same on all nodes; runs keep theirs when it changes"},
		{Key: "engine.max_runs_in_memory", Default: "100000", value: count(&c.Engine.MaxRunsInMemory, 1, 100_000_000),
			Help: "most runs held in memory; further ones wait in the store"},
		{Key: "engine.idle_after", Default: "1s", value: duration(&c.Engine.IdleAfter, 1),
			Help: "a run in which nothing has happened for this long leaves memory until something does"},
		{Key: "engine.queue_limit", Default: "10000", value: count(&c.Engine.QueueLimit, 1, 100_000_000),
			Help: "most start requests that wait to be stored; beyond it the server answers 429"},
		{Key: "engine.shutdown_timeout", Default: "5s", value: duration(&c.Engine.ShutdownTimeout, 0),
			Help: "how long a stopping server lets requests and commits finish; steps go on after the next start"},

		{Key: "signals.per_attempt", Default: "false", value: boolean(&c.Signals.PerAttempt),
			Help: "each attempt of a step announces signals of its own; otherwise, as in the original, a signal with the same params is announced once, ever"},
		{Key: "signals.payload", Default: "false", value: boolean(&c.Signals.Payload),
			Help: "the payload of a step's signal output is stored with the signal; otherwise, as in the original, it is dropped"},
		{Key: "signals.max_chain", Default: "100", value: count(&c.Signals.MaxChain, 1, 1_000_000),
			Help: "most runs in a row of which each is triggered by a signal of the one before; the next one fails, since a workflow that triggers itself never ends"},
		{Key: "signals.trigger_rate", Default: "100", value: count(&c.Signals.TriggerRate, 0, 1_000_000),
			Help: "most runs that a signal trigger starts a second, after a burst of 100 times as many; what comes faster waits its turn; 0: no limit"},

		{Key: "events.retention", Default: "7d", value: duration(&c.Events.Retention, 0),
			Help: "how long published events can be read from /api/v3/events and are delivered; 0: for ever"},
		{Key: "events.webhook.url", value: webAddress(&c.Events.Webhook.URL),
			Help: "URL that gets every event by POST, at least once and in order within each workflow; default: events are not sent"},
		{Key: "events.webhook.secret", value: text(&c.Events.Webhook.Secret),
			Help: "signs events (header Maestro-Signature, HMAC-SHA256); give it as a variable, not a flag, which other users of the machine can see"},
		{Key: "events.webhook.timeout", Default: "10s", value: duration(&c.Events.Webhook.Timeout, 1),
			Help: "longest attempt to send an event, from connecting to the last byte of the answer"},
		{Key: "events.webhook.max_attempts", Default: "20", value: count(&c.Events.Webhook.MaxAttempts, 1, 1_000_000),
			Help: "how often an event is sent before it is put on the list of dead letters; the waits between grow from 500ms to 5m"},
		{Key: "events.webhook.give_up_after", Default: "24h", value: duration(&c.Events.Webhook.GiveUpAfter, 1),
			Help: "how long after its first attempt an event is put on the list of dead letters, whatever the number of attempts"},
		{Key: "events.webhook.max_in_flight", Default: "8", value: count(&c.Events.Webhook.MaxInFlight, 1, 1000),
			Help: "most events sent at a time, each of another workflow"},
		{Key: "events.webhook.workflows", value: list(&c.Events.Webhook.Workflows, checkPattern),
			Help: "ids of the workflows whose events are sent, with * for any text; default: all"},
		{Key: "output_data.require_token", Default: "true", value: boolean(&c.OutputData.RequireToken),
			Help: "output data that a job sends needs the token of its attempt, which is MAESTRO_OUTPUT_TOKEN in its environment; otherwise, as the original means it, whoever can connect may send some for any job"},
		{Key: "output_data.url", value: webAddress(&c.OutputData.URL),
			Help: "URL at which jobs reach this server, such as http://maestro.internal:8080, given to them with a path as MAESTRO_OUTPUT_URL; default: the address it listens on"},
		{Key: "output_data.unclaimed_bytes", Default: "32MiB", value: size(&c.OutputData.Unclaimed, 1<<20),
			Help: "how much output data is kept of jobs that no step is known to have; beyond it the oldest goes, first that of the sender who has most"},

		{Key: "limits.connections", Default: "2048", value: count(&c.Limits.Connections, 1, 1_000_000),
			Help: "most requests under way at a time, streams among them; others but health checks are answered 503. A few more connections may be open; beyond them the one goes that has waited longest for a request"},
		{Key: "limits.header_bytes", Default: "64KiB", value: size(&c.Limits.HeaderBytes, 4<<10),
			Help: "largest header of a request, with its path and query"},
		{Key: "limits.memory", Default: "128MiB", value: size(&c.Limits.Memory, 16<<20),
			Help: "memory for request bodies and what is made of them; further requests wait"},
		{Key: "limits.wait", Default: "20s", value: duration(&c.Limits.Wait, 1),
			Help: "how long a request waits for its part of limits.memory before it is answered 503"},
		{Key: "limits.stall", Default: "15s", value: duration(&c.Limits.Stall, 10*time.Millisecond),
			Help: "how long a client may take to send or read as much as limits.min_rate asks of it in this time; it is cut off then"},
		{Key: "limits.min_rate", Default: "4KiB", value: size(&c.Limits.MinRate, 1),
			Help: "bytes a second at which a client must send a request body, and read its answer, stream or log, as long as there is more of it"},
		{Key: "limits.streams", Default: "256", value: count(&c.Limits.Streams, 1, 1_000_000),
			Help: "most event streams and logs that one client address reads at a time"},
		{Key: "job_template.cache_ttl", Default: "60s", value: duration(&c.JobTemplate.CacheTTL, 0), Was: "stepruntime.job-template-cache.cache-ttl",
			Help: "how long a job template is used before it is read again"},
		{Key: "step_action.timeout", Default: "5s", value: duration(&c.StepAction.Timeout, 1), Was: "maestro.step-action.action-timeout",
			Help: "how long a blocking action on a step waits for it to happen before it answers 408"},

		{Key: "log.level", Default: "info", value: choice(&c.Log.Level, "debug", "info", "warn", "error"),
			Help: "least severe lines of the server's log"},
		{Key: "log.format", Default: "text", value: choice(&c.Log.Format, "text", "json"),
			Help: "form of the server's log"},
		{Key: "debug.listen", value: text(&c.DebugListen),
			Help: "address to serve Go profiles on (/debug/pprof), such as 127.0.0.1:6060; off unless set"},
	}}
}

// Setting returns the row of a key, or nil.
func (t *Table) Setting(key string) *Setting {
	for _, s := range t.Settings {
		if s.Key == key {
			return s
		}
	}
	return nil
}

// SetDefault changes a default before Load, for a program that is not the server, such as maestro run. It panics when
// there is no such setting, which is a mistake in the program.
func (t *Table) SetDefault(key, text string) {
	s := t.Setting(key)
	if s == nil {
		panic("config: no setting " + key)
	}
	s.Default = text
}

// Flag is a setting as a command-line flag. It satisfies the interfaces of package flag and of pflag.
type Flag struct{ s *Setting }

// Flags returns a flag for every setting, in the order of the table. Values are checked by Load, together with those
// from elsewhere.
func (t *Table) Flags() []Flag {
	out := make([]Flag, len(t.Settings))
	for i, s := range t.Settings {
		out[i] = Flag{s}
	}
	return out
}

// Name returns the flag's name without dashes in front.
func (f Flag) Name() string { return f.s.Flag() }

// Usage returns the help line of the flag.
func (f Flag) Usage() string { return f.s.Help }

// Type returns the word for the kind of value.
func (f Flag) Type() string { return f.s.value.kind }

// IsBoolFlag reports whether the flag may stand without a value.
func (f Flag) IsBoolFlag() bool { return f.s.value.kind == "bool" }

// String returns the default, for help texts.
func (f Flag) String() string {
	if f.s == nil {
		return ""
	}
	return f.s.Default
}

// Set takes what was given on the command line. A list adds up, of anything else the last one counts.
func (f Flag) Set(text string) error {
	if f.s.value.kind != "list" {
		f.s.given = nil
	}
	f.s.given = append(f.s.given, text)
	return nil
}
