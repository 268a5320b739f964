// Package webhook sends events to a URL.
//
// Each event is one POST with the event as JSON body, exactly as GET /api/v3/events gives it, and these headers:
//
//	Content-Type: application/json
//	Maestro-Event-Id: 12345.0            the same at every attempt; receivers drop what they have seen
//	Maestro-Event-Type: WORKFLOW_INSTANCE_STATUS_CHANGE_EVENT
//	Maestro-Workflow-Id: etl             percent-encoded where it is not plain ASCII
//	Maestro-Attempt: 1
//	Maestro-Signature: t=1700000000,v1=5257a869e7ec…
//
// The signature is there when a secret is configured: t is the time of the attempt in epoch seconds, v1 the hexadecimal
// HMAC-SHA256, by the secret, of t, a full stop and the body. A receiver computes it again, compares in constant time,
// and refuses times that are minutes away, so that nobody can send old events again (see Verify).
//
// Any 2xx answer takes the event. Everything else is tried again: 429 and 503 not before the time in Retry-After; a
// redirect is not followed, since the body would go elsewhere than configured; 400, 413, 415 and 422 refuse the event for
// what it is and are tried few times. Events come at least once and, within one workflow, in order.
package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"maestro/internal/event"
)

// Config says where events go.
type Config struct {
	URL      string
	Secret   string        // signs events; empty: they are not signed
	Timeout  time.Duration // of one attempt, from connecting to the last byte of the answer; default 10 s
	Parallel int           // connections; default 8
	Version  string        // of this program, in User-Agent
}

// Sink is a webhook. It is safe for concurrent use.
type Sink struct {
	cfg    Config
	client *http.Client
}

var _ event.Sink = (*Sink)(nil)

// New returns a sink. An error says that the URL cannot be used.
func New(cfg Config) (*Sink, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("webhook URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("webhook URL %q does not begin with http:// or https:// and a host", u.Redacted())
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Parallel == 0 {
		cfg.Parallel = 8
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.MaxConnsPerHost = cfg.Parallel, 2*cfg.Parallel
	transport.MaxResponseHeaderBytes = 64 << 10
	return &Sink{cfg: cfg, client: &http.Client{
		Transport: transport, Timeout: cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Name implements event.Sink.
func (s *Sink) Name() string { return "webhook" }

// Close closes connections that are not in use.
func (s *Sink) Close() { s.client.CloseIdleConnections() }

// Send implements event.Sink.
func (s *Sink) Send(ctx context.Context, e *event.Event, attempt int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.URL, bytes.NewReader(e.Data))
	if err != nil {
		return err
	}
	h := req.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "maestro/"+strings.Join(strings.Fields(s.cfg.Version), "-"))
	h.Set("Maestro-Event-Id", e.Cursor.String())
	h.Set("Maestro-Event-Type", e.Type)
	h.Set("Maestro-Workflow-Id", url.PathEscape(e.Workflow))
	h.Set("Maestro-Attempt", strconv.Itoa(attempt))
	if s.cfg.Secret != "" {
		h.Set(SignatureHeader, Sign(s.cfg.Secret, time.Now(), e.Data))
	}
	resp, err := s.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) { // it repeats the URL, which may hold a password
			err = u.Err
		}
		return fmt.Errorf("no answer: %w", err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if resp.StatusCode/100 == 2 {
		return nil // it has the event, whatever became of the rest of its answer
	}
	return refusal(resp, text)
}

// answerLimit is how much of an answer is read; a connection with more to come is not used again.
const answerLimit = 16 << 10

// refusal says why an event was not taken.
func refusal(resp *http.Response, text []byte) error {
	e := &event.SendError{Err: fmt.Errorf("answered %s%s", resp.Status, excerpt(text))}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		e.After = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		e.Refused = true
	}
	if to := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && to != "" {
		e.Err = fmt.Errorf("answered %s to %.200q, which is not followed: set events.webhook.url to where events should go", resp.Status, to)
	}
	return e
}

// retryAfter reads the header: seconds, or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32); err == nil {
		return max(0, time.Duration(n)*time.Second)
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// excerpt returns the beginning of an answer in one line.
func excerpt(text []byte) string {
	s := strings.Join(strings.Fields(strings.ToValidUTF8(string(text), "?")), " ")
	if s == "" {
		return ""
	}
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return ": " + s
}
