package kube

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config is the way to a cluster. [Find] makes one.
type Config struct {
	Server string      // URL of the API server
	TLS    *tls.Config // nil: the system's certificates
	Proxy  string      // URL; empty: as the environment says
	Auth   Auth        // nil: none
}

// Auth adds credentials to requests.
type Auth interface {
	// Header returns the value of the Authorization header; an empty one adds none. fresh says that the last one was
	// refused, so a cached one will not do.
	Header(ctx context.Context, fresh bool) (string, error)
}

// Client talks to one API server.
type Client struct {
	base *url.URL
	auth Auth
	http *http.Client
	idle func()
}

const (
	requestTime = 30 * time.Second // of a request with a short answer, and until the first byte of a long one
	maxAnswer   = 16 << 20         // of one object
	maxPage     = 256 << 20        // of one page of a list
)

// New returns a client. It does not connect. Close must be called.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(cfg.Server, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("kube: %q is not the URL of an API server", cfg.Server)
	}
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       cfg.TLS,
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		// A watch is silent most of the time: only a ping tells silence from a dead connection.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
	if cfg.Proxy != "" {
		proxy, err := url.Parse(cfg.Proxy)
		if err != nil {
			return nil, fmt.Errorf("kube: proxy %q: %w", cfg.Proxy, err)
		}
		t.Proxy = http.ProxyURL(proxy)
	}
	return &Client{
		base: base, auth: cfg.Auth, idle: t.CloseIdleConnections,
		http: &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// Close lets go of idle connections. Requests under way end with their contexts.
func (c *Client) Close() { c.idle() }

// Server returns the URL of the API server, for messages.
func (c *Client) Server() string { return c.base.Redacted() }

// do sends a request with a short answer and decodes it into out, if there is one.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	resp, err := c.send(ctx, method, path, query, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		_, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // for the connection's next use
		return err
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("%s %s: the answer cannot be read: %w", method, plainURL(resp), err)
	}
	return nil
}

// send sends a request, and returns the answer if it is a good one.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, in any) (*http.Response, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	resp, err := c.once(ctx, method, path, query, body, false)
	if err == nil && resp.StatusCode == http.StatusUnauthorized && c.auth != nil { // tokens expire and rotate
		resp.Body.Close()
		resp, err = c.once(ctx, method, path, query, body, true)
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer resp.Body.Close()
		return nil, errorOf(resp)
	}
	return resp, nil
}

func (c *Client) once(ctx context.Context, method, path string, query url.Values, body []byte, fresh bool) (*http.Response, error) {
	u := c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "maestro")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.auth != nil {
		header, err := c.auth.Header(ctx, fresh)
		if err != nil {
			return nil, fmt.Errorf("credentials for %s: %w", c.Server(), err)
		}
		if header != "" {
			req.Header.Set("Authorization", header)
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err // it names method and URL
	}
	return resp, nil
}
