package daemon

import (
	"net"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// maxConnections bounds the open connections of a listener, from this machine and from elsewhere each: who holds all of
// the one kind does not keep a health check of this machine out.
const maxConnections = 256

// connections counts what is open and refused.
type connections struct {
	open    *prometheus.GaugeVec
	refused *prometheus.CounterVec
}

func newConnections(r prometheus.Registerer) *connections {
	f := promauto.With(r)
	return &connections{
		open: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ecs_autoscaler_http_connections", Help: "Open HTTP connections, by listener.",
		}, []string{"listener"}),
		refused: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_http_connections_refused_total", Help: "HTTP connections that were closed at once because too many were open.",
		}, []string{"listener"}),
	}
}

// limit bounds the connections of a listener.
func (c *connections) limit(l net.Listener, name string) net.Listener {
	return &limitedListener{
		Listener: l, max: maxConnections, held: map[bool]int{},
		open: c.open.WithLabelValues(name), refused: c.refused.WithLabelValues(name),
	}
}

// limitedListener closes what is too much at once: left waiting, it would only hold up those who come later.
type limitedListener struct {
	net.Listener
	max     int
	open    prometheus.Gauge
	refused prometheus.Counter

	mu sync.Mutex
	// held counts connections from elsewhere (false) and from this machine (true).
	held map[bool]int
}

// Accept waits for a connection for which there is room.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		local := onLoopback(c.RemoteAddr())
		if l.take(local) {
			return &heldConn{Conn: c, release: sync.OnceFunc(func() { l.release(local) })}, nil
		}
		l.refused.Inc()
		_ = c.Close() // the client will notice
	}
}

func (l *limitedListener) take(local bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[local] >= l.max {
		return false
	}
	l.held[local]++
	l.open.Inc()
	return true
}

func (l *limitedListener) release(local bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[local]--
	l.open.Dec()
}

// heldConn gives its place back when it is closed.
type heldConn struct {
	net.Conn
	release func()
}

// Close closes the connection.
func (c *heldConn) Close() error {
	c.release()
	return c.Conn.Close()
}
