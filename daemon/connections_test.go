package daemon

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// answered makes a connection that stays open until the test ends, and says whether it is served.
func answered(t *testing.T, address string) (net.Conn, bool) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	line, err := bufio.NewReader(conn).ReadString('\n')
	return conn, err == nil && line == "HTTP/1.1 200 OK\r\n"
}

func TestConnectionsBeyondTheLimitAreClosedAndCounted(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := newConnections(prometheus.NewRegistry())
	l := c.limit(inner, "network")
	l.(*limitedListener).max = 2
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	defer func() { server.Close(); <-done }()
	var held []net.Conn
	for i := range 4 {
		conn, ok := answered(t, inner.Addr().String())
		if ok != (i < 2) {
			t.Errorf("connection %d: answered %t", i, ok)
		}
		held = append(held, conn)
	}
	if open, refused := testutil.ToFloat64(c.open.WithLabelValues("network")), testutil.ToFloat64(c.refused.WithLabelValues("network")); open != 2 || refused != 2 {
		t.Errorf("%v open, %v refused; want 2 and 2", open, refused)
	}
	held[0].Close()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if testutil.ToFloat64(c.open.WithLabelValues("network")) < 2 {
			break
		}
		<-tick.C
	}
	if _, ok := answered(t, inner.Addr().String()); !ok {
		t.Error("a place that was given back is not taken again")
	}
}

// Who holds every connection from elsewhere must not keep the health check of this machine out, and the other way round.
func TestThisMachineAndOthersHavePlacesOfTheirOwn(t *testing.T) {
	c := newConnections(prometheus.NewRegistry())
	l := &limitedListener{max: 1, held: map[bool]int{}, open: c.open.WithLabelValues("x"), refused: c.refused.WithLabelValues("x")}
	if !l.take(false) || l.take(false) || !l.take(true) || l.take(true) {
		t.Errorf("held %v", l.held)
	}
	l.release(false)
	if !l.take(false) {
		t.Error("a place is lost")
	}
}
