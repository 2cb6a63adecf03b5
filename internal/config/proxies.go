package config

import (
	"net/netip"
	"strings"
)

// Proxies are the networks whose forwarding headers are believed.
type Proxies []netip.Prefix

// Trusts reports whether an address is one of the proxies.
func (p Proxies) Trusts(addr netip.Addr) bool {
	addr = addr.Unmap()
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// Client finds who made a request: the peer itself or, where the peer is a trusted proxy,
// the last address of X-Forwarded-For that is not one. What a stranger wrote further left
// is never believed.
func (p Proxies) Client(peer netip.Addr, forwarded string) netip.Addr {
	client := peer.Unmap()
	hops := strings.Split(forwarded, ",")
	for i := len(hops) - 1; i >= 0 && p.Trusts(client); i-- {
		addr, err := parseHop(hops[i])
		if err != nil {
			break
		}
		client = addr.Unmap()
	}
	return client
}

// parseHop reads an address that may carry a port.
func parseHop(hop string) (netip.Addr, error) {
	hop = strings.TrimSpace(hop)
	if ap, err := netip.ParseAddrPort(hop); err == nil {
		return ap.Addr(), nil
	}
	return netip.ParseAddr(strings.Trim(hop, "[]"))
}
