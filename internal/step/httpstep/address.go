package httpstep

import "net/netip"

// reach says where an address leads, as far as it matters to who may call it.
type reach int

const (
	public   reach = iota // the Internet
	private               // the operator's own network
	loopback              // this machine
	special               // anything else: link-local, multicast, unspecified, reserved, credentials of a cloud
)

// String returns the words for messages.
func (r reach) String() string {
	return [...]string{"a public address", "a private address", "an address of the server itself", "a link-local or reserved address"}[r]
}

// ranges that package netip does not classify, or not as we need it. The first that contains an address counts.
var ranges = []struct {
	net   netip.Prefix
	reach reach
}{
	{netip.MustParsePrefix("168.63.129.16/32"), special},   // Azure's host
	{netip.MustParsePrefix("100.100.100.200/32"), special}, // Alibaba's credentials
	{netip.MustParsePrefix("fd00:ec2::/32"), special},      // AWS's credentials
	{netip.MustParsePrefix("0.0.0.0/8"), special},          // Linux takes 0.0.0.0 for itself
	{netip.MustParsePrefix("100.64.0.0/10"), private},      // behind a provider's NAT
	{netip.MustParsePrefix("192.0.0.0/24"), special},
	{netip.MustParsePrefix("192.0.2.0/24"), special},
	{netip.MustParsePrefix("198.18.0.0/15"), special},
	{netip.MustParsePrefix("198.51.100.0/24"), special},
	{netip.MustParsePrefix("203.0.113.0/24"), special},
	{netip.MustParsePrefix("240.0.0.0/4"), special},
	{netip.MustParsePrefix("fec0::/10"), private}, // site-local, as it once was
	{netip.MustParsePrefix("64:ff9b:1::/48"), private},
	{netip.MustParsePrefix("100::/64"), special},
	{netip.MustParsePrefix("2001::/23"), special}, // Teredo and other tunnels
	{netip.MustParsePrefix("2001:db8::/32"), special},
}

// reachOf classifies an address, which is not IPv4 in IPv6.
func reachOf(ip netip.Addr) reach {
	if inner, ok := embedded(ip); ok {
		return reachOf(inner)
	}
	for _, r := range ranges {
		if r.net.Contains(ip) {
			return r.reach
		}
	}
	switch {
	case ip.IsLoopback():
		return loopback
	case ip.IsPrivate():
		return private
	case ip.IsUnspecified(), !ip.IsGlobalUnicast():
		return special
	}
	return public
}

var (
	nat64    = netip.MustParsePrefix("64:ff9b::/96")
	sixToOne = netip.MustParsePrefix("2002::/16")
	oldV4    = netip.MustParsePrefix("::/96")
)

// embedded returns the IPv4 address to which a translator takes an IPv6 address.
func embedded(ip netip.Addr) (netip.Addr, bool) {
	b := ip.As16()
	switch {
	case !ip.Is6():
	case nat64.Contains(ip), oldV4.Contains(ip) && ip != netip.IPv6Loopback() && !ip.IsUnspecified():
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixToOne.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

// plainAddr parses an address in the one form in which addresses are compared: without a zone, IPv4 as such.
func plainAddr(s string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, false
	}
	return ip.Unmap().WithZone(""), true
}
