package kube

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// Where says where to look for a cluster. The zero value means: wherever kubectl would, but the cluster this runs in
// before the file in the home directory.
type Where struct {
	API        string // URL; taken as it is, with credentials only if Kubeconfig is given, too
	Kubeconfig string // file
}

// serviceAccount is where a pod finds its credentials. A variable for tests only.
var serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

// Find finds the way to a cluster: a given URL, a given kubeconfig, the files in KUBECONFIG, the cluster this runs in,
// ~/.kube/config, in this order.
func Find(w Where) (Config, error) {
	switch {
	case w.Kubeconfig != "":
		cfg, err := fromKubeconfig([]string{w.Kubeconfig})
		if err == nil && w.API != "" {
			cfg.Server = w.API
		}
		return cfg, err
	case w.API != "":
		return Config{Server: w.API}, nil
	case os.Getenv("KUBECONFIG") != "":
		return fromKubeconfig(filepath.SplitList(os.Getenv("KUBECONFIG")))
	case os.Getenv("KUBERNETES_SERVICE_HOST") != "":
		return inCluster()
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return Config{}, fmt.Errorf("kube: no cluster is configured, and there is no home directory: %w", err)
	}
	file := filepath.Join(home, ".kube", "config")
	if _, err := os.Stat(file); err != nil {
		return Config{}, fmt.Errorf("kube: no cluster is configured: neither an API URL nor a kubeconfig is given, this is no pod, and %s cannot be read", file)
	}
	return fromKubeconfig([]string{file})
}

// inCluster is for a pod: its service account, whose token the node renews in the file.
func inCluster() (Config, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if port == "" {
		port = "443"
	}
	token := &fileToken{path: filepath.Join(serviceAccount, "token")}
	if _, err := token.read(); err != nil {
		return Config{}, fmt.Errorf("kube: service account of this pod: %w", err)
	}
	pool, err := readPool(filepath.Join(serviceAccount, "ca.crt"))
	if err != nil {
		return Config{}, fmt.Errorf("kube: service account of this pod: %w", err)
	}
	return Config{
		Server: "https://" + net.JoinHostPort(host, port),
		TLS:    &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		Auth:   token,
	}, nil
}

func readPool(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return poolOf(text, file)
}

func poolOf(text []byte, from string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New(from + " holds no certificate")
	}
	return pool, nil
}
