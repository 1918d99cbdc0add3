package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// place is an account in a region: what a request's signature leads to.
type place struct{ account, region string }

func (p place) String() string { return p.account + "/" + p.region }

func (c *compiler) places(doc *document) error {
	for i, d := range doc.Places {
		d.Region, d.Account = or(d.Region, c.s.region), or(d.Account, c.s.account)
		sub := &document{Home: d, Seed: c.s.seed}
		s, err := c.place(sub, fmt.Sprintf("$.places[%d]", i))
		if err != nil {
			return err
		}
		taken := func(o *Scenario) bool { return o.account == s.account && o.region == s.region }
		if taken(c.s) || slices.ContainsFunc(c.s.places, taken) {
			return c.src.wrong(fmt.Sprintf("$.places[%d]", i), "account %s in %s is there already; write its services there", s.account, s.region)
		}
		c.s.places = append(c.s.places, s)
	}
	return nil
}

// place compiles a place, with the limits and delays of the whole scenario.
func (c *compiler) place(doc *document, base string) (*Scenario, error) {
	sub := &compiler{src: c.src, curves: c.curves, base: base, defs: c.defs}
	sub.s = c.s.elsewhere(place{doc.Home.Account, doc.Home.Region})
	for _, step := range []func(*document) error{sub.names, sub.clusters, sub.services, sub.customMetrics, sub.scaling, sub.dynamoDB} {
		if err := step(doc); err != nil {
			return nil, err
		}
	}
	return sub.s, nil
}

// elsewhere is a scenario of the same world in another place, where nothing is yet. Equal services in different places
// have dice of their own.
func (s *Scenario) elsewhere(at place) *Scenario {
	return &Scenario{
		name: s.name, region: at.region, account: at.account, seed: s.seed ^ digest(at.String()), start: s.start,
		history: s.history, responseTime: s.responseTime, limits: s.limits,
		tables: tables{lag: s.tables.lag, expiry: s.tables.expiry, creation: s.tables.creation},
	}
}

// placeOf is where a request belongs. Without further places all requests belong home, whatever region they are signed
// for; with them a region that the scenario does not name is empty, as it is at AWS.
func (w *world) placeOf(caller principal, region string) *Region {
	home := w.home.scenario
	if len(home.places) == 0 {
		return w.home
	}
	at := place{caller.account, or(region, home.region)}
	w.placesLock.Lock()
	defer w.placesLock.Unlock()
	if w.places[at] == nil {
		_ = w.settle(home.elsewhere(at)) // fails for tables of a scenario only
	}
	return w.places[at]
}

// At is another place of the same scenario: its services, tables and happenings. An error says which places there are.
func (r *Region) At(account, region string) (*Region, error) {
	r.placesLock.Lock()
	defer r.placesLock.Unlock()
	if found := r.places[place{account, region}]; found != nil {
		return found, nil
	}
	var names []string
	for at := range r.places {
		names = append(names, at.String())
	}
	slices.Sort(names)
	return nil, fmt.Errorf("the scenario has no place %s/%s; it has %s", account, region, strings.Join(names, ", "))
}

// all are the places in order of their names.
func (w *world) all() []*Region {
	w.placesLock.Lock()
	defer w.placesLock.Unlock()
	return slices.SortedFunc(maps.Values(w.places), func(a, b *Region) int {
		return strings.Compare(a.scenario.account+"/"+a.scenario.region, b.scenario.account+"/"+b.scenario.region)
	})
}
