package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"ecs-autoscaler/config"
)

const (
	signatureHeader = "X-Ecs-Autoscaler-Signature"
	// mostAnswer is how much of an answer is read, so that its connection can be used again.
	mostAnswer = 64 << 10
	// mostRedirects is how many of a host's own are followed.
	mostRedirects = 3
)

// webhook posts events to a URL.
type webhook struct {
	config.Webhook
	client *http.Client
}

func newWebhook(w *config.Webhook, t http.RoundTripper) *webhook {
	return &webhook{Webhook: *w, client: &http.Client{Transport: t, CheckRedirect: ownRedirects}}
}

// ownRedirects are followed that stay with the host and repeat the request: another host would get the headers, and a GET has no event.
func ownRedirects(next *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > mostRedirects || next.Method != http.MethodPost || next.URL.Host != first.URL.Host || next.URL.Scheme != first.URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// carry posts an event once.
func (w *webhook) carry(ctx context.Context, l *letter) answer {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(l.body))
	if err != nil {
		return answer{err: errors.New("the URL cannot be used"), final: true} // it was checked when it was read
	}
	for name, value := range w.Headers {
		r.Header.Set(name, value)
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "ecs-autoscaler")
	}
	r.Header.Set("Content-Type", "application/json")
	if w.Secret != "" {
		r.Header.Set(signatureHeader, sign(w.Secret, l.body))
	}
	resp, err := w.client.Do(r)
	if err != nil {
		return answer{err: unanswered(ctx, err)}
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, mostAnswer) // what it says beside the status is nobody's business
	return judge(resp)
}

// sign is the signature of a body: HMAC-SHA256, in hexadecimal digits.
func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// unanswered is why there was no answer, without the URL, which may hold a secret.
func unanswered(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s", tryFor)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if o, ok := errors.AsType[*net.OpError](err); ok {
		err = o.Err // without the address, which the destination's name has
	}
	return fmt.Errorf("no answer: %w", err)
}

// judge says what an answer means.
func judge(resp *http.Response) answer {
	said := strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode)
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return answer{said: said}
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		return answer{err: errors.New("answered " + said), after: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	case code >= 300 && code < 400:
		return answer{err: errors.New("answered " + said + ", which is not followed: give the URL that it leads to"), final: true}
	default:
		return answer{err: errors.New("answered " + said), final: true}
	}
}

// retryAfter reads the header of that name: seconds or a date; 0 where it says nothing.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(max(0, min(seconds, int(giveUpAfter/time.Second)))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
