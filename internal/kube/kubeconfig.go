package kube

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
)

// kubeconfig is several files as one: of each name the first entry counts, as for kubectl.
type kubeconfig struct {
	context string
	entries map[string]entry // "clusters/NAME", "users/NAME", "contexts/NAME"
}

// entry is one named thing, and the directory that its relative paths start from.
type entry struct {
	node *doc.Node
	dir  string
}

func fromKubeconfig(files []string) (Config, error) {
	k := kubeconfig{entries: map[string]entry{}}
	read := 0
	for _, file := range files {
		if file == "" {
			continue
		}
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) && len(files) > 1 {
			continue
		}
		if err != nil {
			return Config{}, fmt.Errorf("kube: read the kubeconfig: %w", err)
		}
		if err := k.add(text, filepath.Dir(file)); err != nil {
			return Config{}, fmt.Errorf("kube: kubeconfig %s: %w", file, err)
		}
		read++
	}
	if read == 0 {
		return Config{}, fmt.Errorf("kube: there is no kubeconfig %s", strings.Join(files, ", "))
	}
	cfg, err := k.config()
	if err != nil {
		return Config{}, fmt.Errorf("kube: kubeconfig %s: %w", strings.Join(files, ", "), err)
	}
	return cfg, nil
}

func (k *kubeconfig) add(text []byte, dir string) error {
	root, err := yamldoc.Parse(text, doc.Limits{})
	if err != nil {
		return err
	}
	if k.context == "" {
		k.context = textOf(root, "current-context")
	}
	for _, list := range [...]struct{ name, of string }{{"clusters", "cluster"}, {"users", "user"}, {"contexts", "context"}} {
		items := root.Field(list.name)
		if items == nil {
			continue
		}
		for _, item := range items.Items {
			key := list.name + "/" + textOf(item, "name")
			if _, have := k.entries[key]; !have {
				k.entries[key] = entry{item.Field(list.of), dir}
			}
		}
	}
	return nil
}

// config follows the current context to a cluster and a user.
func (k *kubeconfig) config() (cfg Config, err error) {
	if k.context == "" {
		return cfg, errors.New("it has no current-context; choose one with kubectl config use-context")
	}
	about, ok := k.entries["contexts/"+k.context]
	if !ok {
		return cfg, fmt.Errorf("its current-context %q is not among its contexts", k.context)
	}
	cluster, ok := k.entries["clusters/"+textOf(about.node, "cluster")]
	if !ok {
		return cfg, fmt.Errorf("context %q names the cluster %q, which is not among its clusters", k.context, textOf(about.node, "cluster"))
	}
	cfg.Server, cfg.Proxy = textOf(cluster.node, "server"), textOf(cluster.node, "proxy-url")
	cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: textOf(cluster.node, "tls-server-name")}
	cfg.TLS.InsecureSkipVerify = boolOf(cluster.node, "insecure-skip-tls-verify") // as the user wrote
	if ca, err := cluster.data("certificate-authority"); err != nil {
		return cfg, err
	} else if ca != nil {
		if cfg.TLS.RootCAs, err = poolOf(ca, "certificate-authority of cluster "+textOf(about.node, "cluster")); err != nil {
			return cfg, err
		}
	}
	name := textOf(about.node, "user")
	if name == "" {
		return cfg, nil
	}
	user, ok := k.entries["users/"+name]
	if !ok {
		return cfg, fmt.Errorf("context %q names the user %q, who is not among its users", k.context, name)
	}
	if err := user.credentials(&cfg); err != nil {
		return cfg, fmt.Errorf("user %q: %w", name, err)
	}
	return cfg, nil
}

func (e entry) credentials(cfg *Config) error {
	cert, err := e.data("client-certificate")
	if err != nil {
		return err
	}
	key, err := e.data("client-key")
	if err != nil {
		return err
	}
	if cert != nil || key != nil {
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return fmt.Errorf("client-certificate and client-key: %w", err)
		}
		cfg.TLS.Certificates = []tls.Certificate{pair}
	}
	switch run := e.node.Field("exec"); {
	case textOf(e.node, "token") != "":
		cfg.Auth = bearer(textOf(e.node, "token"))
	case textOf(e.node, "tokenFile") != "":
		cfg.Auth = &fileToken{path: e.path(textOf(e.node, "tokenFile"))}
	case textOf(e.node, "username") != "":
		cfg.Auth = basic(textOf(e.node, "username"), textOf(e.node, "password"))
	case run != nil:
		p := &plugin{command: textOf(run, "command"), apiVersion: textOf(run, "apiVersion")}
		if strings.ContainsRune(p.command, filepath.Separator) {
			p.command = e.path(p.command)
		}
		if args := run.Field("args"); args != nil {
			for _, a := range args.Items {
				p.args = append(p.args, a.Written())
			}
		}
		if env := run.Field("env"); env != nil {
			for _, v := range env.Items {
				p.env = append(p.env, textOf(v, "name")+"="+textOf(v, "value"))
			}
		}
		cfg.Auth = p
	case e.node.Field("auth-provider") != nil:
		return errors.New("auth-provider is not supported, by kubectl neither any more; use exec")
	}
	return nil
}

// data returns what stands under name-data, in base64, or in the file that name names; nil if there is neither.
func (e entry) data(name string) ([]byte, error) {
	if text := textOf(e.node, name+"-data"); text != "" {
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil {
			return nil, fmt.Errorf("%s-data: %w", name, err)
		}
		return data, nil
	}
	if file := textOf(e.node, name); file != "" {
		return os.ReadFile(e.path(file))
	}
	return nil, nil
}

func (e entry) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(e.dir, file)
}

// boolOf reports whether a field is there and true.
func boolOf(n *doc.Node, name string) bool {
	f := n.Field(name)
	return f != nil && f.Text == "true"
}

// textOf returns a scalar field as it is written: 0777 and yes are texts where a text is meant.
func textOf(n *doc.Node, name string) string {
	f := n.Field(name)
	if f == nil || f.Kind == doc.List || f.Kind == doc.Object || f.Kind == doc.Null {
		return ""
	}
	return f.Written()
}
