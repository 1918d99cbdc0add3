package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"ecs-autoscaler/config"
	"ecs-autoscaler/scaler/awsapi"
)

const (
	// longestSubject and longestGroup are SNS's limits in characters (API Publish).
	longestSubject = 100
	longestGroup   = 128
	publishAction  = "sns:Publish"
)

// Publisher publishes to SNS topics; *sns.Client is one.
type Publisher interface {
	Publish(ctx context.Context, in *sns.PublishInput, o ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// topic publishes events to an SNS topic.
type topic struct {
	config.Topic
	connect func(ctx context.Context, region string) (Publisher, error)
	client  Publisher // nil before the first event
}

// carry publishes an event once.
func (t *topic) carry(ctx context.Context, l *letter) answer {
	if t.client == nil {
		client, err := t.connect(ctx, t.Region())
		if err != nil {
			return answer{err: err}
		}
		t.client = client
	}
	out, err := t.client.Publish(ctx, t.message(l))
	if err != nil {
		return answer{err: errors.New(awsapi.Explain(err, publishAction)), final: hopeless(awsapi.Classify(err))}
	}
	said := "published"
	if out.MessageId != nil {
		said += " as " + *out.MessageId
	}
	return answer{said: said}
}

// hopeless says that the same message would be refused again whoever waits. Credentials and permissions may come.
func hopeless(c awsapi.Class) bool {
	return c == awsapi.Invalid || c == awsapi.NotFound || c == awsapi.NotActive
}

// message is an event as SNS wants it, with attributes to filter by.
func (t *topic) message(l *letter) *sns.PublishInput {
	in := &sns.PublishInput{
		TopicArn: &t.ARN, Message: new(string(l.body)), Subject: new(subject(l)), MessageAttributes: map[string]types.MessageAttributeValue{},
	}
	for name, value := range map[string]string{
		"kind": string(l.Kind), "status": string(l.Status), "account": l.Account, "cluster": l.Cluster, "service": l.Service,
	} {
		if value != "" { // SNS takes no empty ones
			in.MessageAttributes[name] = types.MessageAttributeValue{DataType: new("String"), StringValue: &value}
		}
	}
	if t.FIFO() {
		in.MessageDeduplicationId, in.MessageGroupId = new(l.ID), new(group(l))
	}
	return in
}

// group is what a FIFO topic keeps in order: the events of a target.
func group(l *letter) string {
	name := l.Key().String()
	if len(name) <= longestGroup && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// subject is what mail shows: the kind and the message, in ASCII and no longer than SNS takes.
func subject(l *letter) string {
	text := []byte(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r > '~':
			return '?'
		default:
			return r
		}
	}, string(l.Kind)+": "+l.Message))
	if len(text) > longestSubject {
		text = append(text[:longestSubject-3], "..."...)
	}
	return string(text)
}
