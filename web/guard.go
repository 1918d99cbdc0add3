package web

import (
	"cmp"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.uber.org/zap"
)

// TokenHeader is where a token may stand instead of Authorization, which is taken where the web configuration file asks
// for basic auth.
const TokenHeader = "X-Ecs-Autoscaler-Token"

// refusalsSaid is how often refused tokens are logged: somebody who tries them must not fill the disk.
const refusalsSaid = time.Minute

// refusal is a reason for which a request is turned away, the label of a metric.
type refusal string

const (
	noTokenFile refusal = "no_token_file"
	badToken    refusal = "token"
	tokenFile   refusal = "token_file"
	crossSite   refusal = "cross_site"
	wrongHost   refusal = "host"
	overloaded  refusal = "overloaded"
)

// refusals are all reasons.
var refusals = []refusal{noTokenFile, badToken, tokenFile, crossSite, wrongHost, overloaded}

// GuardOptions say what a Guard goes by.
type GuardOptions struct {
	// Tokens are what commands need; nil permits none to anybody.
	Tokens *TokenFile
	// Registerer counts the requests that were turned away; nil counts nothing.
	Registerer prometheus.Registerer
	// Logger tells of refused tokens, at most once a minute; nil is silent.
	Logger *zap.Logger
	// Now is the daemon's clock; nil is time.Now.
	Now func() time.Time
}

// Guard turns away the requests that may not change anything, and counts all that are turned away. One guard serves
// the listener and the control socket.
type Guard struct {
	GuardOptions
	refused *prometheus.CounterVec

	mu   sync.Mutex
	said map[string]*saying
}

// saying is when a refusal was last logged, and how many were not since.
type saying struct {
	at     time.Time
	unsaid int
}

// NewGuard makes a guard. It is an error if the token file cannot be used.
func NewGuard(o GuardOptions) (*Guard, error) {
	if o.Tokens != nil {
		if _, err := o.Tokens.Tokens(); err != nil {
			return nil, err
		}
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	g := &Guard{GuardOptions: o, said: map[string]*saying{}, refused: promauto.With(o.Registerer).NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "http_requests_refused_total",
		Help: "HTTP requests that were turned away, by reason.",
	}, []string{"reason"})}
	for _, r := range refusals {
		g.refused.WithLabelValues(string(r))
	}
	return g, nil
}

// authorize is nil for a request that may change something.
func (g *Guard) authorize(r *http.Request) error {
	if g.Tokens == nil {
		g.refuse(noTokenFile)
		return &problem{http.StatusForbidden, forbidden,
			"commands are not taken over this listener: set token_file in the configuration and send one of its tokens, or use the control socket (control_socket)"}
	}
	tokens, err := g.Tokens.Tokens()
	if err != nil {
		g.refuse(tokenFile)
		g.say(tokenFile, "commands are refused: the token file cannot be used", zap.Error(err))
		return &problem{http.StatusServiceUnavailable, unavailable, "the token file cannot be used at present; the daemon's log says why"}
	}
	if presented := presentedToken(r); presented == "" || !anyOf(presented, tokens) {
		g.refuse(badToken)
		g.say(badToken, "a request was refused: it had no valid token", zap.String("from", r.RemoteAddr), zap.String("path", r.URL.Path))
		return &problem{http.StatusUnauthorized, unauthorized,
			"this needs a token: send Authorization: Bearer TOKEN, or " + TokenHeader + ": TOKEN where Authorization is taken by basic auth"}
	}
	return nil
}

// presentedToken is what a client sends, "" if nothing.
func presentedToken(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	return strings.TrimSpace(cmp.Or(token, r.Header.Get(TokenHeader)))
}

func (g *Guard) refuse(why refusal) { g.refused.WithLabelValues(string(why)).Inc() }

// say logs a refusal, unless one of its kind was logged a moment ago.
func (g *Guard) say(why refusal, message string, fields ...zap.Field) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, last := g.Now(), g.said[string(why)]
	if last == nil {
		last = &saying{}
		g.said[string(why)] = last
	} else if now.Sub(last.at) < refusalsSaid {
		last.unsaid++
		return
	}
	if last.unsaid > 0 {
		fields = append(fields, zap.Int("not_logged_before", last.unsaid))
	}
	*last = saying{at: now}
	g.Logger.Warn(message, fields...)
}
