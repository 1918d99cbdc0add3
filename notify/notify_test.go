package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/view"
)

// secret is what stands for ${HOOK} in the tests' configurations.
const secret = "wJalrXUtnFEMI-K7MDENG"

func parse(t *testing.T, events string) *config.Config {
	t.Helper()
	text := "events: " + events + "\ntargets: [{service: c/web, min_capacity: 1, max_capacity: 4, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]}]\n"
	c, found := config.Parse(config.Source{Name: "test.yaml", Text: []byte(text)}, func(string) (string, bool) { return secret, true })
	if c == nil {
		t.Fatal(found.Detail())
	}
	return c
}

const one = `{webhooks: [{url: "https://hooks.example.com/${HOOK}", headers: {Authorization: "Bearer ${HOOK}"}}]}`

// site is a webhook's other end. What it answers a test says; nil is 204.
type site struct {
	mu     sync.Mutex
	got    []string // messages, as they were accepted
	tries  []time.Time
	last   *http.Request
	body   string
	answer func(n int, r *http.Request) (*http.Response, error)
}

func status(code int, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: code, Header: h, Body: io.NopCloser(strings.NewReader("what a site says"))}
}

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.tries = append(s.tries, time.Now())
	s.last, s.body = r, string(body)
	n, answer := len(s.tries), s.answer
	s.mu.Unlock()
	resp := status(http.StatusNoContent)
	if answer != nil {
		if resp, err = answer(n, r); err != nil {
			return nil, err
		}
	}
	if resp.StatusCode < 300 {
		_, message, _ := strings.Cut(string(body), `"message":"`)
		message, _, _ = strings.Cut(message, `"`)
		s.mu.Lock()
		s.got = append(s.got, message)
		s.mu.Unlock()
	}
	return resp, nil
}

func (s *site) accepted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func (s *site) tried() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tries)
}

// bench is a sender and what it says.
type bench struct {
	*Sender
	t    *testing.T
	logs *observer.ObservedLogs
}

func inTime(t *testing.T, events string, s *site, test func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		b := &bench{New(Options{Transport: s, Logger: zap.New(core), Registerer: prometheus.NewRegistry()}), t, logs}
		b.Reload(parse(t, events))
		test(b)
		b.Close(t.Context())
		for _, e := range logs.All() {
			if said := fmt.Sprint(e.Message, e.ContextMap()); strings.Contains(said, secret[:8]) {
				t.Errorf("the log shows the secret: %s", said)
			}
		}
	})
}

func event(n int) view.Event {
	e := view.About(config.EventScalingActivity, "InProgress", evaluator.Key{Cluster: "c", Service: "web"}, time.Unix(int64(n), 0))
	e.Message = fmt.Sprint(n)
	return e
}

func (b *bench) send(from, to int) {
	for n := from; n < to; n++ {
		b.Notify(event(n))
	}
}

func numbers(from, to int) (all []string) {
	for n := from; n < to; n++ {
		all = append(all, fmt.Sprint(n))
	}
	return all
}

func (b *bench) counted(r result, want int) {
	b.t.Helper()
	got := 0.0
	for _, name := range []string{"hooks.example.com", "hooks.example.com (2)", "other.example.com"} {
		got += testutil.ToFloat64(b.telemetry.events.WithLabelValues(name, "scaling_activity", string(r)))
	}
	if got != float64(want) {
		b.t.Errorf("%v events count as %s, want %d", got, r, want)
	}
}

func (b *bench) logged(text string) int {
	return b.logs.Filter(func(e observer.LoggedEntry) bool { return strings.Contains(e.Message, text) }).Len()
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("arrived %v, want %v", got, want)
	}
}

func TestEventsArriveInTheirOrder(t *testing.T) {
	s := &site{}
	inTime(t, one, s, func(b *bench) {
		b.send(0, 50)
		synctest.Wait()
		same(t, s.accepted(), numbers(0, 50))
		b.counted(delivered, 50)
		if s.last.Method != http.MethodPost || s.last.URL.String() != "https://hooks.example.com/"+secret ||
			s.last.Header.Get("Authorization") != "Bearer "+secret || s.last.Header.Get("Content-Type") != "application/json" {
			t.Errorf("request %s %s with %v", s.last.Method, s.last.URL, s.last.Header)
		}
		if s.last.Header.Get(signatureHeader) != "" {
			t.Error("signed without a secret")
		}
	})
}

func TestABodyIsSignedWithTheSecret(t *testing.T) {
	s := &site{}
	inTime(t, `{webhooks: [{url: "https://hooks.example.com/", secret: "0123456789abcdef"}]}`, s, func(b *bench) {
		b.send(0, 1)
		synctest.Wait()
		if got, want := s.last.Header.Get("X-Ecs-Autoscaler-Signature"), sign("0123456789abcdef", []byte(s.body)); got != want || len(got) != 7+64 {
			t.Errorf("signature %s, want %s", got, want)
		}
	})
	// RFC 4231, test case 2.
	if got := sign("Jefe", []byte("what do ya want for nothing?")); got != "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" {
		t.Errorf("the signature is %s", got)
	}
}

func TestWhatFailsIsTriedAgainLaterAndLater(t *testing.T) {
	s := &site{answer: func(n int, _ *http.Request) (*http.Response, error) {
		if n <= 8 {
			return status(http.StatusServiceUnavailable), nil
		}
		return status(http.StatusOK), nil
	}}
	inTime(t, one, s, func(b *bench) {
		b.send(0, 3)
		time.Sleep(10 * time.Minute)
		same(t, s.accepted(), numbers(0, 3))
		b.counted(delivered, 3)
		tries := s.tried()
		for i := 1; i <= 8; i++ {
			most := min(lastRetry, firstRetry<<(i-1))
			if got := tries[i].Sub(tries[i-1]); got < most/2 || got > most {
				t.Errorf("try %d came %s after the one before, want %s to %s", i+1, got, most/2, most)
			}
		}
		if b.logged("events cannot be delivered") != 1 || b.logged("solved: events can be delivered again") != 1 {
			t.Errorf("told %d and %d times, want once each", b.logged("cannot be delivered"), b.logged("solved"))
		}
	})
}

func TestASiteThatAsksForAWhileIsLeftAloneForIt(t *testing.T) {
	for name, header := range map[string]func() string{
		"in seconds": func() string { return "120" },
		"by a date":  func() string { return time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			s := &site{answer: func(n int, _ *http.Request) (*http.Response, error) {
				if n == 1 {
					return status(http.StatusTooManyRequests, "Retry-After", header()), nil
				}
				return status(http.StatusOK), nil
			}}
			inTime(t, one, s, func(b *bench) {
				b.send(0, 2)
				time.Sleep(3 * time.Minute)
				same(t, s.accepted(), numbers(0, 2))
				if tries := s.tried(); tries[1].Sub(tries[0]) < 119*time.Second {
					t.Errorf("tried again after %s", tries[1].Sub(tries[0]))
				}
			})
		})
	}
}

func TestWhatIsRefusedIsNotTriedAgain(t *testing.T) {
	for _, code := range []int{400, 401, 403, 404, 410, 413, 302} {
		s := &site{answer: func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return status(code, "Location", "https://evil.example.com/"), nil
			}
			return status(http.StatusOK), nil
		}}
		inTime(t, one, s, func(b *bench) {
			b.send(0, 3)
			time.Sleep(time.Second)
			same(t, s.accepted(), numbers(1, 3))
			b.counted(refused, 1)
			b.counted(delivered, 2)
		})
	}
}

func TestARedirectIsFollowedOnlyOnTheHostItself(t *testing.T) {
	for to, followed := range map[string]bool{
		"https://hooks.example.com/elsewhere": true, "/elsewhere": true,
		"https://evil.example.com/": false, "http://hooks.example.com/": false, "https://hooks.example.com:444/": false,
	} {
		s := &site{answer: func(n int, r *http.Request) (*http.Response, error) {
			if r.URL.Host != "hooks.example.com" || r.URL.Scheme != "https" {
				t.Errorf("%s got a request with the headers %v", r.URL, r.Header)
			}
			if n == 1 {
				return status(http.StatusPermanentRedirect, "Location", to), nil
			}
			return status(http.StatusOK), nil
		}}
		inTime(t, one, s, func(b *bench) {
			b.send(0, 1)
			time.Sleep(time.Second)
			if got := len(s.accepted()) == 1; got != followed {
				t.Errorf("to %s: followed is %t", to, got)
			}
		})
	}
}

func TestASiteThatHangsCostsTenSecondsATry(t *testing.T) {
	s := &site{answer: func(n int, r *http.Request) (*http.Response, error) {
		if n == 1 {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		return status(http.StatusOK), nil
	}}
	inTime(t, one, s, func(b *bench) {
		began := time.Now()
		b.send(0, 5)
		if took := time.Since(began); took > 0 {
			t.Errorf("whoever told of the events waited %s", took)
		}
		time.Sleep(time.Minute)
		same(t, s.accepted(), numbers(0, 5))
		if tries := s.tried(); tries[1].Sub(tries[0]) < tryFor || tries[1].Sub(tries[0]) > tryFor+firstRetry {
			t.Errorf("the second try came after %s", tries[1].Sub(tries[0]))
		}
		if b.logs.FilterField(zap.String("error", "no answer within 10s")).Len() != 1 {
			t.Errorf("it is told as %v", b.logs.All()[0].ContextMap())
		}
	})
}

func TestAnEventIsGivenUpAfterAQuarterOfAnHour(t *testing.T) {
	var up atomic.Bool
	s := &site{}
	s.answer = func(int, *http.Request) (*http.Response, error) {
		if !up.Load() {
			return nil, errors.New("dial tcp " + secret + ": connection refused")
		}
		return status(http.StatusOK), nil
	}
	inTime(t, one, s, func(b *bench) {
		b.send(0, 3)
		time.Sleep(14 * time.Minute)
		b.counted(givenUp, 0)
		b.send(3, 5)
		time.Sleep(5 * time.Minute)
		b.counted(givenUp, 3)
		up.Store(true)
		time.Sleep(2 * time.Minute)
		same(t, s.accepted(), numbers(3, 5))
		if last := b.logs.All()[b.logs.Len()-1]; last.ContextMap()["lost"] != int64(3) {
			t.Errorf("at the end it says %s %v", last.Message, last.ContextMap())
		}
	})
}

func TestAFullQueueDropsTheOldestAndCountsThem(t *testing.T) {
	release := make(chan struct{})
	s := &site{answer: func(n int, r *http.Request) (*http.Response, error) {
		if n == 1 {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
		return status(http.StatusOK), nil
	}}
	synctest.Test(t, func(t *testing.T) {
		release = make(chan struct{})
		b := &bench{New(Options{Transport: s, Logger: zap.NewNop(), Registerer: prometheus.NewRegistry()}), t, nil}
		b.Reload(parse(t, one))
		b.send(0, 1)
		synctest.Wait()
		b.send(1, queued+101)
		b.counted(dropped, 101)
		if got := testutil.ToFloat64(b.telemetry.queued); got != queued {
			t.Errorf("%v are queued, want %d", got, queued)
		}
		close(release)
		synctest.Wait()
		same(t, s.accepted(), append([]string{"0"}, numbers(102, queued+101)...))
		b.counted(delivered, queued)
		b.Close(t.Context())
		if got := testutil.ToFloat64(b.telemetry.queued); got != 0 {
			t.Errorf("%v are queued at the end", got)
		}
	})
}

func TestAStopDeliversForAWhileAndCountsTheRest(t *testing.T) {
	slow := func(_ int, r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(time.Second):
			return status(http.StatusOK), nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	s := &site{answer: slow}
	inTime(t, one, s, func(b *bench) {
		b.send(0, 10)
		ctx, cancel := context.WithTimeout(b.t.Context(), 5500*time.Millisecond)
		defer cancel()
		began := time.Now()
		b.Close(ctx)
		if took := time.Since(began); took != 5500*time.Millisecond {
			t.Errorf("the stop took %s", took)
		}
		same(t, s.accepted(), numbers(0, 5))
		b.counted(unsent, 5)
		if b.logged("events were not delivered before the end") != 1 {
			t.Errorf("the log says %v", b.logs.All())
		}
		b.send(10, 11) // nobody is left to take it
	})
}

func TestAStopDoesNotWaitForTheNextTry(t *testing.T) {
	s := &site{answer: func(n int, _ *http.Request) (*http.Response, error) {
		if n <= 8 {
			return status(http.StatusBadGateway), nil
		}
		return status(http.StatusOK), nil
	}}
	inTime(t, one, s, func(b *bench) {
		b.send(0, 2)
		time.Sleep(70 * time.Second) // six tries or seven, the next in half a minute or more
		ctx, cancel := context.WithTimeout(b.t.Context(), 5*time.Second)
		defer cancel()
		b.Close(ctx)
		same(t, s.accepted(), numbers(0, 2))
	})
}

func TestADestinationGetsTheKindsItWants(t *testing.T) {
	s := &site{}
	inTime(t, `{webhooks: [{url: "https://hooks.example.com", kinds: [failure, at_max]}]}`, s, func(b *bench) {
		for _, k := range []config.EventKind{config.EventScalingActivity, config.EventFailure, config.EventConflict, config.EventAtMax} {
			e := event(0)
			e.Kind, e.Message = k, string(k)
			b.Notify(e)
		}
		synctest.Wait()
		same(t, s.accepted(), []string{"failure", "at_max"})
	})
}

func TestAReloadKeepsTheQueueOfWhatStays(t *testing.T) {
	s := &site{answer: func(_ int, r *http.Request) (*http.Response, error) {
		if r.URL.Host == "hooks.example.com" && time.Now().Second() < 30 { // from midnight on
			return status(http.StatusServiceUnavailable), nil
		}
		return status(http.StatusOK), nil
	}}
	other := `{webhooks: [{url: "https://other.example.com"}, ` + strings.TrimPrefix(one, "{webhooks: [")
	inTime(t, one, s, func(b *bench) {
		b.send(0, 3)
		time.Sleep(time.Second)
		b.Reload(parse(t, other))
		b.send(3, 4)
		time.Sleep(2 * time.Minute)
		same(t, s.accepted(), []string{"3", "0", "1", "2", "3"})
		b.Reload(parse(t, "{}"))
		b.send(4, 5)
		synctest.Wait()
		b.counted(delivered, 5)
	})
}

func TestAReloadCountsWhatWasStillToGoToADestinationThatIsGone(t *testing.T) {
	s := &site{answer: func(int, *http.Request) (*http.Response, error) { return status(http.StatusServiceUnavailable), nil }}
	inTime(t, one, s, func(b *bench) {
		b.send(0, 3)
		time.Sleep(time.Second)
		b.Reload(parse(t, "{at_max_after: 5m}"))
		synctest.Wait()
		b.counted(unsent, 3)
	})
}

func TestDestinationsOfOneNameAreToldApart(t *testing.T) {
	c := parse(t, `{webhooks: [{url: "https://hooks.example.com/a"}, {url: "https://hooks.example.com:8443/b"}, {url: "https://u:${HOOK}@hooks.example.com:8443/c"}], sns: [{topic_arn: "arn:aws:sns:eu-west-2:123456789012:scaling"}]}`)
	var names []string
	for _, a := range addresses(c) {
		names = append(names, a.name)
	}
	same(t, names, []string{"hooks.example.com", "hooks.example.com:8443", "hooks.example.com:8443 (2)", "arn:aws:sns:eu-west-2:123456789012:scaling"})
}
