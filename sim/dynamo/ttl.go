package dynamo

import (
	"time"

	"ecs-autoscaler/sim/wire"
)

// ttlSettles is how long a change of the time to live takes at most; a second one within it is refused (API
// UpdateTimeToLive: "up to one hour").
const ttlSettles = time.Hour

// tooOld is how long ago an expiry may be; what expired earlier stays (developer guide, "Using time to live").
const tooOld = 5 * 365 * 24 * time.Hour

// timeToLive is the attribute that says when an item expires.
type timeToLive struct {
	attribute string
	enabled   bool
	changed   time.Time
}

// status is that of the API: a change shows as under way for a while.
func (l *timeToLive) status(now time.Time, creation time.Duration) string {
	underWay := now.Before(l.changed.Add(creation))
	switch {
	case l.enabled && underWay:
		return "ENABLING"
	case l.enabled:
		return "ENABLED"
	case underWay:
		return "DISABLING"
	}
	return "DISABLED"
}

// deadline is when an item will be deleted by time to live; zero is never.
func (t *table) deadline(k primary, it item, now time.Time) time.Time {
	v, there := it[t.ttl.attribute]
	if !t.ttl.enabled || !there || v.kind != typeN {
		return time.Time{}
	}
	seconds, ok := v.num.seconds()
	expiry := time.Unix(seconds, 0)
	if !ok || expiry.Before(now.Add(-tooOld)) {
		return time.Time{}
	}
	if expiry.Before(t.ttl.changed) {
		expiry = t.ttl.changed
	}
	return expiry.Add(time.Duration(t.options.Dice(t.name+"\x00ttl\x00"+k.id(), expiry) * float64(t.options.Expiry)))
}

// expire deletes an item whose time has come.
func (t *table) expire(k primary, r *row, now time.Time) {
	if r.expires.IsZero() || now.Before(r.expires) {
		return
	}
	r.add(nil, now, r.expires.Add(t.lag(k, r.expires)))
	r.expires = time.Time{}
}

func updateTimeToLive(r *request) (map[string]any, *wire.Error) {
	t, err := r.active()
	if err != nil {
		return nil, err
	}
	spec := r.in.Structure("TimeToLiveSpecification")
	name, enable := spec.Text("AttributeName"), spec.Bool("Enabled", false)
	switch {
	case spec.Err() != nil:
		return nil, spec.Err()
	case !spec.Has("Enabled"):
		return nil, constraint("null", "timeToLiveSpecification.enabled", "Member must not be null")
	case name == "" || len(name) > 255:
		return nil, constraint(name, "timeToLiveSpecification.attributeName", "Member must have length from 1 to 255")
	}
	if err := t.ttl.change(name, enable, r.now); err != nil {
		return nil, err
	}
	for _, p := range t.ordered {
		for _, row := range p.rows {
			k := primary{p.key, row.sort}
			t.expire(k, row, r.now)
			row.expires = t.deadline(k, row.versions[len(row.versions)-1].item, r.now)
		}
	}
	return map[string]any{"TimeToLiveSpecification": map[string]any{"AttributeName": name, "Enabled": enable}}, nil
}

// change is UpdateTimeToLive.
func (l *timeToLive) change(name string, enable bool, now time.Time) *wire.Error {
	switch {
	case enable && l.enabled:
		return validation("TimeToLive is already enabled")
	case !enable && !l.enabled:
		return validation("TimeToLive is already disabled")
	case !enable && name != l.attribute:
		return validation("TimeToLive is active on a different AttributeName: current AttributeName is %s", l.attribute)
	case now.Before(l.changed.Add(ttlSettles)):
		return validation("Time to live has been modified multiple times within a fixed interval")
	}
	*l = timeToLive{attribute: name, enabled: enable, changed: now}
	return nil
}

func describeTimeToLive(r *request) (map[string]any, *wire.Error) {
	t, err := r.active()
	if err != nil {
		return nil, err
	}
	d := map[string]any{"TimeToLiveStatus": t.ttl.status(r.now, r.store.options.Creation)}
	if d["TimeToLiveStatus"] != "DISABLED" {
		d["AttributeName"] = t.ttl.attribute
	}
	return map[string]any{"TimeToLiveDescription": d}, nil
}
