package node

import (
	"reflect"
	"testing"
	"time"

	"maestro/internal/config"
	"maestro/internal/step/kubernetes"
)

// TestPodSettings brings every setting of pods to the runtime.
func TestPodSettings(t *testing.T) {
	t.Parallel()
	table := config.New()
	c, err := table.Load(config.Sources{File: "m.yaml", YAML: []byte(`
cluster_name: prod
kubernetes: {namespace: etl, namespaces: [a, b], ttl: 2h, pull_timeout: 3m, schedule_timeout: 4m, max_requests: 5, max_log_bytes: 6MiB}
`)})
	if err != nil {
		t.Fatal(err)
	}
	want := kubernetes.Config{
		Name: "prod", Namespace: "etl", Namespaces: []string{"a", "b"}, Workers: 5, TTL: 2 * time.Hour,
		PullPatience: 3 * time.Minute, SchedulePatience: 4 * time.Minute, MaxLogBytes: 6 << 20,
	}
	if got := podSettings(c, nil, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	c.Kubernetes.TTL = 0
	if got := podSettings(c, nil, nil).TTL; got >= 0 {
		t.Errorf("for ever is %s", got)
	}
}
