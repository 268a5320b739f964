package cron

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Zone returns the time zone called name: an IANA name such as Europe/Paris, or a fixed offset as Java writes them:
// Z, +05:00, UTC+8, GMT-3. An empty name is UTC.
func Zone(name string) (*time.Location, error) {
	switch name {
	case "", "Z", "UTC", "GMT", "UT":
		return time.UTC, nil
	case "Local": // a name of package time for the zone of this machine, which is none that a user can mean
		return nil, fmt.Errorf("unknown time zone %s", name)
	}
	for _, prefix := range []string{"UTC", "GMT", "UT", ""} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" && (rest[0] == '+' || rest[0] == '-') {
			return fixedZone(name, rest)
		}
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("unknown time zone %s", name)
	}
	return loc, nil
}

// fixedZone reads +h, +hh, +hh:mm, +hhmm, +hh:mm:ss, +hhmmss, up to 18 hours.
func fixedZone(name, offset string) (*time.Location, error) {
	bad := fmt.Errorf("unknown time zone %s: the offset must look like +05:00, at most 18 hours", name)
	digits := offset[1:]
	if strings.Contains(digits, ":") {
		parts := strings.Split(digits, ":")
		for _, p := range parts {
			if len(p) != 2 {
				return nil, bad
			}
		}
		digits = strings.Join(parts, "")
	}
	if len(digits) == 1 {
		digits = "0" + digits
	}
	if len(digits) != 2 && len(digits) != 4 && len(digits) != 6 {
		return nil, bad
	}
	n, err := strconv.ParseUint((digits + "0000")[:6], 10, 32)
	if err != nil {
		return nil, bad
	}
	h, m, s := int(n/10000), int(n/100%100), int(n%100)
	secs := h*3600 + m*60 + s
	if m > 59 || s > 59 || secs > 18*3600 {
		return nil, bad
	}
	if offset[0] == '-' {
		secs = -secs
	}
	return time.FixedZone(name, secs), nil
}
