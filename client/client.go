package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client talks to one server. Make it with New.
type Client struct {
	base      string
	user      string
	agent     string
	http      *http.Client
	timeout   time.Duration
	reconnect backoff
}

// Option changes how a Client works.
type Option func(*Client)

// WithUser names the caller. The server wants a name with everything that changes something, and writes it down.
func WithUser(name string) Option { return func(c *Client) { c.user = name } }

// WithHTTPClient replaces the HTTP client, for example to add credentials or to trust a certificate. It should have no
// Timeout of its own, which would cut off streams; see WithTimeout.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithTimeout bounds each call that is not a stream; the default is 30 seconds. Zero means that only the context of
// the call bounds it.
func WithTimeout(d time.Duration) Option { return func(c *Client) { c.timeout = d } }

// WithUserAgent replaces the User-Agent header, so that a server's operator can tell programs apart.
func WithUserAgent(agent string) Option { return func(c *Client) { c.agent = agent } }

// WithReconnect sets how long Watch goes on trying after it has lost its connection, one minute by default, and the
// first and longest wait between two attempts.
func WithReconnect(giveUp, first, longest time.Duration) Option {
	return func(c *Client) { c.reconnect = backoff{giveUp: giveUp, first: first, longest: longest} }
}

// New returns a client of the server at baseURL, such as "http://127.0.0.1:8080". It does not connect.
func New(baseURL string, options ...Option) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("client: server address %q must be a URL such as http://127.0.0.1:8080", baseURL)
	}
	c := &Client{
		base:      strings.TrimRight(baseURL, "/"),
		agent:     "maestro-go",
		http:      &http.Client{},
		timeout:   30 * time.Second,
		reconnect: backoff{giveUp: time.Minute, first: 100 * time.Millisecond, longest: 5 * time.Second},
	}
	for _, o := range options {
		o(c)
	}
	return c, nil
}

// BaseURL returns the address the client was made with, without a trailing slash.
func (c *Client) BaseURL() string { return c.base }

// Document is part of everything a server answers with: the JSON text as it came, whole.
type Document struct {
	JSON json.RawMessage `json:"-"`
}

func (d *Document) keep(text json.RawMessage) { d.JSON = text }

// document is a pointer to a T that keeps the text it was read from.
type document[T any] interface {
	*T
	keep(text json.RawMessage)
}

// request is one call: what is asked of which path.
type request struct {
	method string
	path   string
	query  url.Values
	kind   Format // of body
	body   []byte
}

func get(path string, query url.Values) request {
	return request{method: http.MethodGet, path: path, query: query}
}

func put(path string) request { return request{method: http.MethodPut, path: path} }

// post is a request with body as JSON.
func post(path string, body any) (request, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return request{}, fmt.Errorf("client: encode the body of %s: %w", path, err)
	}
	return request{method: http.MethodPost, path: path, kind: JSON, body: text}, nil
}

// call sends r and reads the answer into a T.
func call[T any, P document[T]](ctx context.Context, c *Client, r request) (*T, error) {
	text, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	return decode[T, P](r, text)
}

// postCall is call for a request with a JSON body.
func postCall[T any, P document[T]](ctx context.Context, c *Client, path string, body any) (*T, error) {
	r, err := post(path, body)
	if err != nil {
		return nil, err
	}
	return call[T, P](ctx, c, r)
}

func decode[T any, P document[T]](r request, text json.RawMessage) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(text, v); err != nil {
		return nil, fmt.Errorf("client: read the answer to %s %s: %w", r.method, r.path, err)
	}
	P(v).keep(text)
	return v, nil
}

// do sends r and returns the body of a successful answer.
func (c *Client) do(ctx context.Context, r request) (json.RawMessage, error) {
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	resp, err := c.send(ctx, r, "application/json")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("client: read the answer to %s %s: %w", r.method, r.path, err)
	}
	return text, nil
}

// send sends r and returns the response when it is a success; the caller closes its body. Anything else is an error:
// *Error when the server answered, *UnreachableError when it did not.
func (c *Client) send(ctx context.Context, r request, accept string, header ...string) (*http.Response, error) {
	target := c.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", c.agent)
	if c.user != "" {
		req.Header.Set("User", c.user)
	}
	if r.kind != "" {
		req.Header.Set("Content-Type", string(r.kind))
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.transportError(ctx, err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // what arrived is all there is to say
	return nil, responseError(resp, text)
}

// transportError says why there is no response. A caller that gave up is not the server's fault.
func (c *Client) transportError(ctx context.Context, err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	return &UnreachableError{URL: c.base, Err: err}
}

// path joins segments below the API's root, escaping each.
func path(segments ...string) string {
	var b strings.Builder
	b.WriteString("/api/v3")
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
