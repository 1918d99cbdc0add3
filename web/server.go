package web

import (
	"net/http"
	"time"
)

// NewServer gives a server for the handler with limits on what a client may cost: slow headers, slow bodies,
// slow readers and idle connections are cut off, and headers end at 16 KiB, to which net/http adds 4 in
// HTTP/1. A scrape of 10,000 targets stays far inside the 60 s it has to be read.
func NewServer(addr string, handler http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    16 << 10,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 32},
	}
}
