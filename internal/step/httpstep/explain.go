package httpstep

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"syscall"

	"maestro/internal/step"
)

// failure is why there is no answer, in words for the user of the workflow.
type failure struct {
	state step.State
	lines []string // what happened; then what the system said, if that adds anything
}

func fatal(text string) *failure { return &failure{step.FatalError, []string{text}} }

// explain turns an error of an exchange into a failure. Most are the network's, which may be better next time.
func (rt *Runtime) explain(ctx context.Context, err error, q *request, p *progress) *failure {
	var refused *refusal
	var large *tooLarge
	var coded *undecodable
	switch {
	case errors.As(err, &refused):
		return fatal(refused.text)
	case errors.As(err, &large):
		return fatal(large.text)
	case errors.As(err, &coded) && ctx.Err() == nil:
		return &failure{step.PlatformError, []string{q.about() + ": " + coded.Error()}}
	case errors.Is(context.Cause(ctx), errSlow):
		return &failure{step.PlatformError, []string{fmt.Sprintf("%s: no complete answer within %s (http.timeout of the server), %s", q.about(), rt.cfg.Timeout, p)}}
	}
	var outer *url.Error // repeats the URL
	if errors.As(err, &outer) {
		err = outer.Err
	}
	f := &failure{step.PlatformError, []string{q.about() + ": " + reason(err, q, p)}}
	if said := clip(err.Error()); !strings.Contains(f.lines[0], said) {
		f.lines = append(f.lines, said)
	}
	return f
}

// reason says why there is no answer. Three errors of net/http have neither a value nor a type, only a text.
func reason(err error, q *request, p *progress) string {
	var (
		dns      *net.DNSError
		op       *net.OpError
		verify   *tls.CertificateVerificationError
		record   tls.RecordHeaderError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		mime     textproto.ProtocolError
		invalid  x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &dns):
		switch {
		case dns.IsNotFound:
			return fmt.Sprintf("the host name %q is not known", dns.Name)
		case dns.IsTimeout:
			return fmt.Sprintf("the host name %q was not resolved in time", dns.Name)
		}
		return fmt.Sprintf("the host name %q cannot be resolved", dns.Name)
	case errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Sprintf("%s does not speak TLS; does it want http:// instead of https://?", q.url.Host)
	case errors.As(err, &unknown):
		return fmt.Sprintf("the TLS certificate of %s is signed by an authority that this server does not know", q.url.Host)
	case errors.As(err, &hostname):
		return fmt.Sprintf("the TLS certificate of %s is for another host", q.url.Host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the TLS certificate of %s has expired or is not valid yet", q.url.Host)
	case errors.As(err, &verify):
		return fmt.Sprintf("the TLS certificate of %s is not valid", q.url.Host)
	case errors.As(err, &op) && op.Op == "dial":
		return dialReason(err, op)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		strings.Contains(err.Error(), "server closed"):
		if phase(p.phase.Load()) == reading {
			return fmt.Sprintf("the connection broke off %s", p)
		}
		return "the connection was closed without an answer, " + p.String()
	case errors.As(err, &mime), strings.Contains(err.Error(), "malformed HTTP"):
		return "what came back is not HTTP"
	case strings.Contains(err.Error(), "response headers exceeded"):
		return fmt.Sprintf("the headers of the answer exceed %d bytes", maxHeaderBytes)
	}
	return clip(err.Error()) + ", " + p.String()
}

func dialReason(err error, op *net.OpError) string {
	peer := "the host"
	if op.Addr != nil {
		peer = op.Addr.String()
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("connection refused by %s: nothing listens there", peer)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Sprintf("%s cannot be reached: there is no route to it", peer)
	case op.Timeout():
		return fmt.Sprintf("%s did not accept the connection in time", peer)
	}
	return "no connection to " + peer
}

// clip keeps what others wrote at a length for people.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
