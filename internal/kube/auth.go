package kube

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// fixed is an Authorization header that never changes.
type fixed string

func (f fixed) Header(context.Context, bool) (string, error) { return string(f), nil }

func bearer(token string) fixed { return fixed("Bearer " + token) }

func basic(user, password string) fixed {
	return fixed("Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

// fileToken is a token in a file that somebody renews.
type fileToken struct {
	path string

	mu     sync.Mutex
	token  string
	loaded time.Time
}

// reload is how old a token from a file may be. Nodes renew theirs when a fifth of its life is left, so a minute is
// early enough.
const reload = time.Minute

func (f *fileToken) Header(_ context.Context, fresh bool) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fresh || time.Since(f.loaded) > reload {
		token, err := f.read()
		if err != nil && f.token == "" {
			return "", err
		}
		if err == nil { // else the old one may still do
			f.token, f.loaded = token, time.Now()
		}
	}
	return "Bearer " + f.token, nil
}

func (f *fileToken) read() (string, error) {
	text, err := os.ReadFile(f.path)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("%s is empty", f.path)
	}
	return token, nil
}

// plugin is a program that prints a token, as those of the cloud providers do (client.authentication.k8s.io).
type plugin struct {
	command    string
	args       []string
	env        []string
	apiVersion string

	mu      sync.Mutex
	token   string
	expires time.Time // zero: never
}

const (
	pluginTime  = 30 * time.Second
	pluginEarly = time.Minute // before a token expires
)

func (p *plugin) Header(ctx context.Context, fresh bool) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fresh || p.token == "" || !p.expires.IsZero() && time.Until(p.expires) < pluginEarly {
		if err := p.run(ctx); err != nil {
			return "", err
		}
	}
	return "Bearer " + p.token, nil
}

func (p *plugin) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pluginTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.command, p.args...)
	info := fmt.Sprintf(`{"apiVersion":%q,"kind":"ExecCredential","spec":{"interactive":false}}`, p.apiVersion)
	cmd.Env = append(append(os.Environ(), p.env...), "KUBERNETES_EXEC_INFO="+info)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("credential plugin %s: %w: %s", p.command, err, oneLine(stderr.String()))
	}
	var got struct {
		Status struct {
			Token   string `json:"token"`
			Expires string `json:"expirationTimestamp"`
		} `json:"status"`
	}
	if err := json.Unmarshal(out, &got); err != nil {
		return fmt.Errorf("credential plugin %s: its output cannot be read: %w", p.command, err)
	}
	if got.Status.Token == "" {
		return errors.New("credential plugin " + p.command + " gave no token; plugins that give certificates are not supported")
	}
	p.token, p.expires = got.Status.Token, Time(got.Status.Expires)
	return nil
}
