package web

import "net/http"

// leases answers which daemon steers what.
func (s *server) leases(r *http.Request) (any, error) {
	if _, err := parse(r.URL.RawQuery, nil, s.Now()); err != nil {
		return nil, err
	}
	if s.Leases == nil {
		return nil, &problem{http.StatusNotFound, notFoundCode,
			"there are no leases: the state is this daemon's alone, and it steers every cluster of its configuration; " +
				"daemons share clusters out with state: \"dynamodb:TABLE\""}
	}
	return s.Leases.Leases(), nil
}
