package node

import (
	"log/slog"

	"maestro/internal/config"
	"maestro/internal/kube"
	"maestro/internal/step/kubernetes"
)

// pods returns the runtime of steps that run as pods of an installation.
func pods(cfg *config.Config, installation string, log *slog.Logger) (*kubernetes.Runtime, error) {
	way, err := kube.Find(kube.Where{API: cfg.Kubernetes.API, Kubeconfig: cfg.Kubernetes.Kubeconfig})
	if err != nil {
		return nil, err
	}
	api, err := kube.New(way)
	if err != nil {
		return nil, err
	}
	settings := podSettings(cfg, api, log)
	settings.Installation = installation
	return kubernetes.New(settings)
}

func podSettings(cfg *config.Config, api *kube.Client, log *slog.Logger) kubernetes.Config {
	k := cfg.Kubernetes
	return kubernetes.Config{
		Client: api, Name: cfg.ClusterName, Namespace: k.Namespace, Namespaces: k.Namespaces, Workers: k.MaxRequests,
		TTL: lifetime(k.TTL), PullPatience: k.PullTimeout, SchedulePatience: k.ScheduleTimeout, MaxLogBytes: k.MaxLogBytes, Log: log,
	}
}
