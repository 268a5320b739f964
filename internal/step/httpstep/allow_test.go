package httpstep

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"maestro/internal/step"
)

func TestAllowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		allow string // space separated
		host  string // of the URL, with port
		ip    string // it leads to; "" means that the host is the address
		want  bool
	}{
		// nothing, everything
		{"", "example.com", "93.184.216.34", false},
		{"", "127.0.0.1", "", false},
		{"*", "example.com", "93.184.216.34", true},
		{"*", "93.184.216.34", "", true},
		{"*", "[2606:2800:220:1::1]", "", true},
		{"*:443", "example.com:443", "93.184.216.34", true},
		{"*:443", "example.com:80", "93.184.216.34", false},

		// * and patterns do not lead inside
		{"*", "127.0.0.1", "", false},
		{"*", "localhost", "127.0.0.1", false},
		{"*", "localhost", "::1", false},
		{"*", "evil.example", "10.0.0.1", false},
		{"*", "evil.example", "169.254.169.254", false},
		{"*", "evil.example", "::ffff:127.0.0.1", false},
		{"*", "[::ffff:127.0.0.1]", "", false},
		{"*", "[::1]", "", false},
		{"*", "[fe80::1%25eth0]", "", false},
		{"*", "[fd12:3456::1]", "", false},
		{"*", "evil.example", "fd12:3456::1", false},
		{"*", "0.0.0.0", "", false},
		{"*", "[::]", "", false},
		{"*", "10.1.2.3", "", false},
		{"*", "172.16.0.1", "", false},
		{"*", "172.32.0.1", "", true},
		{"*", "192.168.0.1", "", false},
		{"*", "100.64.0.1", "", false},
		{"*", "224.0.0.1", "", false},
		{"*", "255.255.255.255", "", false},
		{"*", "168.63.129.16", "", false},
		{"*", "[64:ff9b::7f00:1]", "", false},   // NAT64 of 127.0.0.1
		{"*", "[64:ff9b::808:808]", "", true},   // NAT64 of 8.8.8.8
		{"*", "[2002:7f00:1::1]", "", false},    // 6to4 of 127.0.0.1
		{"*", "[::127.0.0.1]", "", false},       // IPv4-compatible
		{"*", "[2001:0:1::1]", "", false},       // Teredo
		{"*", "2130706433", "127.0.0.1", false}, // decimal, as some resolvers take it
		{"*", "0x7f.1", "127.0.0.1", false},
		{"*", "127.1", "127.0.0.1", false},
		{"*.example.com", "a.example.com", "10.0.0.1", false},

		// names
		{"example.com", "example.com", "93.184.216.34", true},
		{"Example.COM", "EXAMPLE.com.", "93.184.216.34", true},
		{"example.com", "a.example.com", "93.184.216.34", false},
		{"example.com", "notexample.com", "93.184.216.34", false},
		{"example.com:8080", "example.com:8080", "93.184.216.34", true},
		{"example.com:8080", "example.com", "93.184.216.34", false},
		{"*.example.com", "a.b.example.com", "93.184.216.34", true},
		{"*.example.com", "example.com", "93.184.216.34", false},
		{"*.example.com", "evilexample.com", "93.184.216.34", false},
		{"*.1", "127.0.0.1", "", false},

		// a name listed in full leads to the operator's network, and no further
		{"ingest.svc", "ingest.svc", "10.0.0.1", true},
		{"ingest.svc", "ingest.svc", "fd12:3456::1", true},
		{"ingest.svc", "ingest.svc", "127.0.0.1", false},
		{"ingest.svc", "ingest.svc", "169.254.169.254", false},
		{"ingest.svc", "ingest.svc", "fd00:ec2::254", false},
		{"ingest.svc", "ingest.svc", "100.100.100.200", false},
		{"localhost", "localhost", "127.0.0.1", true},
		{"localhost", "localhost", "::1", true},
		{"localhost", "localhost", "::ffff:127.0.0.1", true},
		{"app.localhost", "app.localhost", "127.0.0.1", true},

		// addresses stand for themselves, and let listed names lead to them
		{"127.0.0.1", "127.0.0.1", "", true},
		{"127.0.0.1", "127.0.0.2", "", false},
		{"127.0.0.1", "[::ffff:127.0.0.1]", "", true},
		{"::ffff:127.0.0.1", "127.0.0.1", "", true},
		{"127.0.0.1", "localhost", "127.0.0.1", false},
		{"127.0.0.1 *", "evil.example", "127.0.0.1", true},
		{"127.0.0.1:80 *", "evil.example:81", "127.0.0.1", false},
		{"127.0.0.1:8080", "127.0.0.1:8080", "", true},
		{"127.0.0.1:8080", "127.0.0.1:80", "", false},
		{"::1", "[::1]", "", true},
		{"[::1]:8080", "[::1]:8080", "", true},
		{"[::1]:8080", "[::1]:80", "", false},
		{"::1", "[0:0::1]", "", true},

		// networks count for whatever leads into them
		{"10.0.0.0/8", "10.9.8.7", "", true},
		{"10.0.0.0/8", "11.9.8.7", "", false},
		{"10.0.0.0/8", "ingest.svc", "10.9.8.7", true},
		{"10.0.0.0/8", "ingest.svc", "93.184.216.34", false},
		{"10.0.0.0/8 *.svc", "ingest.svc", "10.9.8.7", true},
		{"::ffff:10.0.0.0/104", "10.9.8.7", "", true},
		{"fd00::/8", "[fd12::1]", "", true},
		{"0.0.0.0/0", "127.0.0.1", "", true},
		{"0.0.0.0/0", "[::1]", "", false},
	} {
		l, err := parseAllowed(strings.Fields(c.allow))
		if err != nil {
			t.Errorf("%q: %v", c.allow, err)
			continue
		}
		if got := permits(t, l, "http://"+c.host+"/x", c.ip); got != c.want {
			t.Errorf("allow %q: http://%s leading to %q: %v, want %v", c.allow, c.host, c.ip, got, c.want)
		}
	}
}

// permits asks as a request does: for the URL, then for the address.
func permits(t *testing.T, l *allowed, text, ip string) bool {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if l.url(u) != nil {
		return false
	}
	if ip == "" {
		ip = u.Hostname()
	}
	return l.address(u.Hostname(), portOf(u), netip.MustParseAddr(ip)) == nil
}

func TestBadEntries(t *testing.T) {
	t.Parallel()
	for _, e := range []string{"", "a/b", "10.0.0.0/33", "http://x", "a b", "a:b", "a:0", "a:70000", "*x", "a.*", "**", "user@host", "x[1]"} {
		if l, err := parseAllowed([]string{e}); err == nil {
			t.Errorf("%q is taken as %+v", e, l)
		}
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	l, _ := parseAllowed([]string{"*", "0.0.0.0/0"})
	for text, want := range map[string]string{
		"http://example.com/a%20b?x=1&y=%C3%A9#f": "",
		"HTTP://EXAMPLE.com":                      "",
		"http://example.com/ä?ä=ö":                "",
		"ftp://example.com":                       "URL scheme [ftp] is not allowed",
		"file:///etc/passwd":                      "URL scheme [file] is not allowed",
		"example.com/x":                           "URL scheme [] is not allowed",
		"http:example.com":                        "URL host [null] is not allowed",
		"http:///x":                               "URL host [null] is not allowed",
		"http://:80/x":                            "URL host [null] is not allowed",
		"no url at all://":                        "illegal character at index 2",
		"http://example.com/a b":                  "illegal character at index 20",
		"http://example.com/?a=b c":               "illegal character",
		"http://example.com/\r\nHost:%20x":        "illegal character",
		"http://example.com/%zz":                  "malformed escape at index 19",
		"http://example.com/?a=%4":                "malformed escape",
		"http://example.com:99999/":               "there is no port 99999",
		"http://example.com:x/":                   "Invalid URL",
		"http://bücher.example/":                  "write a host name with letters",
		"http://[::1":                             "Invalid URL",
		"http://user:geheim@exa mple/?q=geheim":   "illegal character",
		"http://user:geheim@[::1/?q=geheim":       "Invalid URL",
		"":                                        "URL scheme [] is not allowed",
	} {
		u, err := parseURL(text)
		if err == nil {
			err = l.url(u)
		}
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %q", text, err, want)
		case err != nil && strings.Contains(err.Error(), "geheim"):
			t.Errorf("a secret in %q", err)
		}
	}
	u, _ := parseURL("http://x/ä b")
	if u != nil {
		t.Error("a space is taken")
	}
	if u, _ = parseURL("http://x/ä?ö=ü"); u.RequestURI() != "/%C3%A4?%C3%B6=%C3%BC" {
		t.Errorf("sent as %q", u.RequestURI())
	}
}

// nameServer answers every question about an A record with the address that lookup gives for the n-th one.
func nameServer(t *testing.T, lookup func(name string, n int64) netip.Addr) *net.Resolver {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	var asked atomic.Int64
	go func() {
		buf := make([]byte, 512)
		for {
			n, peer, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			var labels []string
			i := 12
			for buf[i] != 0 {
				labels = append(labels, string(buf[i+1:i+1+int(buf[i])]))
				i += 1 + int(buf[i])
			}
			kind := binary.BigEndian.Uint16(buf[i+1:])
			end := i + 5
			out := append([]byte{}, buf[:end]...)
			_ = n
			copy(out[2:], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
			if kind == 1 {
				if ip := lookup(strings.Join(labels, "."), asked.Add(1)); ip.IsValid() {
					out[7] = 1
					out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
					a := ip.As4()
					out = append(out, a[:]...)
				}
			}
			c.WriteTo(out, peer)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
}

// TestNamesThatLeadInside resolves names to this machine: only what is listed as such gets there.
func TestNamesThatLeadInside(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	s := server(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	resolver := nameServer(t, func(string, int64) netip.Addr { return netip.MustParseAddr("127.0.0.1") })
	for _, c := range []struct {
		allow []string
		host  string
		want  string
	}{
		{[]string{"*"}, "evil.example", "it leads to 127.0.0.1, an address of the server itself"},
		{[]string{"*.example"}, "evil.example", "it leads to 127.0.0.1"},
		{[]string{"evil.example"}, "evil.example", "it leads to 127.0.0.1"},
		{[]string{"10.0.0.0/8"}, "evil.example", "evil.example:" + port + " is not in http.allow"},
		{[]string{"evil.example", "127.0.0.1"}, "evil.example", ""},
		{[]string{"127.0.0.0/8"}, "evil.example", ""},
	} {
		rt := open(t, Config{Allow: c.allow, Resolver: resolver})
		before := requests.Load()
		_, rep := run(t, rt, attempt("http://"+c.host+":"+port))
		switch {
		case c.want == "" && rep.State != step.Done:
			t.Errorf("allow %q, %s: %+v", c.allow, c.host, rep)
		case c.want != "" && (rep.State != step.FatalError || !strings.Contains(errorsOf(rep), c.want) || requests.Load() != before):
			t.Errorf("allow %q, %s: %+v, want a refusal with %q", c.allow, c.host, rep, c.want)
		}
	}
}

// TestNoLookupWhenRefused asks nobody about a name that is not listed: a name server hears every question.
func TestNoLookupWhenRefused(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	resolver := nameServer(t, func(string, int64) netip.Addr { asked.Add(1); return netip.Addr{} })
	rt := open(t, Config{Allow: []string{"good.example", "127.0.0.1"}, Resolver: resolver})
	if _, rep := run(t, rt, attempt("http://secret.evil.example/")); rep.State != step.FatalError || !strings.Contains(errorsOf(rep), "secret.evil.example:80 is not in http.allow") {
		t.Errorf("%+v", rep)
	}
	if asked.Load() != 0 {
		t.Error("a name server was asked")
	}
}

// TestOddNumbers writes an address of this machine as only some resolvers understand it. None gets there.
func TestOddNumbers(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	s := server(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	rt := open(t, Config{Allow: []string{"*"}})
	for _, host := range []string{"2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "[::ffff:7f00:1]", "[::ffff:127.0.0.1]", "0"} {
		if _, rep := run(t, rt, attempt("http://"+host+":"+port)); rep.State == step.Done {
			t.Errorf("%s: %+v", host, rep)
		}
	}
	if requests.Load() != 0 {
		t.Error("it got inside")
	}
}

// TestRebinding has a name change between two lookups: the address that is dialled is the one that is checked.
func TestRebinding(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	s := server(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	var name atomic.Int64
	resolver := nameServer(t, func(string, int64) netip.Addr {
		if name.Add(1) == 1 {
			return netip.MustParseAddr("192.0.2.1") // reserved: refused too, and no packet leaves
		}
		return netip.MustParseAddr("127.0.0.1")
	})
	rt := open(t, Config{Allow: []string{"*"}, Resolver: resolver})
	for range 3 {
		if _, rep := run(t, rt, attempt("http://rebind.example:"+port)); rep.State != step.FatalError {
			t.Errorf("%+v", rep)
		}
	}
	if requests.Load() != 0 {
		t.Error("it got inside")
	}
}

// TestUnknownName is a platform error: DNS may be better next time.
func TestUnknownName(t *testing.T) {
	t.Parallel()
	resolver := nameServer(t, func(string, int64) netip.Addr { return netip.Addr{} })
	rt := open(t, Config{Allow: []string{"*"}, Resolver: resolver})
	_, rep := run(t, rt, attempt("http://nowhere.example/"))
	if rep.State != step.PlatformError || !strings.Contains(errorsOf(rep), `the host name "nowhere.example" is not known`) {
		t.Errorf("%+v", rep)
	}
}

func FuzzAllowed(f *testing.F) {
	for _, s := range []string{"http://a", "http://[::1%25x]:1/", "http://a.b.:0", "//x", "http://%41"} {
		f.Add(s, "*")
	}
	f.Fuzz(func(t *testing.T, text, entry string) {
		l, err := parseAllowed([]string{entry})
		if err != nil {
			return
		}
		u, err := parseURL(text)
		if err != nil || l.url(u) != nil {
			return
		}
		var r *refusal
		err = l.address(u.Hostname(), portOf(u), netip.MustParseAddr("169.254.169.254"))
		if ip, ok := plainAddr(entry); entry == "*" && err == nil || err != nil && !errors.As(err, &r) {
			t.Error(fmt.Sprint(text, entry, ip, ok, err))
		}
	})
}
