package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// value is where a setting goes and how its text is read. Only a list takes more than one text.
type value struct {
	kind  string
	parse func(texts []string) error
}

// scalar is a value of one text.
func scalar(kind string, parse func(s string) error) value {
	return value{kind: kind, parse: func(texts []string) error {
		if len(texts) != 1 {
			return fmt.Errorf("takes one value, not %d", len(texts))
		}
		return parse(strings.TrimSpace(texts[0]))
	}}
}

func text(to *string) value {
	return scalar("string", func(s string) error {
		*to = s
		return nil
	})
}

func boolean(to *bool) value {
	return scalar("bool", func(s string) error {
		switch strings.ToLower(s) {
		case "true", "on", "yes", "1":
			*to = true
		case "false", "off", "no", "0":
			*to = false
		default:
			return fmt.Errorf("%q is neither true nor false", s)
		}
		return nil
	})
}

func count(to *int, least, most int) value {
	return scalar("int", func(s string) error {
		n, err := strconv.Atoi(strings.ReplaceAll(s, "_", ""))
		if err != nil || n < least || n > most {
			return fmt.Errorf("%q is not a whole number from %d to %d", s, least, most)
		}
		*to = n
		return nil
	})
}

// duration reads Go's durations, and days.
func duration(to *time.Duration, least time.Duration) value {
	return scalar("duration", func(s string) error {
		d, err := time.ParseDuration(s)
		if days, isDays := strings.CutSuffix(s, "d"); isDays {
			var n float64
			n, err = strconv.ParseFloat(days, 64)
			d = time.Duration(n * float64(24*time.Hour))
		}
		switch {
		case err != nil:
			return fmt.Errorf("%q is not a duration; write it like 500ms, 30s, 15m, 24h or 7d", s)
		case d < least:
			return fmt.Errorf("%q is too short", s)
		}
		*to = d
		return nil
	})
}

// lifetime reads a duration of which 0 means for ever.
func lifetime(to *time.Duration, least time.Duration) value {
	return scalar("duration", func(s string) error {
		err := duration(to, 0).parse([]string{s})
		if err == nil && *to > 0 && *to < least {
			return fmt.Errorf("%q is too short, the least is %s; 0 means for ever", s, least)
		}
		return err
	})
}

// size reads a number of bytes with or without a unit.
func size(to *int64, least int64) value {
	units := map[string]int64{
		"": 1, "b": 1,
		"kb": 1e3, "mb": 1e6, "gb": 1e9,
		"k": 1 << 10, "m": 1 << 20, "g": 1 << 30,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
	}
	return scalar("size", func(s string) error {
		number := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
		unit, known := units[strings.ToLower(strings.TrimSpace(s[len(number):]))]
		n, err := strconv.ParseInt(strings.ReplaceAll(number, "_", ""), 10, 64)
		switch {
		case err != nil || !known || n < 0 || n > 1<<62/unit:
			return fmt.Errorf("%q is not a size; write it like 65536, 64KiB, 16MiB or 1GB", s)
		case n*unit < least:
			return fmt.Errorf("%q is too small, the least is %d bytes", s, least)
		}
		*to = n * unit
		return nil
	})
}

func choice(to *string, options ...string) value {
	return scalar("string", func(s string) error {
		for _, o := range options {
			if strings.EqualFold(s, o) {
				*to = o
				return nil
			}
		}
		return fmt.Errorf("%q is not one of %s", s, strings.Join(options, ", "))
	})
}

// list takes any number of texts, each of which may hold several with commas between.
func list(to *[]string, check func(string) error) value {
	return value{kind: "list", parse: func(texts []string) error {
		var out []string
		for _, text := range texts {
			for s := range strings.SplitSeq(text, ",") {
				if s = strings.TrimSpace(s); s == "" {
					continue
				}
				if err := check(s); err != nil {
					return err
				}
				out = append(out, s)
			}
		}
		*to = out
		return nil
	}}
}

func address(to *string) value {
	return scalar("string", func(s string) error {
		_, port, err := net.SplitHostPort(s)
		if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 0 || n > 65535 {
			return fmt.Errorf("%q is not an address; write HOST:PORT, or :PORT for all interfaces", s)
		}
		*to = s
		return nil
	})
}

// checkPattern refuses what matches no workflow id.
func checkPattern(s string) error {
	if _, err := path.Match(s, ""); err != nil || s == "" {
		return fmt.Errorf("%q is neither a workflow id nor a pattern such as etl.*", s)
	}
	return nil
}

// checkNamespace says whether s can be a namespace of a cluster.
func checkNamespace(s string) error {
	if len(s) > 63 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.Trim(s, "-") != s {
		return fmt.Errorf("%q is not a namespace, which has small letters, digits and - only, at most 63", s)
	}
	return nil
}

func webAddress(to *string) value {
	return scalar("string", func(s string) error {
		u, err := url.Parse(s)
		if s != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("%q is not a URL; write it like https://host:6443", s)
		}
		*to = s
		return nil
	})
}

func store(to *Store) value {
	return scalar("string", func(s string) error {
		scheme, rest, _ := strings.Cut(s, ":")
		switch {
		case scheme == "sqlite" && rest != "" && !strings.HasPrefix(rest, "//"):
			*to = Store{Driver: "sqlite", Source: rest}
			return nil
		case scheme == "postgres" || scheme == "postgresql":
			if u, err := url.Parse(s); err == nil && u.Host != "" {
				*to = Store{Driver: "postgres", Source: s}
				return nil
			}
			// The text may hold a password and is not repeated.
			return fmt.Errorf("the URL is malformed; write postgres://USER:PASSWORD@HOST:PORT/DATABASE")
		}
		return fmt.Errorf("%q is not a store; write sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE", s)
	})
}

// String returns the store for people and logs, without its password.
func (s Store) String() string {
	if s.Driver == "sqlite" {
		return "sqlite:" + s.Source
	}
	if u, err := url.Parse(s.Source); err == nil {
		return u.Redacted()
	}
	return s.Driver
}

// checkAllow says whether s is an entry of http.allow.
func checkAllow(s string) error {
	host := s
	if strings.Contains(s, "/") {
		if _, err := netip.ParsePrefix(s); err != nil {
			return fmt.Errorf("%q is not a network; write it like 10.0.0.0/8, and hosts without scheme and path", s)
		}
		return nil
	}
	if ip, err := netip.ParseAddr(s); err == nil && ip.IsValid() {
		return nil
	}
	if h, port, err := net.SplitHostPort(s); err == nil {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("%q has no valid port", s)
		}
		host = h
	}
	name := strings.TrimPrefix(host, "*.")
	if host != "*" && (name == "" || strings.ContainsAny(name, "*:@ ")) {
		return fmt.Errorf("%q is not a host; write HOST, HOST:PORT, *.DOMAIN or a network such as 10.0.0.0/8", s)
	}
	return nil
}
