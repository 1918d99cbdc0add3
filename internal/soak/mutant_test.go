package soak

import (
	"net/http"

	"ecs-autoscaler/config"
	"ecs-autoscaler/store"
)

// mutant is a deliberate defect of the daemon, by which the oracle is tested; the zero value is none.
type mutant struct {
	wrap    func(store.Backend) store.Backend
	falsify func(*config.Config) *config.Config
	send    func(p *process, inner http.RoundTripper, req *http.Request) (*http.Response, error)
}

func (m *mutant) backend(b store.Backend) store.Backend {
	if m.wrap == nil {
		return b
	}
	return m.wrap(b)
}

func (m *mutant) configured(c *config.Config) *config.Config {
	if m.falsify == nil {
		return c
	}
	return m.falsify(c)
}

func (m *mutant) carry(p *process, inner http.RoundTripper, req *http.Request) (*http.Response, error) {
	if m.send == nil {
		return inner.RoundTrip(req)
	}
	return m.send(p, inner, req)
}
