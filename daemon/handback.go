package daemon

import (
	"context"
	"errors"
	"strings"

	"ecs-autoscaler/scaler/appscaling"
	"ecs-autoscaler/store"
)

// errNoState says that there is nothing to read what was suspended from.
var errNoState = errors.New("there is neither a running daemon nor a state of this configuration, so nobody knows what its daemon has suspended; check --config")

// Suspended is the record of the managed scaling that the daemon of a configuration has suspended (managed_policies: suspend), in all
// its accounts. It is asked for where Plan's memory is; running says that it is a running daemon's, which tells only of the services
// that are its targets now.
func Suspended(ctx context.Context, o Options) (r appscaling.Record, running bool, err error) {
	rows, source, err := planMemory(ctx, &o)
	switch {
	case err != nil:
		return r, false, err
	case source == FromNone:
		return r, false, errNoState
	}
	return recordOf(rows), source == FromDaemon, nil
}

func recordOf(rows []*store.Target) appscaling.Record {
	r := appscaling.Record{Version: 1}
	for _, row := range rows {
		if row.Memory == nil || row.Memory.Managed == nil {
			continue
		}
		was := row.Memory.Managed
		r.Targets = append(r.Targets, appscaling.Taken{
			ARN: was.ARN, Region: regionOf(was.ARN), Cluster: row.Key.Cluster, Service: row.Key.Service,
			Before: was.Suspended,
		})
	}
	return r
}

// regionOf is the region in an ARN, empty where there is none.
func regionOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[3]
	}
	return ""
}
