package kubernetes

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"maestro/internal/kube"
)

// Config is what a server decides about pods. Only Client must be set.
type Config struct {
	Client *kube.Client

	// Name of this installation, on every pod of it as label maestro-server. Servers that share runs share it; others
	// that use the same namespace should have another.
	Name string

	// Installation is the identity of the store that the runs are kept in. A pod that does not carry it belongs to another
	// one, whatever its name and labels are: it is neither used nor deleted.
	Installation string

	Namespace  string   // of pods whose step does not say; default "default"
	Namespaces []string // which others steps may use; empty: all that the cluster lets this server use

	Workers int // requests to the API server at a time, besides watches; default 16

	// TTL is how long a finished pod stays, for its log; default 24 h, negative: for ever. Not less than a minute: an
	// engine that died must be able to find the pod when it comes back.
	TTL time.Duration

	PullPatience     time.Duration // how long a pod may fail to get its image or its settings; default 10 min
	SchedulePatience time.Duration // how long there may be no node for a pod; default 1 h

	MaxLogBytes int64        // how much of a log is searched for output data; default 256 MiB
	Log         *slog.Logger // default: nowhere

	linger time.Duration // lingerTime, but for tests in which the engine takes longer
}

const (
	labelServer    = "maestro-server"  // value: Config.Name
	labelKey       = "dedupKey"        // value: job_deduplication_key
	annotationStep = "step_identity"   // whose pod it is: the uuid of the attempt is part of it
	annotationStop = "maestro-stopped" // this pod never runs; why is one of the two after the next

	annotationAttempt      = "maestro-attempt"      // its uuid
	annotationInstallation = "maestro-installation" // Config.Installation

	byStop        = "true"    // the attempt was stopped
	byRefusal     = "refused" // the server refused the attempt's pod, so that it has failed
	containerName = "maestro-job"
	tailLines     = 128 // of the log, in the artifact
	tailBytes     = 10 << 10
	requestTries  = 30 * time.Second // how long a pod that cannot be created is tried to
	logTries      = time.Minute      // the same for a log that cannot be read
	forceAfter    = 5 * time.Minute  // after the time when a deleted pod should have been gone
	takenAfter    = 30 * time.Second // the same, when the cluster has taken the pod from its node
	discardTries  = 10 * time.Minute // how long a pod that nobody waits for is tried to be deleted
	lingerTime    = 5 * time.Second  // after the report, until what runs on in a pod is ended
	deadlineGrace = time.Minute      // after the step's timeout, which the engine enforces, the cluster does
)

func (c Config) orDefaults() (Config, error) {
	if c.Client == nil {
		return c, errors.New("kubernetes: no API server is configured")
	}
	c.Name = labelValue(c.Name)
	if c.Name == "" {
		c.Name = "maestro"
	}
	if c.Namespace == "" {
		c.Namespace = "default"
	}
	c.Workers = orDefault(c.Workers, 16)
	c.TTL = orDefault(c.TTL, 24*time.Hour)
	if c.TTL > 0 {
		c.TTL = max(c.TTL, time.Minute)
	}
	c.PullPatience = orDefault(c.PullPatience, 10*time.Minute)
	c.SchedulePatience = orDefault(c.SchedulePatience, time.Hour)
	c.MaxLogBytes = orDefault(c.MaxLogBytes, 256<<20)
	c.linger = orDefault(c.linger, lingerTime)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func orDefault[T int | int64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// labelValue makes a text fit for a label: at most 63 letters, digits, -, _ and ., the first and the last a letter or
// digit.
func labelValue(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '-'
	}, s)
	return strings.Trim(s[:min(len(s), 63)], "-_.")
}
