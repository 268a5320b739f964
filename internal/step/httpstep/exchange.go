package httpstep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	"maestro/internal/step"
)

// answer is the outcome of an exchange in which there was one.
type answer struct {
	status int64
	body   string
	took   time.Duration
}

// tooLarge says that an answer exceeds Config.MaxResponseBytes.
type tooLarge struct{ text string }

func (e *tooLarge) Error() string { return e.text }

var errSlow = errors.New("the exchange takes too long")

// phase is how far an exchange has come.
type phase int32

const (
	connecting phase = iota
	sending
	awaiting
	reading
)

// progress remembers how far an exchange has come, for the message if it comes no further.
type progress struct {
	phase atomic.Int32
	peer  string
	read  int
}

func (p *progress) at(ph phase) { p.phase.Store(int32(ph)) }

// connected says that the request is on its way over c.
func (p *progress) connected(c net.Conn) {
	p.peer = c.RemoteAddr().String()
	p.at(sending)
}

// progressOf returns the progress that a context carries.
func progressOf(ctx context.Context) *progress {
	if p, ok := ctx.Value(progressKey{}).(*progress); ok {
		return p
	}
	return new(progress)
}

type progressKey struct{}

func (p *progress) String() string {
	switch phase(p.phase.Load()) {
	case connecting:
		return "while connecting"
	case sending:
		return "while sending the request to " + p.peer
	case awaiting:
		return "while waiting for the answer of " + p.peer
	}
	return fmt.Sprintf("after %d bytes of the answer's body from %s", p.read, p.peer)
}

// dial connects to an address that may be called. It is the one way out: every address, also of a redirect and of a
// name that has just changed, is checked here when it is known and before a packet is sent to it.
func (rt *Runtime) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if !rt.enter() {
		return nil, context.Canceled
	}
	defer rt.wg.Done()
	ctx, cancel := context.WithTimeout(ctx, rt.cfg.Timeout)
	defer cancel()
	defer context.AfterFunc(rt.ctx, cancel)() // a dial may outlive the request that asked for it
	d := net.Dialer{
		Resolver: rt.cfg.Resolver,
		ControlContext: func(_ context.Context, _, dialled string, _ syscall.RawConn) error {
			peer, _, err := net.SplitHostPort(dialled)
			if err != nil {
				return err
			}
			ip, ok := plainAddr(peer)
			if !ok {
				return refuse("URL host [%s] is not allowed: it leads to %q, which is no address", host, peer)
			}
			return rt.allowed.address(host, port, ip)
		},
	}
	return d.DialContext(ctx, network, address)
}

// flight is an exchange that is under way. What can be read from the attempt once more is not kept.
type flight struct {
	a     *step.Attempt
	ctx   context.Context // ends with the time that an exchange may take
	begun time.Time
	p     progress
	sent  *pending // nil: not yet, or somebody else waits for the answer
}

// depart sends the request of an attempt, if it is of the kind whose answer can be waited for apart from that. Otherwise it
// does nothing, and arrive does it all.
func (rt *Runtime) depart(f *flight, q *request) error {
	if q.follow || !rt.sender.wire.takes(q.url, q.size()) {
		return nil
	}
	ctx := context.WithValue(f.ctx, progressKey{}, &f.p)
	uuid := f.a.UUID
	var err error
	f.sent, err = rt.sender.wire.send(ctx, func() (*http.Request, error) { return q.build(ctx, uuid) })
	return err
}

// arrive reads the answer to a request that was sent, or sends it first.
func (rt *Runtime) arrive(f *flight, q *request) (*answer, error) {
	resp, err := rt.respond(f, q)
	if err != nil {
		return nil, err
	}
	f.p.at(reading)
	defer resp.Body.Close()
	body, err := rt.body(q.method, resp, &f.p)
	if err != nil {
		return nil, err
	}
	return &answer{status: int64(resp.StatusCode), body: body, took: time.Since(f.begun)}, nil
}

func (rt *Runtime) respond(f *flight, q *request) (*http.Response, error) {
	if f.sent != nil {
		return f.sent.answer()
	}
	req, err := q.build(httptrace.WithClientTrace(context.WithValue(f.ctx, progressKey{}, &f.p), &httptrace.ClientTrace{
		GetConn:      func(string) { f.p.at(connecting) },
		GotConn:      func(i httptrace.GotConnInfo) { f.p.connected(i.Conn) },
		WroteRequest: func(httptrace.WroteRequestInfo) { f.p.phase.CompareAndSwap(int32(sending), int32(awaiting)) },
	}), f.a.UUID)
	if err != nil {
		return nil, err
	}
	if !q.follow {
		return rt.sender.RoundTrip(req)
	}
	client := http.Client{Transport: rt.sender, CheckRedirect: rt.redirect}
	return client.Do(req)
}

// redirect lets a request follow where it is sent, within the allow-list. What the step's headers say is meant for the
// host of its URL, so another host does not hear it.
func (rt *Runtime) redirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return refuse("it was redirected %d times, the last time to %s", maxRedirects, shown(req.URL.String()))
	}
	req.Header.Del("Referer")
	first := via[0].URL
	if req.URL.Scheme != first.Scheme || !strings.EqualFold(req.URL.Host, first.Host) {
		for name := range req.Header {
			switch name {
			case "Accept", "Accept-Language", "Content-Type", "User-Agent":
			default:
				req.Header.Del(name)
			}
		}
	}
	if err := rt.allowed.url(req.URL); err != nil {
		return refuse("it was redirected to %s: %s", shown(req.URL.String()), err)
	}
	return nil
}

// body reads the body of an answer, within the limit.
func (rt *Runtime) body(method string, resp *http.Response, p *progress) (string, error) {
	limit := rt.cfg.MaxResponseBytes
	if resp.StatusCode == http.StatusSwitchingProtocols || method == http.MethodHead {
		return "", nil
	}
	if resp.ContentLength > limit {
		return "", &tooLarge{fmt.Sprintf("Http response content length [%d] is not between 0 and %d (http.max_response_bytes of the server)", resp.ContentLength, limit)}
	}
	buf := make([]byte, 0, max(resp.ContentLength+1, 512))
	for {
		n, err := resp.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		p.read = len(buf)
		switch {
		case int64(len(buf)) > limit:
			return "", &tooLarge{fmt.Sprintf("Http response content length is not between 0 and %d (http.max_response_bytes of the server): more was read", limit)}
		case err == io.EOF:
			return validUTF8(buf), nil
		case err != nil:
			return "", err
		case len(buf) == cap(buf):
			grown := make([]byte, len(buf), min(2*int64(cap(buf)), limit+1))
			copy(grown, buf)
			buf = grown
		}
	}
}

// validUTF8 returns text in which every byte that is no UTF-8 is replaced, as the original replaces it.
func validUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		out.WriteRune(r)
		b = b[n:]
	}
	return out.String()
}
