package httpstep

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"maestro/internal/step"
)

// encode returns data in a form that Content-Encoding names.
func encode(t testing.TB, coding string, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	case "bare deflate":
		w, _ = flate.NewWriter(&out, 9)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return out.Bytes()
}

// TestContentEncoding decodes answers, says what it does not decode, and refuses what is not what it says to be.
func TestContentEncoding(t *testing.T) {
	t.Parallel()
	text := []byte(`{"answer":"ja, große"}`)
	packed := encode(t, "gzip", text)
	for name, c := range map[string]struct {
		coding string
		body   []byte
		status int
		state  step.State
		body2  string // of the artifact
		says   string // in the timeline
	}{
		"gzip":              {"gzip", packed, 200, step.Done, string(text), ""},
		"in other letters":  {" GZip ", packed, 200, step.Done, string(text), ""},
		"x-gzip":            {"x-gzip", packed, 200, step.Done, string(text), ""},
		"deflate":           {"deflate", encode(t, "deflate", text), 200, step.Done, string(text), ""},
		"bare deflate":      {"deflate", encode(t, "bare deflate", text), 200, step.Done, string(text), ""},
		"identity":          {"identity", text, 200, step.Done, string(text), ""},
		"twice":             {"deflate, gzip", encode(t, "gzip", encode(t, "deflate", text)), 200, step.Done, string(text), ""},
		"an error":          {"gzip", packed, 404, step.FatalError, string(text), ""},
		"nothing":           {"gzip", nil, 200, step.Done, "", ""},
		"two members":       {"gzip", append(bytes.Clone(packed), packed...), 200, step.Done, string(text) + string(text), ""},
		"brotli":            {"br", []byte("\x0bbytes"), 200, step.Done, "\x0bbytes", "is encoded as br, which is not decoded"},
		"brotli below gzip": {"br, gzip", encode(t, "gzip", []byte("bytes")), 200, step.Done, "bytes", "is encoded as br, which is not decoded"},
		"five times":        {"gzip,gzip,gzip,gzip,gzip", bytes.Clone(five(t, text)), 200, step.Done, "", "is encoded as gzip, which is not decoded"},
		"not gzip":          {"gzip", text, 200, step.PlatformError, "", "the answer says that its body is encoded as gzip, but it cannot be decoded: gzip: invalid header"},
		"half of it":        {"gzip", packed[:len(packed)-9], 200, step.PlatformError, "", "as gzip, but it cannot be decoded: unexpected EOF"},
		"damaged":           {"gzip", append(packed[:len(packed)-8:len(packed)-8], 1, 2, 3, 4, 5, 6, 7, 8), 200, step.PlatformError, "", "gzip: invalid checksum"},
		"not deflate":       {"deflate", []byte("\xff\xff\xff\xff"), 200, step.PlatformError, "", "encoded as deflate, but it cannot be decoded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, asked := range []string{"", "gzip, br"} { // whether the step asks for it or not
				s := server(t, func(w http.ResponseWriter, r *http.Request) {
					if got := r.Header.Get("Accept-Encoding"); got != asked {
						t.Errorf("the request accepts %q, want %q", got, asked)
					}
					w.Header().Set("Content-Encoding", c.coding)
					w.WriteHeader(c.status)
					w.Write(c.body)
				})
				kv := []any{}
				if asked != "" {
					kv = []any{"headers", []string{"Accept-Encoding", asked}}
				}
				_, rep := run(t, open(t, Config{}), attempt(s.URL, kv...))
				line := fmt.Sprintf("%+v", rep.Timeline)
				if rep.State != c.state || !strings.Contains(line, c.says) || c.says == "" && strings.Contains(line, "decode") {
					t.Errorf("%s %s, want %s and %q", rep.State, line, c.state, c.says)
				}
				if c.body2 != "" {
					if got := bodyOf(t, rep); got != c.body2 {
						t.Errorf("body %q, want %q", got, c.body2)
					}
				}
			}
		})
	}
}

func five(t *testing.T, data []byte) []byte {
	for range 5 {
		data = encode(t, "gzip", data)
	}
	return data
}

// TestBombs stops decoding at the limit, wherever in a chain of codings it is exceeded, and stops reading then.
func TestBombs(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	zeros := make([]byte, 8<<20)
	bomb := encode(t, "gzip", zeros)
	empty := bytes.Repeat(encode(t, "gzip", nil), 1<<17) // members without a byte in them
	var sent atomic.Int64
	endless := func(c net.Conn) {
		hears(c)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
		piece := empty
		for {
			n, err := c.Write(piece)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	}
	coded := func(coding string, body []byte) string {
		return server(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", coding)
			w.Write(body)
		}).URL
	}
	rt := open(t, Config{MaxResponseBytes: limit})
	for name, url := range map[string]string{
		"8 MB of zeros":          coded("gzip", bomb),
		"in a bomb":              coded("gzip, gzip", encode(t, "gzip", bomb)),
		"empty members in gzip":  coded("gzip, gzip", encode(t, "gzip", empty)),
		"empty members for ever": raw(t, endless),
	} {
		_, rep := run(t, rt, attempt(url))
		if rep.State != step.FatalError || !strings.Contains(errorsOf(rep), "http.max_response_bytes") {
			t.Errorf("%s: %s %s", name, rep.State, errorsOf(rep))
		}
	}
	if n := sent.Load(); n > 64<<20 {
		t.Errorf("%d bytes of an endless answer were taken", n)
	}
	// What cannot be compressed may be as large as the limit all the same.
	noise := make([]byte, limit)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = 'a' + byte(x>>24)%26
	}
	stored := func() []byte {
		var out bytes.Buffer
		w, _ := gzip.NewWriterLevel(&out, gzip.NoCompression)
		w.Write(noise)
		w.Close()
		return out.Bytes()
	}()
	if _, rep := run(t, rt, attempt(coded("gzip", stored))); rep.State != step.Done || bodyOf(t, rep) != string(noise) {
		t.Errorf("stored: %s %s", rep.State, errorsOf(rep))
	}
}
