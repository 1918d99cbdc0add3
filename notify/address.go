package notify

import (
	"fmt"
	"net/url"
	"reflect"

	"ecs-autoscaler/config"
)

// address is where events go, as the configuration has it.
type address struct {
	// name is what people and metrics call it: a host, which is no secret even where it came from a variable, or the ARN of a topic.
	name    string
	webhook *config.Webhook
	topic   *config.Topic
	// veil takes what variables of the configuration hold out of a text.
	veil func(text string) string
}

// addresses are those of a configuration, each with a name of its own.
func addresses(c *config.Config) []address {
	var all []address
	for i := range c.Events.Webhooks {
		w := &c.Events.Webhooks[i]
		all = append(all, address{name: hostOf(w.URL), webhook: w, veil: c.VeilText})
	}
	for i := range c.Events.Topics {
		all = append(all, address{name: c.Events.Topics[i].ARN, topic: &c.Events.Topics[i], veil: c.VeilText})
	}
	seen := map[string]int{}
	for i := range all {
		name := all[i].name
		if seen[name]++; seen[name] > 1 {
			all[i].name = fmt.Sprintf("%s (%d)", name, seen[name])
		}
	}
	return all
}

// hostOf is the host of a URL that was checked, with its port where it names one.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "webhook"
	}
	return u.Host
}

// same says that nothing about an address has changed.
func (a address) same(b address) bool {
	return a.name == b.name && reflect.DeepEqual(a.webhook, b.webhook) && reflect.DeepEqual(a.topic, b.topic)
}

// kinds are those that are wanted; empty is all.
func (a address) kinds() []config.EventKind {
	if a.webhook != nil {
		return a.webhook.Kinds
	}
	return a.topic.Kinds
}
