package config_test

import (
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"maestro/internal/config"
)

var rewrite = flag.Bool("rewrite", false, "write docs/configuration.md instead of comparing")

func TestMarkdown(t *testing.T) {
	t.Parallel()
	const path = "../../docs/configuration.md"
	got := config.New().Markdown()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what the table says; run go test ./internal/config -rewrite", path)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range config.New().Settings {
		for _, name := range []string{s.Key, s.Flag(), s.Env()} {
			if seen[name] && strings.ContainsAny(name, "-_.") {
				t.Errorf("%s: the name %s is taken", s.Key, name)
			}
			seen[name] = true
		}
		if s.Help == "" || strings.HasSuffix(s.Help, ".") || strings.Contains(s.Help, "\n") {
			t.Errorf("%s: help %q must be one line without full stop", s.Key, s.Help)
		}
		if s.Env() == "MAESTRO_SERVER" || s.Env() == "MAESTRO_USER" || s.Env() == "MAESTRO_CONFIG" {
			t.Errorf("%s: %s belongs to the command line", s.Key, s.Env())
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	got, err := config.New().Load(config.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Listen: "127.0.0.1:8080",
		Store:  config.Store{Driver: "sqlite", Source: "maestro.db"}, StoreLockWait: 5 * time.Second,
		DataDir:     "maestro-data",
		ClusterName: "maestro", Environment: "test",
		Shell: config.Shell{MaxConcurrent: 16, MaxOutputBytes: 16 << 20, TTL: 24 * time.Hour},
		HTTP:  config.HTTP{Timeout: 30 * time.Second, MaxResponseBytes: 1 << 20, MaxInFlight: 256},
		Kubernetes: config.Kubernetes{Namespace: "default", TTL: 24 * time.Hour, PullTimeout: 10 * time.Minute, ScheduleTimeout: time.Hour,
			MaxRequests: 16, MaxLogBytes: 256 << 20},
		Engine: config.Engine{Groups: 16, MaxRunsInMemory: 100_000, IdleAfter: time.Second, QueueLimit: 10_000,
			ShutdownTimeout: 5 * time.Second},
		Signals: config.Signals{MaxChain: 100, TriggerRate: 100},
		Events: config.Events{Retention: 7 * 24 * time.Hour, Webhook: config.Webhook{
			Timeout: 10 * time.Second, MaxAttempts: 20, GiveUpAfter: 24 * time.Hour, MaxInFlight: 8,
		}},
		OutputData: config.OutputData{RequireToken: true, Unclaimed: 32 << 20},
		Limits: config.Limits{Connections: 2048, HeaderBytes: 64 << 10, Memory: 128 << 20, Wait: 20 * time.Second,
			Stall: 15 * time.Second, MinRate: 4 << 10, Streams: 256},
		JobTemplate: config.JobTemplate{CacheTTL: time.Minute},
		StepAction:  config.StepAction{Timeout: 5 * time.Second},
		Log:         config.Log{Level: "info", Format: "text"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// load sets flags, a file and the environment, in the form NAME=VALUE.
func load(t *testing.T, flags []string, env map[string]string, file string) (*config.Config, error) {
	t.Helper()
	table := config.New()
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	for _, f := range table.Flags() {
		fs.Var(f, f.Name(), f.Usage())
	}
	if err := fs.Parse(flags); err != nil {
		t.Fatal(err)
	}
	return table.Load(config.Sources{File: "m.yaml", YAML: []byte(file), Env: func(name string) (string, bool) {
		text, ok := env[name]
		return text, ok
	}})
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	const file = "cluster_name: file\nshell:\n  enabled: true\n  ttl: 2h\nengine.groups: 4\nhttp:\n  allow:\n  - a.example\n  - \"*.b.example\"\n"
	env := map[string]string{"MAESTRO_CLUSTER_NAME": "env", "MAESTRO_SHELL_TTL": "3h", "MAESTRO_LOG_LEVEL": "", "MAESTRO_STORE": "postgres://u:p@h/d"}
	got, err := load(t, []string{"--cluster-name=one", "--cluster-name", "flag", "--shell-max-output-bytes=64k"}, env, file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, got, want any }{
		{"flag over env", got.ClusterName, "flag"},
		{"env over file", got.Shell.TTL, 3 * time.Hour},
		{"file over default", got.Shell.Enabled, true},
		{"dotted key", got.Engine.Groups, 4},
		{"size", got.Shell.MaxOutputBytes, int64(64 << 10)},
		{"empty env", got.Log.Level, "info"},
		{"store", got.Store, config.Store{Driver: "postgres", Source: "postgres://u:p@h/d"}},
		{"redacted", got.Store.String(), "postgres://u:xxxxx@h/d"},
		{"data dir", got.DataDir, "maestro-data"},
		{"list", got.HTTP.Allow, []string{"a.example", "*.b.example"}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}

	got, err = load(t, []string{"--http-allow", "x,10.0.0.0/8", "--http-allow=y:80", "--shell-enabled", "--store=sqlite:/var/lib/m/state.db"}, nil, file)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"x", "10.0.0.0/8", "y:80"}; !reflect.DeepEqual(got.HTTP.Allow, want) {
		t.Errorf("got %v, want %v", got.HTTP.Allow, want)
	}
	if want := "/var/lib/m/state-data"; got.DataDir != want {
		t.Errorf("got %s, want %s", got.DataDir, want)
	}
}

// TestForEver gives a lifetime that does not end.
func TestForEver(t *testing.T) {
	t.Parallel()
	got, err := load(t, []string{"--shell-ttl=0", "--kubernetes-ttl", "0s"}, nil, "")
	if err != nil || got.Shell.TTL != 0 || got.Kubernetes.TTL != 0 {
		t.Errorf("got %v and %v, %v", got.Shell.TTL, got.Kubernetes.TTL, err)
	}
	got, err = load(t, nil, nil, "kubernetes:\n  ttl: 1m\n  namespaces: [etl-1, b]\n")
	if err != nil || got.Kubernetes.TTL != time.Minute || !reflect.DeepEqual(got.Kubernetes.Namespaces, []string{"etl-1", "b"}) {
		t.Errorf("got %+v, %v", got.Kubernetes, err)
	}
}

func TestSetDefault(t *testing.T) {
	t.Parallel()
	table := config.New()
	table.SetDefault("shell.enabled", "true")
	got, err := table.Load(config.Sources{})
	if err != nil || !got.Shell.Enabled {
		t.Errorf("got %v, %v, want the shell enabled", got, err)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		flags []string
		env   map[string]string
		file  string
		want  string
	}{
		"typo":            {file: "listen: :1\nshel:\n  enabled: true\n", want: "m.yaml:2: there is no setting shel; did you mean shell?"},
		"no idea":         {file: "frobnicate: 1\n", want: "m.yaml:1: there is no setting frobnicate; see docs/configuration.md for all settings"},
		"nested typo":     {file: "shell:\n  enable: true\n", want: "m.yaml:2: there is no setting shell.enable; did you mean shell.enabled?"},
		"dash":            {file: "shell:\n  max-concurrent: 1\n", want: "m.yaml:2: there is no setting shell.max-concurrent; did you mean shell.max_concurrent?"},
		"section missing": {file: "max_concurrent: 1\n", want: "m.yaml:1: there is no setting max_concurrent; did you mean shell.max_concurrent?"},
		"original name": {file: "server:\n  port: 80\nmaestro:\n  cluster:\n    name: x\n", want: "m.yaml:1: there is no setting server; what Maestro calls server.port is listen here\n" +
			"m.yaml:3: there is no setting maestro; what Maestro calls maestro.cluster.name is cluster_name here"},
		"section as value": {file: "shell: true\n", want: "m.yaml:1: shell holds settings, such as shell.enabled; it has no value of its own"},
		"list as value":    {file: "listen: [a, b]\n", want: "m.yaml:1: listen takes one value, not a list"},
		"object as value":  {file: "listen:\n  port: 1\n", want: "m.yaml:2: listen takes a string, not an object"},
		"twice":            {file: "shell:\n  ttl: 1h\nshell.ttl: 2h\n", want: "m.yaml:3: shell.ttl is already set in line 2"},
		"no object":        {file: "- a\n", want: "m.yaml:1: expected settings in the form KEY: VALUE"},
		"two documents":    {file: "listen: :1\n---\nlisten: :2\n", want: "m.yaml:3: more than one document; only one is allowed"},
		"syntax":           {file: "listen: [\n", want: "m.yaml:2: malformed YAML: the document ends inside of a list or mapping; is a ] or } missing?"},
		"everything at once": {
			flags: []string{"--shell-ttl=soon"},
			env:   map[string]string{"MAESTRO_ENGINE_GROUPS": "none"},
			file:  "log:\n  level: loud\n",
			want: "--shell-ttl: \"soon\" is not a duration; write it like 500ms, 30s, 15m, 24h or 7d\n" +
				"MAESTRO_ENGINE_GROUPS: \"none\" is not a whole number from 1 to 4096\n" +
				"m.yaml:2: log.level: \"loud\" is not one of debug, info, warn, error",
		},
		"address":           {flags: []string{"--listen=8080"}, want: `--listen: "8080" is not an address; write HOST:PORT, or :PORT for all interfaces`},
		"store":             {flags: []string{"--store=maestro.db"}, want: `--store: "maestro.db" is not a store; write sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE`},
		"password":          {flags: []string{"--store=postgres://u:secret@"}, want: `--store: the URL is malformed; write postgres://USER:PASSWORD@HOST:PORT/DATABASE`},
		"size":              {flags: []string{"--http-max-response-bytes=1 parsec"}, want: `--http-max-response-bytes: "1 parsec" is not a size; write it like 65536, 64KiB, 16MiB or 1GB`},
		"bool":              {flags: []string{"--shell-enabled=perhaps"}, want: `--shell-enabled: "perhaps" is neither true nor false`},
		"url":               {flags: []string{"--kubernetes-api=host"}, want: `--kubernetes-api: "host" is not a URL; write it like https://host:6443`},
		"allow":             {flags: []string{"--http-allow=http://x/"}, want: `--http-allow: "http://x/" is not a network; write it like 10.0.0.0/8, and hosts without scheme and path`},
		"lifetime":          {flags: []string{"--kubernetes-ttl=59s"}, want: `--kubernetes-ttl: "59s" is too short, the least is 1m0s; 0 means for ever`},
		"no such lifetime":  {flags: []string{"--kubernetes-ttl=never"}, want: `--kubernetes-ttl: "never" is not a duration; write it like 500ms, 30s, 15m, 24h or 7d`},
		"negative lifetime": {flags: []string{"--shell-ttl=-1s"}, want: `--shell-ttl: "-1s" is too short`},
		"namespace":         {flags: []string{"--kubernetes-namespaces=a,B"}, want: `--kubernetes-namespaces: "B" is not a namespace, which has small letters, digits and - only, at most 63`},
		"long namespace":    {flags: []string{"--kubernetes-namespaces=" + strings.Repeat("n", 64)}, want: `--kubernetes-namespaces: "` + strings.Repeat("n", 64) + `" is not a namespace, which has small letters, digits and - only, at most 63`},
		"wildcard":          {flags: []string{"--http-allow=a.*"}, want: `--http-allow: "a.*" is not a host; write HOST, HOST:PORT, *.DOMAIN or a network such as 10.0.0.0/8`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, test.flags, test.env, test.file)
			invalid, ok := errors.AsType[*config.InvalidError](err)
			if !ok {
				t.Fatalf("got %v, want an InvalidError", err)
			}
			if got := invalid.Error(); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
