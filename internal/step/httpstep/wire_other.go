//go:build !unix

package httpstep

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// wire takes nothing where there is no way to wait for an answer without a buffer: http.Transport does it all.
type wire struct{}

type pending struct{}

func (*wire) send(context.Context, func() (*http.Request, error)) (*pending, error) {
	return nil, errors.ErrUnsupported
}

func (*pending) await() {}

func (*pending) answer() (*http.Response, error) { return nil, errors.ErrUnsupported }

func newWire(*Runtime, int) *wire { return &wire{} }

func (*wire) takes(*url.URL, int64) bool { return false }

// RoundTrip implements http.RoundTripper.
func (*wire) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.ErrUnsupported }

// CloseIdleConnections closes nothing.
func (*wire) CloseIdleConnections() {}
