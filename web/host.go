package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ownHosts refuses requests for a name that is not ours. A page of some site can have its own name resolved to a loopback
// address and then read what listens there as if it were its own (DNS rebinding); what it cannot change is the name it asks for.
func (s *server) ownHosts(next http.Handler) http.Handler {
	if s.Hosts == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Over TLS a page of another site fails at the certificate.
		if r.TLS == nil && !ownHost(r.Host, s.Hosts) {
			s.Guard.refuse(wrongHost)
			writeProblem(w, &problem{http.StatusMisdirectedRequest, misdirected,
				"this daemon listens on loopback only and answers to localhost, to IP addresses and to the name in listen; a proxy before it must not hand on the Host that it was asked for"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownHost says whether a request for host can be meant for a listener on loopback. HTTP/1.0 knows no Host.
func ownHost(host string, names []string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(names, host)
}
