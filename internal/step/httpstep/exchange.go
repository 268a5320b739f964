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
	kept   string // content codings that were not undone, as in a header; "" for none
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

// trace keeps p up to date while a request is sent.
func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { p.at(connecting) },
		GotConn: func(i httptrace.GotConnInfo) {
			p.peer = i.Conn.RemoteAddr().String()
			p.at(sending)
		},
		WroteRequest: func(httptrace.WroteRequestInfo) { p.phase.CompareAndSwap(int32(sending), int32(awaiting)) },
	}
}

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

// flight is a request that is under way.
type flight struct {
	a      *step.Attempt
	req    *http.Request
	follow bool // redirects
	begun  time.Time
	p      progress
}

func (rt *Runtime) send(f *flight) (*http.Response, error) {
	if !f.follow {
		return rt.transport.RoundTrip(f.req)
	}
	client := http.Client{Transport: rt.transport, CheckRedirect: rt.redirect}
	return client.Do(f.req)
}

// read reads the answer to a request. It takes over what send returned.
func (rt *Runtime) read(f *flight, resp *http.Response, err error) (*answer, error) {
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	f.p.at(reading)
	body, kept, err := rt.body(f.req.Method, resp, &f.p)
	if err != nil {
		return nil, err
	}
	return &answer{status: int64(resp.StatusCode), body: body, kept: kept, took: time.Since(f.begun)}, nil
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

// body reads the body of an answer and undoes its content codings, both within the limit. Kept names those that it does
// not know.
func (rt *Runtime) body(method string, resp *http.Response, p *progress) (text, kept string, err error) {
	limit := rt.cfg.MaxResponseBytes
	if resp.StatusCode == http.StatusSwitchingProtocols || method == http.MethodHead {
		return "", "", nil
	}
	if resp.ContentLength > encodedLimit(limit) || resp.ContentLength > limit && resp.Header.Get("Content-Encoding") == "" {
		return "", "", &tooLarge{fmt.Sprintf("Http response content length [%d] is not between 0 and %d (http.max_response_bytes of the server)", resp.ContentLength, limit)}
	}
	in, kept := plain(resp.Header, &counted{resp.Body, p}, encodedLimit(limit))
	buf := make([]byte, 0, max(min(resp.ContentLength, limit)+1, 512))
	for {
		n, err := in.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return "", "", &tooLarge{fmt.Sprintf("Http response content length is not between 0 and %d (http.max_response_bytes of the server): more was read", limit)}
		case err == io.EOF:
			if len(buf) == 0 {
				kept = ""
			}
			return validUTF8(buf), kept, nil
		case err != nil:
			return "", "", err
		case len(buf) == cap(buf):
			grown := make([]byte, len(buf), min(2*int64(cap(buf)), limit+1))
			copy(grown, buf)
			buf = grown
		}
	}
}

// encodedLimit is how large a body may be before it is decoded: what cannot be compressed becomes a little larger.
func encodedLimit(limit int64) int64 { return limit + limit/64 + 1024 }

// counted keeps p up to date while a body is read.
type counted struct {
	in io.Reader
	p  *progress
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.p.read += n
	return n, err
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
