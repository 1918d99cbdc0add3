package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/view"
)

// simple is SNS as far as Publish goes.
type simple struct {
	mu    sync.Mutex
	forms []url.Values
	auth  string
	// refuse answers with an error: status and code; 0 is none.
	status int
	code   string
}

func (s *simple) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forms, s.auth = append(s.forms, form), r.Header.Get("Authorization")
	w.Header().Set("Content-Type", "text/xml")
	if s.status != 0 {
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>`+s.code+`</Code><Message>as the test wants it</Message></Error><RequestId>r</RequestId></ErrorResponse>`)
		return
	}
	_, _ = io.WriteString(w, `<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>`)
}

// connected is a topic whose client calls s.
func connected(t *testing.T, s *simple, arn string) *topic {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &topic{Topic: config.Topic{ARN: arn}, connect: func(ctx context.Context, region string) (Publisher, error) {
		return awsapi.ConnectSNS(ctx, awsapi.Options{Region: region, Endpoint: server.URL, Credentials: aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
			})})
	}}
}

func letterOf(service, message string) *letter {
	e := view.About(config.EventAtMax, view.Begun, evaluator.Key{Cluster: "c", Service: service}, time.Unix(0, 0))
	e.Message = message
	return &letter{Event: e, body: []byte(`{"kind":"at_max"}`)}
}

func TestAnEventIsPublishedWithAttributesToFilterBy(t *testing.T) {
	s := &simple{}
	to := connected(t, s, "arn:aws:sns:eu-central-1:123456789012:scaling")
	if a := to.carry(t.Context(), letterOf("web", "c/web: it has stood at its max.")); a.err != nil || a.said != "published as m-1" {
		t.Fatalf("%+v", a)
	}
	form := s.forms[0]
	for name, want := range map[string]string{
		"Action": "Publish", "TopicArn": to.ARN, "Message": `{"kind":"at_max"}`, "Subject": "at_max: c/web: it has stood at its max.",
		"MessageGroupId": "", "MessageDeduplicationId": "",
	} {
		if got := form.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	want := map[string]string{"kind": "at_max", "status": "begun", "cluster": "c", "service": "web"}
	if got := attributes(form); !maps.Equal(got, want) {
		t.Errorf("attributes %v, want %v", got, want)
	}
	if !strings.Contains(s.auth, "/eu-central-1/sns/") {
		t.Errorf("it is signed for another region than the topic's: %s", s.auth)
	}
}

// attributes are the message attributes of a form.
func attributes(form url.Values) map[string]string {
	all := map[string]string{}
	for i := 1; form.Has(fmt.Sprintf("MessageAttributes.entry.%d.Name", i)); i++ {
		all[form.Get(fmt.Sprintf("MessageAttributes.entry.%d.Name", i))] = form.Get(fmt.Sprintf("MessageAttributes.entry.%d.Value.StringValue", i))
	}
	return all
}

func TestAFIFOTopicKeepsTheOrderOfATargetAndNothingTwice(t *testing.T) {
	s := &simple{}
	to := connected(t, s, "arn:aws:sns:eu-west-2:123456789012:scaling.fifo")
	l := letterOf("web", "x")
	long := letterOf(strings.Repeat("w", 200), "x")
	for _, l := range []*letter{l, long} {
		if a := to.carry(t.Context(), l); a.err != nil {
			t.Fatal(a.err)
		}
	}
	if got := s.forms[0]; got.Get("MessageGroupId") != "c/web" || got.Get("MessageDeduplicationId") != l.ID {
		t.Errorf("%v", got)
	}
	if got := s.forms[1].Get("MessageGroupId"); got == "" || len(got) > longestGroup {
		t.Errorf("the group of a long name has %d characters", len(got))
	}
}

func TestASubjectIsShortPrintableASCII(t *testing.T) {
	for message, want := range map[string]string{
		"a\nb\té": "at_max: a b ?", strings.Repeat("x", 200): "at_max: " + strings.Repeat("x", 89) + "...", strings.Repeat("x", 92): "at_max: " + strings.Repeat("x", 92),
	} {
		if got := subject(letterOf("web", message)); got != want || len(got) > longestSubject {
			t.Errorf("%q gives %q, want %q", message, got, want)
		}
	}
}

func TestWhatSNSRefusesIsTriedAgainOnlyWhereThatMayHelp(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		final  bool
	}{
		{http.StatusForbidden, "AuthorizationError", false},
		{http.StatusForbidden, "ExpiredToken", false},
		{http.StatusInternalServerError, "InternalError", false},
		{http.StatusTooManyRequests, "Throttled", false},
		{http.StatusBadRequest, "Throttling", false},
		{http.StatusBadRequest, "InvalidParameter", true},
		{http.StatusNotFound, "NotFound", true},
	} {
		s := &simple{status: c.status, code: c.code}
		a := connected(t, s, "arn:aws:sns:eu-west-2:123456789012:scaling").carry(t.Context(), letterOf("web", "x"))
		if a.err == nil || a.final != c.final || !strings.Contains(a.err.Error(), "sns:Publish") || !strings.Contains(a.err.Error(), c.code) {
			t.Errorf("%s: final %t, %v", c.code, a.final, a.err)
		}
		if len(s.forms) != 1 {
			t.Errorf("%s: %d attempts in one try, want one", c.code, len(s.forms))
		}
	}
}

func TestTryingSaysOfEachDestinationWhatCameBack(t *testing.T) {
	c := parse(t, `{webhooks: [{url: "https://hooks.example.com/${HOOK}", kinds: [failure]}, {url: "https://gone.example.com/"}, {url: "https://bad.example.com"}], sns: [{topic_arn: "arn:aws:sns:eu-west-2:123456789012:scaling"}]}`)
	s := &site{answer: func(_ int, r *http.Request) (*http.Response, error) {
		switch r.URL.Host {
		case "gone.example.com":
			return status(http.StatusGone), nil
		case "bad.example.com":
			return nil, errors.New("lookup " + secret + ": no such host")
		}
		return status(http.StatusOK), nil
	}}
	tried, err := Try(t.Context(), c, Options{Transport: s, Logger: zap.NewNop(), Connect: connected(t, &simple{}, "").connect})
	if err != nil {
		t.Fatal(err)
	}
	want := []Tried{
		{"hooks.example.com", true, "200 OK"}, {"gone.example.com", false, "answered 410 Gone"},
		{"bad.example.com", false, "no answer: lookup ${HOOK}: no such host"}, {"arn:aws:sns:eu-west-2:123456789012:scaling", true, "published as m-1"},
	}
	for i := range want {
		if tried[i] != want[i] {
			t.Errorf("%+v, want %+v", tried[i], want[i])
		}
	}
	if !strings.Contains(s.body, `"kind":"test"`) {
		t.Errorf("sent %s", s.body)
	}
}
