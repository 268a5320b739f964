package httpstep

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxCodings is how many content codings of one answer are undone. More than one is rare.
const maxCodings = 4

// undecodable says that a body is not what its Content-Encoding says.
type undecodable struct {
	coding string
	err    error
}

func (e *undecodable) Error() string {
	return fmt.Sprintf("the answer says that its body is encoded as %s, but it cannot be decoded: %v", e.coding, e.err)
}

func (e *undecodable) Unwrap() error { return e.err }

// decodings returns how to undo a content coding, nil if it is not known here.
func decodings(coding string) func(*bufio.Reader) (io.Reader, error) {
	switch coding {
	case "gzip", "x-gzip":
		return func(in *bufio.Reader) (io.Reader, error) { return gzip.NewReader(in) }
	case "deflate":
		return inflate
	}
	return nil
}

// inflate undoes deflate, which is zlib by its definition (RFC 9110, 8.4.1.2) and bare for some servers.
func inflate(in *bufio.Reader) (io.Reader, error) {
	if head, _ := in.Peek(2); len(head) == 2 && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return zlib.NewReader(in)
	}
	return flate.NewReader(in), nil
}

// plain returns the body of an answer without its content codings, each within the limit of bytes. It undoes the last
// coding first and stops at one that it does not know; kept names those that are left.
func plain(h http.Header, body io.Reader, limit int64) (out io.Reader, kept string) {
	var codings []string
	for c := range strings.SplitSeq(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		if c = strings.ToLower(strings.TrimSpace(c)); c != "" && c != "identity" {
			codings = append(codings, c)
		}
	}
	for n := 0; n < maxCodings && len(codings) > 0; n++ {
		last := codings[len(codings)-1]
		open := decodings(last)
		if open == nil {
			break
		}
		in := &bounded{in: body, left: limit}
		body = &decoder{coding: last, raw: in, in: bufio.NewReaderSize(in, 4<<10), open: open}
		codings = codings[:len(codings)-1]
	}
	return body, clip(strings.Join(codings, ", "))
}

// decoder undoes one coding. It begins when it is read: a body without bytes has nothing to be decoded.
type decoder struct {
	coding string
	raw    *bounded
	in     *bufio.Reader
	open   func(*bufio.Reader) (io.Reader, error)
	out    io.Reader
}

// Read implements io.Reader.
func (d *decoder) Read(p []byte) (n int, err error) {
	if d.out == nil {
		if _, err := d.in.Peek(1); err != nil {
			return 0, err
		}
		if d.out, err = d.open(d.in); err != nil {
			return 0, d.failed(err)
		}
	}
	n, err = d.out.Read(p)
	return n, d.failed(err)
}

// failed tells what is wrong with the coding from what is wrong with the connection below it.
func (d *decoder) failed(err error) error {
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return err
	case d.raw.err != nil && !errors.Is(d.raw.err, io.EOF):
		return d.raw.err
	case errors.As(err, new(*undecodable)):
		return err
	}
	return &undecodable{d.coding, err}
}

// bounded reads at most so many bytes, and remembers why it could not go on.
type bounded struct {
	in   io.Reader
	left int64
	err  error
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.in.Read(p)
	if b.left -= int64(n); b.left < 0 {
		err = &tooLarge{"Http response content length is not between 0 and the limit (http.max_response_bytes of the server): its encoded form alone is larger"}
	}
	b.err = err
	return n, err
}
