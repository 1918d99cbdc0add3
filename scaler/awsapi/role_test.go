package awsapi

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// broken is a provider that fails as long as err is set, and counts.
type broken struct {
	err   error
	asked []time.Time
}

func (b *broken) Retrieve(context.Context) (aws.Credentials, error) {
	b.asked = append(b.asked, time.Now())
	if b.err != nil {
		return aws.Credentials{}, b.err
	}
	return aws.Credentials{AccessKeyID: "k", SecretAccessKey: "s", CanExpire: true, Expires: time.Now().Add(time.Hour)}, nil
}

func (b *broken) checkWaits(t *testing.T) {
	t.Helper()
	for i := 1; i < len(b.asked); i++ {
		if gap := b.asked[i].Sub(b.asked[i-1]); gap < firstRetry/2 || gap > lastRetry+time.Second {
			t.Errorf("the %dth wait is %s", i, gap)
		}
	}
}

func TestCredentialsThatCannotBeHadAreAskedForLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broken{err: &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}}
		var told []error
		p := &patient{next: b, change: func(err error) { told = append(told, err) }}
		for range 3600 {
			if _, err := p.Retrieve(t.Context()); Code(err) != "AccessDenied" {
				t.Fatalf("error %v, want the last one", err)
			}
			time.Sleep(time.Second)
		}
		b.checkWaits(t)
		if n := len(b.asked); n < 12 || n > 35 {
			t.Errorf("asked %d times in an hour", n)
		}
		if len(told) != 1 || p.trouble() == "" {
			t.Errorf("told %d times, trouble %q", len(told), p.trouble())
		}
		b.err = nil
		time.Sleep(lastRetry)
		if _, err := p.Retrieve(t.Context()); err != nil || len(told) != 2 || told[1] != nil || p.trouble() != "" {
			t.Errorf("%v, told %v, trouble %q", err, told, p.trouble())
		}
	})
}

func TestCredentialsAreUsedToTheirEndWhenTheyCannotBeRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broken{}
		cache := aws.NewCredentialsCache(&patient{next: b}, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewBefore })
		if _, err := cache.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.err = errors.New("STS is down")
		time.Sleep(55 * time.Minute)
		if _, err := cache.Retrieve(t.Context()); err != nil || len(b.asked) < 2 {
			t.Errorf("%v after %d requests, want credentials that are still good", err, len(b.asked))
		}
		time.Sleep(6 * time.Minute)
		if _, err := cache.Retrieve(t.Context()); err == nil {
			t.Error("credentials after their end")
		}
	})
}
