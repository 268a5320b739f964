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

// newTransport returns a transport whose connections lead only where the allow-list says.
func (rt *Runtime) newTransport() *http.Transport {
	idle := max(2, min(rt.cfg.MaxInFlight, 256))
	return &http.Transport{
		DialContext:            rt.dial,
		TLSClientConfig:        rt.cfg.TLS,
		TLSHandshakeTimeout:    rt.cfg.Timeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // bytes are what they are, also for the limit
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    min(idle, 64),
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         2 << 10,
		WriteBufferSize:        2 << 10,
	}
}

// dial connects to an address that may be called. It is the one way out: every address, also of a redirect and of a
// name that has just changed, is checked here when it is known and before a packet is sent to it.
func (rt *Runtime) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if !rt.begin() {
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

// exchange sends a request and reads the answer.
func (rt *Runtime) exchange(ctx context.Context, q *request, uuid string, p *progress) (*answer, *failure) {
	ctx, cancel := context.WithTimeoutCause(ctx, rt.cfg.Timeout, errSlow)
	defer cancel()
	begun := time.Now()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { p.at(connecting) },
		GotConn:      func(i httptrace.GotConnInfo) { p.peer = i.Conn.RemoteAddr().String(); p.at(sending) },
		WroteRequest: func(httptrace.WroteRequestInfo) { p.phase.CompareAndSwap(int32(sending), int32(awaiting)) },
	})
	req, err := q.build(ctx, uuid)
	if err != nil {
		return nil, fatal(err.Error())
	}
	resp, err := rt.send(q, req)
	if err != nil {
		return nil, rt.explain(ctx, err, q, p)
	}
	p.at(reading)
	defer resp.Body.Close()
	body, err := rt.body(req.Method, resp, p)
	if err != nil {
		return nil, rt.explain(ctx, err, q, p)
	}
	return &answer{status: int64(resp.StatusCode), body: body, took: time.Since(begun)}, nil
}

func (rt *Runtime) send(q *request, req *http.Request) (*http.Response, error) {
	if !q.follow {
		return rt.transport.RoundTrip(req)
	}
	client := http.Client{Transport: rt.transport, CheckRedirect: rt.redirect}
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
