package config

import (
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"ecs-autoscaler/config/strict"
)

// EventKind says what an event is about.
type EventKind string

// The kinds of events (docs/events.md). A destination may choose among all but EventTest.
const (
	// EventScalingActivity: a scaling activity has begun or ended.
	EventScalingActivity EventKind = "scaling_activity"
	// EventFailure: something of AWS's or of the daemon's own does not work, or works again.
	EventFailure EventKind = "failure"
	// EventAtMax: a service has stood at its max capacity for Events.AtMaxAfter and would scale out, or does not any more.
	EventAtMax EventKind = "at_max"
	// EventConflict: a managed policy of Application Auto Scaling scales the same service, or does not any more.
	EventConflict EventKind = "conflict"
	// EventForeignWrite: somebody else has changed the desired count.
	EventForeignWrite EventKind = "foreign_write"
	// EventSuspension: a kind of scaling has been suspended or resumed.
	EventSuspension EventKind = "suspension"
	// EventOverride: a person has set the desired count for some time, or that time is over.
	EventOverride EventKind = "override"
	// EventTest is what is sent to try a destination.
	EventTest EventKind = "test"
)

// EventKinds are those that a destination may choose among.
var EventKinds = []EventKind{
	EventScalingActivity, EventFailure, EventAtMax, EventConflict, EventForeignWrite, EventSuspension, EventOverride,
}

// Events says who is told of what happens.
type Events struct {
	// AtMaxAfter is how long a service stands at its max capacity and would scale out before that is an event, at least a minute.
	AtMaxAfter time.Duration
	// Webhooks and Topics are the destinations, in file order.
	Webhooks []Webhook
	Topics   []Topic
}

// Webhook is a URL to which events are posted.
type Webhook struct {
	// URL is absolute, http or https.
	URL string
	// Headers are sent with each event, by their canonical names. They hold secrets.
	Headers map[string]string
	// Secret is what the body is signed with, or "" for no signature.
	Secret string
	// Kinds are those that are wanted; empty is all.
	Kinds []EventKind
}

// Topic is an SNS topic to which events are published.
type Topic struct {
	ARN string
	// Kinds are those that are wanted; empty is all.
	Kinds []EventKind
}

// Region is the AWS region of the topic.
func (t Topic) Region() string { return strings.Split(t.ARN, ":")[3] }

// FIFO says that the topic keeps the order of what it is given.
func (t Topic) FIFO() bool { return strings.HasSuffix(t.ARN, fifoSuffix) }

// Any says that somebody is told at all.
func (e *Events) Any() bool { return len(e.Webhooks)+len(e.Topics) > 0 }

const (
	defaultAtMaxAfter = 10 * time.Minute
	longestAtMaxAfter = 7 * 24 * time.Hour
	fifoSuffix        = ".fifo"
	// longestHeader is what servers usually take of one header.
	longestHeader = 4096
	leastSecret   = 16
)

// readEvents reads who is told of what happens.
func readEvents(v strict.Value) (Events, bool) {
	e := Events{AtMaxAfter: defaultAtMaxAfter}
	m, ok := v.Mapping()
	if !ok {
		return e, false
	}
	after := strict.Read(m, "at_max_after", durationWithin(time.Minute, longestAtMaxAfter))
	webhooks := strict.Read(m, "webhooks", strict.List(readWebhook))
	topics := strict.Read(m, "sns", strict.List(readTopic))
	m.Close()
	strict.Overlay(&e.AtMaxAfter, after)
	for _, w := range webhooks.Value {
		e.Webhooks = append(e.Webhooks, w.Value)
	}
	for _, t := range topics.Value {
		e.Topics = append(e.Topics, t.Value)
	}
	return e, after.Usable() && webhooks.Usable() && topics.Usable()
}

// readWebhook reads one entry of webhooks.
func readWebhook(v strict.Value) (Webhook, bool) {
	m, ok := v.Mapping()
	if !ok {
		return Webhook{}, false
	}
	m.Key = "a webhook"
	to := strict.Need(m, "url", `"https://hooks.example.com/scaling"`, webhookURL)
	headers := strict.Read(m, "headers", readHeaders)
	secret := strict.Read(m, "secret", signingSecret)
	kinds := readKinds(m)
	m.Close()
	ok = to.Valid && headers.Usable() && secret.Usable() && kinds.Usable()
	return Webhook{URL: to.Value, Headers: headers.Value, Secret: secret.Value, Kinds: kinds.Value}, ok
}

// webhookURL reads a URL. What is wrong is told without the text: it may hold a secret.
func webhookURL(v strict.Value) (string, bool) {
	s, ok := v.Filled()
	if !ok {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "" {
		v.Errorf(v.At, `%s must be a whole URL such as "https://hooks.example.com/scaling", without #`, v.Key)
		return "", false
	}
	if u.Scheme == "http" && !onThisMachine(u.Hostname()) {
		v.Warnf(v.At, "this webhook is sent in the clear: whoever sees the traffic reads the events and the headers; use https")
	}
	return s, true
}

// onThisMachine says that what is sent to the host does not leave the machine.
func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$")

// ownHeaders are those that the daemon or HTTP itself sets.
var ownHeaders = map[string]bool{
	"Host": true, "Content-Type": true, "Content-Length": true, "Transfer-Encoding": true, "Connection": true, "Trailer": true,
	"Te": true, "Upgrade": true, "X-Ecs-Autoscaler-Signature": true,
}

// readHeaders reads the headers of a webhook.
func readHeaders(v strict.Value) (map[string]string, bool) {
	pairs, ok := v.Pairs(longestHeader, longestHeader)
	if !ok {
		return nil, false
	}
	headers := make(map[string]string, len(pairs))
	for _, p := range pairs {
		name := http.CanonicalHeaderKey(p.Key)
		_, twice := headers[name]
		headers[name] = p.Value
		if wrong := wrongHeader(name, p.Value, twice); wrong != "" {
			v.Errorf(p.At, "%s", wrong)
			ok = false
		}
	}
	return headers, ok
}

// wrongHeader says what is wrong with a header, "" for nothing.
func wrongHeader(name, value string, twice bool) string {
	switch {
	case !headerName.MatchString(name):
		return "a key of headers must be the name of an HTTP header such as Authorization"
	case ownHeaders[name]:
		return "the header " + name + " is set by the daemon itself; remove it"
	case twice:
		return "the header " + name + " stands twice; keep one of them"
	case strings.TrimSpace(value) == "":
		return "the header " + name + " must not be empty"
	default:
		return ""
	}
}

// signingSecret reads what bodies are signed with; it is never shown.
func signingSecret(v strict.Value) (string, bool) {
	s, ok := v.Filled()
	if ok && len(s) < leastSecret {
		v.Errorf(v.At, "%s must have at least %d characters; openssl rand -hex 32 makes a good one", v.Key, leastSecret)
		return "", false
	}
	return s, ok
}

// topicARN is that of API Publish: names have up to 256 characters, those of FIFO topics end in .fifo.
var topicARN = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$`)

// readTopic reads one entry of sns.
func readTopic(v strict.Value) (Topic, bool) {
	m, ok := v.Mapping()
	if !ok {
		return Topic{}, false
	}
	m.Key = "a topic"
	arn := strict.Need(m, "topic_arn", `"arn:aws:sns:eu-west-2:123456789012:scaling"`,
		matching(topicARN, "the ARN of an SNS topic such as arn:aws:sns:eu-west-2:123456789012:scaling"))
	kinds := readKinds(m)
	m.Close()
	return Topic{ARN: arn.Value, Kinds: kinds.Value}, arn.Valid && kinds.Usable()
}

// readKinds reads which events a destination wants.
func readKinds(m *strict.Mapping) strict.Field[[]EventKind] {
	return strict.Read(m, "kinds", func(v strict.Value) ([]EventKind, bool) {
		listed, ok := strict.List(strict.OneOf(EventKinds...))(v)
		if ok && len(listed) == 0 {
			v.Errorf(v.At, "%s must not be empty; leave it out for all kinds, or remove the destination", v.Key)
			return nil, false
		}
		kinds := make([]EventKind, len(listed))
		for i, k := range listed {
			kinds[i] = k.Value
		}
		return kinds, ok
	})
}
