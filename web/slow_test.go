package web

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serving serves h with the real server's limits, all shortened alike, on a loopback socket.
func serving(t *testing.T, h http.Handler, short time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(l.Addr().String(), h)
	for _, limit := range []*time.Duration{&s.ReadHeaderTimeout, &s.ReadTimeout, &s.WriteTimeout, &s.IdleTimeout} {
		if *limit <= 0 || *limit > 2*time.Minute {
			t.Errorf("a limit of %s is none", *limit)
		}
		*limit = short
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return l.Addr().String()
}

// cutOff sends the beginning of a request, then a byte now and then, and waits until the server has had enough.
func cutOff(t *testing.T, address, beginning string, drip byte) time.Duration {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	if err := conn.SetDeadline(began.Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, beginning)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := conn.Write([]byte{drip}); err != nil {
				return
			}
		}
	}()
	<-ended
	return time.Since(began)
}

func TestSlowClientsAreCutOff(t *testing.T) {
	o, _ := guarding(t)
	address := serving(t, New(o), 100*time.Millisecond)
	for name, c := range map[string]struct {
		beginning string
		drip      byte
	}{
		"headers that never end":  {"GET /metrics HTTP/1.1\r\nHost: x\r\nX-A: ", 'b'},
		"a request line":          {"GET /", 'a'},
		"a body that never ends":  {"POST /api/v1/reload HTTP/1.1\r\nHost: x\r\n" + TokenHeader + ": " + goodToken + "\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{", ' '},
		"nothing after an answer": {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", '\n'},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if took := cutOff(t, address, c.beginning, c.drip); took > 3*time.Second {
				t.Errorf("the connection was open for %s", took)
			}
		})
	}
}

func TestAClientThatDoesNotReadIsCutOff(t *testing.T) {
	ended := make(chan struct{})
	endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		block := make([]byte, 1<<20)
		for {
			if _, err := w.Write(block); err != nil {
				close(ended)
				return
			}
		}
	})
	conn, err := net.Dial("tcp", serving(t, endless, 100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	timeout := time.NewTimer(5 * time.Second)
	defer timeout.Stop()
	select {
	case <-ended:
	case <-timeout.C:
		t.Error("the answer is still being written")
	}
}

func TestHeadersEndAtTwentyKilobytes(t *testing.T) {
	o, _ := guarding(t)
	address := serving(t, New(o), 2*time.Second)
	for length, want := range map[int]string{19 << 10: "200", 21 << 10: "431"} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n", strings.Repeat("a", length))
		line, _ := bufio.NewReader(conn).ReadString('\n')
		if conn.Close(); !strings.Contains(line, want) {
			t.Errorf("%d bytes are answered %q, want %s", length, line, want)
		}
	}
}
