package httpstep

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// allowed is what steps may call (Config.Allow). It is asked twice: for the URL, before anything happens, and for the
// address, at the moment it is dialled.
type allowed struct {
	rules []rule
	nets  []netip.Prefix
}

// rule is one entry that is not a network.
type rule struct {
	host    string     // in lower case; of a pattern what follows the *; "" means any name
	pattern bool       // names that end with host
	ip      netip.Addr // of an entry that is an address
	port    string     // "" means any
}

// refusal is the reason why something may not be called.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

func parseAllowed(entries []string) (*allowed, error) {
	l := &allowed{}
	for _, e := range entries {
		if strings.Contains(e, "/") {
			p, err := netip.ParsePrefix(e)
			if err != nil {
				return nil, fmt.Errorf("http steps: %q is neither a host nor a network such as 10.0.0.0/8", e)
			}
			if p.Addr().Is4In6() && p.Bits() >= 96 {
				p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
			}
			l.nets = append(l.nets, p.Masked())
			continue
		}
		r, err := parseRule(e)
		if err != nil {
			return nil, err
		}
		l.rules = append(l.rules, r)
	}
	return l, nil
}

func parseRule(e string) (rule, error) {
	var r rule
	host := e
	if h, port, err := net.SplitHostPort(e); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return r, fmt.Errorf("http steps: %q has no valid port", e)
		}
		host, r.port = h, port
	}
	if ip, ok := plainAddr(strings.Trim(host, "[]")); ok {
		r.ip, r.host = ip, ip.String()
		return r, nil
	}
	r.host = plainHost(host)
	if rest, ok := strings.CutPrefix(r.host, "*"); ok {
		r.host, r.pattern = rest, true
	}
	if r.host == "" && !r.pattern || r.pattern && r.host != "" && r.host[0] != '.' || strings.ContainsAny(r.host, "*:@ []") {
		return r, fmt.Errorf("http steps: %q is not a host; write HOST, HOST:PORT, *.DOMAIN or a network such as 10.0.0.0/8", e)
	}
	return r, nil
}

// plainHost returns a host name as it is compared: DNS knows neither case nor the dot at the end.
func plainHost(h string) string { return strings.ToLower(strings.TrimSuffix(h, ".")) }

// listing says how a name is listed.
type listing int

const (
	unlisted listing = iota
	byPattern
	byName
)

func (l *allowed) name(host, port string) listing {
	best := unlisted
	for _, r := range l.rules {
		switch {
		case r.port != "" && r.port != port || r.ip.IsValid():
		case !r.pattern && r.host == host:
			return byName
		case r.pattern && strings.HasSuffix(host, r.host) && host != r.host:
			best = byPattern
		}
	}
	return best
}

// explicit reports whether an address is listed itself.
func (l *allowed) explicit(ip netip.Addr, port string) bool {
	for _, r := range l.rules {
		if r.ip.IsValid() && r.ip == ip && (r.port == "" || r.port == port) {
			return true
		}
	}
	return l.network(ip)
}

func (l *allowed) network(ip netip.Addr) bool {
	for _, n := range l.nets {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

// url decides whether a request may be sent to u. Where only the address can tell, it lets the request pass.
func (l *allowed) url(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return refuse("URL scheme [%s] is not allowed. Only [HTTPS, HTTP] are allowed.", u.Scheme)
	}
	host, port := plainHost(u.Hostname()), portOf(u)
	if host == "" {
		return refuse("URL host [null] is not allowed: the URL names no host")
	}
	if ip, ok := plainAddr(host); ok {
		return l.address(host, port, ip)
	}
	for i := range len(host) {
		if c := host[i]; c <= ' ' || c > '~' || strings.IndexByte(`"#%<>?@\^{|}`, c) >= 0 {
			return refuse("URL host [%s] is not allowed: write a host name with letters, digits and hyphens (xn--… for others)", host)
		}
	}
	if l.name(host, port) == unlisted && len(l.nets) == 0 {
		return l.refused(host, port)
	}
	return nil
}

// address decides whether ip may be dialled for a URL with this host.
func (l *allowed) address(host, port string, ip netip.Addr) error {
	ip = ip.Unmap().WithZone("")
	host = plainHost(host)
	where := reachOf(ip)
	if literal, ok := plainAddr(host); ok {
		if literal != ip {
			return refuse("URL host [%s] is not allowed: it leads to %s", host, ip) // never seen; a resolver that lies
		}
		switch {
		case l.explicit(ip, port), where == public && l.any(port):
			return nil
		case l.any(port):
			return refuse("URL host [%s] is not allowed: it is %s, which * does not stand for; add it to http.allow of the server", host, where)
		}
		return l.refused(host, port)
	}
	listed := l.name(host, port)
	switch {
	case l.network(ip), listed != unlisted && l.explicit(ip, port):
		return nil
	case listed == unlisted:
		return l.refused(host, port)
	case where == public:
		return nil
	case listed == byName && (where == private || where == loopback && (host == "localhost" || strings.HasSuffix(host, ".localhost"))):
		return nil
	}
	return refuse("URL host [%s] is not allowed: it leads to %s, %s; to call it all the same, add the address to http.allow of the server", host, ip, where)
}

// any reports whether every name may be called on this port.
func (l *allowed) any(port string) bool {
	for _, r := range l.rules {
		if r.pattern && r.host == "" && (r.port == "" || r.port == port) {
			return true
		}
	}
	return false
}

func (l *allowed) refused(host, port string) error {
	if len(l.rules)+len(l.nets) == 0 {
		return refuse("URL host [%s] is not allowed: HTTP steps may call nothing, since http.allow of the server is empty", host)
	}
	return refuse("URL host [%s] is not allowed: %s is not in http.allow of the server", host, net.JoinHostPort(host, port))
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}
