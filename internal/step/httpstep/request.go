package httpstep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"maestro/param"
)

// request is what a step wants to be sent: its param http, decoded and checked.
type request struct {
	method  string
	url     *url.URL
	headers *param.Texts
	body    *string
	follow  bool // redirects
	key     bool // an Idempotency-Key goes along

	text string // the URL as it was written, for the artifact
}

// decode reads the params of a step. An error means that the step cannot be run as it is written.
func decode(params *param.Params) (*request, error) {
	var entries *param.Values
	if params != nil {
		if p := params.Lookup("http"); p != nil {
			entries = p.Result.Values()
		}
	}
	if entries == nil {
		return nil, fmt.Errorf("param [http] must be a MAP with the entry url")
	}
	q := &request{method: http.MethodGet}
	var err error
	text := func(name string) (s string, ok bool) {
		v, ok := entries.Get(name)
		if ok && v.Type() != param.String {
			err, ok = fmt.Errorf("param [http.%s] must be a STRING, not a %s", name, v.Type()), false
		}
		return v.Str(), ok
	}
	flag := func(name string) bool {
		v, ok := entries.Get(name)
		if ok && v.Type() != param.Boolean {
			err = fmt.Errorf("param [http.%s] must be a BOOLEAN, not a %s", name, v.Type())
		}
		return ok && v.Boolean()
	}
	var given bool
	if q.text, given = text("url"); !given && err == nil {
		err = fmt.Errorf("param [http.url] is missing")
	}
	if m, ok := text("method"); ok {
		q.method = m
	}
	if b, ok := text("body"); ok {
		q.body = &b
	}
	if v, ok := entries.Get("headers"); ok {
		if q.headers = v.Texts(); v.Type() != param.StringMap {
			err = fmt.Errorf("param [http.headers] must be a STRING_MAP, not a %s", v.Type())
		}
	}
	q.follow, q.key = flag("follow_redirects"), flag("idempotency_key")
	if err != nil {
		return nil, err
	}
	return q, q.check()
}

func (q *request) check() error {
	switch {
	case !isToken(q.method):
		return fmt.Errorf("illegal method %q", q.method)
	case q.method == http.MethodConnect:
		return fmt.Errorf("method %q makes a tunnel, not a request", q.method)
	}
	if q.headers != nil {
		for name, value := range q.headers.All() {
			if !isToken(name) {
				return fmt.Errorf("illegal header name %q", name)
			}
			if i := strings.IndexFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }); i >= 0 {
				return fmt.Errorf("header %q has a control character at index %d of its value", name, i)
			}
			switch strings.ToLower(name) {
			case "host", "connection", "content-length", "expect", "upgrade", "transfer-encoding", "trailer":
				return fmt.Errorf("restricted header name: %q", name)
			}
		}
	}
	var err error
	q.url, err = parseURL(q.text)
	return err
}

// parseURL is url.Parse without its patience: what would reach the other side in a guessed form, or break the request
// line, is an error, as it is for the original.
func parseURL(text string) (*url.URL, error) {
	for i := range len(text) {
		c := text[i]
		if c <= ' ' || c == 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return nil, fmt.Errorf("Invalid URL: [%s]: illegal character at index %d", shown(text), i)
		}
		if c == '%' && (i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2])) {
			return nil, fmt.Errorf("Invalid URL: [%s]: malformed escape at index %d", shown(text), i)
		}
	}
	u, err := url.Parse(text)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the rest repeats the text, secrets and all
		}
		return nil, fmt.Errorf("Invalid URL: [%s]: %w", shown(text), err)
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("Invalid URL: [%s]: there is no port %s", shown(text), p)
		}
	}
	for i := range len(u.RawQuery) {
		if u.RawQuery[i] >= 0x80 { // a path is escaped by package url
			u.RawQuery = escapeHigh(u.RawQuery)
			break
		}
	}
	return u, nil
}

func escapeHigh(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if s[i] < 0x80 {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
	}
	return b.String()
}

// shown returns a URL for timelines: without password and query, which is where secrets are.
func shown(text string) string {
	text, query, has := strings.Cut(text, "?")
	if has && query != "" {
		text += "?…"
	}
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		host, path, _ := strings.Cut(rest, "/")
		if i := strings.LastIndexByte(host, '@'); i >= 0 {
			text = scheme + "://…@" + host[i+1:]
			if len(host) < len(rest) {
				text += "/" + path
			}
		}
	}
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}

// about names the request in messages.
func (q *request) about() string { return q.method + " " + shown(q.text) }

// build returns the request in the form in which it is sent.
func (q *request) build(ctx context.Context, uuid string) (*http.Request, error) {
	var body io.Reader
	if q.body != nil && *q.body != "" {
		body = strings.NewReader(*q.body)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, q.url.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "maestro")
	if q.headers != nil {
		for name, value := range q.headers.All() { // of two that differ in case only, the later one is the user's
			req.Header.Set(name, value)
		}
	}
	if q.key {
		req.Header.Set("Idempotency-Key", uuid)
	}
	if u := q.url.User; u != nil && req.Header.Get("Authorization") == "" {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	return req, nil
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c > '~' || strings.IndexByte("\"(),/:;<=>?@[\\]{}", c) >= 0 {
			return false
		}
	}
	return s != ""
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
