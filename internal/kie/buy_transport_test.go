// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
)

// Whatever is wrong before there is a connection, no byte has left and nothing
// can have been bought.
func TestBuyNotSent(t *testing.T) {
	secure := kieapi.NewServer(t, kieapi.Answering(200, acceptedBody), kieapi.WithTLS)
	plain := kieapi.NewServer(t, kieapi.Answering(200, acceptedBody))
	proxy := kieapi.NewServer(t, kieapi.Answering(http.StatusBadGateway, "")) // the transport asks it for a tunnel
	mail := newWire(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "220 mail.example ESMTP\r\n") })
	closing := newWire(t, func(net.Conn) {})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	t.Cleanup(cancel)

	for _, tc := range []struct {
		name, reason string
		ep           Endpoint
		ctx          context.Context
		prepare      func(*http.Transport)
		cause        error
	}{
		{name: "connection refused", reason: "nobody listens", ep: endpointAt("http://" + kieapi.RefusingAddress(t))},
		{
			name: "no such name", reason: "the name leads nowhere", ep: endpointAt("https://kie.invalid"),
			prepare: func(transport *http.Transport) {
				transport.Proxy = nil
				transport.DialContext = (&net.Dialer{Resolver: &net.Resolver{
					PreferGo: true,
					Dial: func(context.Context, string, string) (net.Conn, error) {
						return nil, errors.New("no name server")
					},
				}}).DialContext
			},
		},
		{name: "untrusted certificate", reason: "it could be anybody", ep: endpointAt(secure.URL)},
		{
			name: "certificate of another name", reason: "it is somebody else", ep: endpointAt(secure.URL),
			prepare: func(transport *http.Transport) {
				roots := x509.NewCertPool()
				roots.AddCert(secure.Certificate())
				transport.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "api.kie.ai", MinVersion: tls.VersionTLS12}
			},
		},
		{name: "no TLS", reason: "something else listens there", ep: endpointAt("https://" + mail.listener.Addr().String())},
		{name: "closed in the handshake", reason: "no TLS came about", ep: endpointAt("https://" + closing.listener.Addr().String())},
		{
			name: "refused by a proxy", reason: "the proxy did not open the tunnel", ep: endpointAt("https://kie.invalid"),
			prepare: func(transport *http.Transport) {
				address, err := url.Parse(proxy.URL)
				transport.Proxy = func(*http.Request) (*url.URL, error) { return address, err }
			},
		},
		{name: "cancelled before", reason: "it was over before it began", ep: endpointAt(plain.URL), ctx: cancelled, cause: context.Canceled},
		{name: "expired before", reason: "it was over before it began", ep: endpointAt(plain.URL), ctx: expired, cause: context.DeadlineExceeded},
		{name: "bad address", reason: "no request can be made of it", ep: endpointAt("http://bad host")},
		{name: "no scheme", reason: "no request can be made of it", ep: endpointAt("api.example")},
		{name: "no host", reason: "no request can be made of it", ep: endpointAt("https://")},
		{name: "unknown scheme", reason: "no request can be made of it", ep: endpointAt("ftp://api.example")},
		{name: "key with a line break", reason: "a header cannot hold it", ep: Endpoint{BaseURL: plain.URL, APIKey: testKey + "\n"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, ctx := newTestClient(t), t.Context()
			if tc.ctx != nil {
				ctx = tc.ctx
			}
			if tc.prepare != nil {
				_, purchases := transports(t, c)
				tc.prepare(purchases)
			}
			got := c.Buy(ctx, tc.ep, testPurchase)
			checkSubmission(t, got)
			if got.Outcome != NotSent || got.Err.Class != Unavailable || got.Err.Code != 0 || got.Err.Err == nil {
				t.Errorf("%s: got %s, %v", tc.reason, got.Outcome, got.Err)
			}
			if tc.cause != nil && !errors.Is(got.Err, tc.cause) {
				t.Errorf("%s: got %v, want %v inside", tc.reason, got.Err, tc.cause)
			}
		})
	}
	if n := secure.Requests.Load() + plain.Requests.Load(); n != 0 {
		t.Errorf("got %d requests, want 0", n)
	}
	if n := proxy.Requests.Load(); n != 1 {
		t.Errorf("the proxy got %d requests, want 1 CONNECT", n)
	}
	if n := posts(slices.Concat(mail.received(t), closing.received(t))); n != 0 {
		t.Errorf("got %d requests, want 0", n)
	}
}

// The caller's time is up in the middle of the handshake. The transport goes on
// with the handshake all the same, but must not send the request then.
func TestBuyTimeOutInHandshake(t *testing.T) {
	certificate := kieapi.NewServer(t, kieapi.Answering(200, ""), kieapi.WithTLS)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	proceed := make(chan struct{})
	sent := make(chan []byte, 1)
	server := newWire(t, func(conn net.Conn) {
		first := make([]byte, 1)
		if _, err := io.ReadFull(conn, first); err != nil {
			return
		}
		cancel()
		<-proceed
		secure := tls.Server(&prefixed{Conn: conn, prefix: first}, certificate.TLS)
		bytes, _ := io.ReadAll(secure)
		sent <- bytes
	})
	c := newTestClient(t)
	trust(t, c, certificate.Certificate())
	got := c.Buy(ctx, endpointAt("https://"+server.listener.Addr().String()), testPurchase)
	close(proceed)
	checkSubmission(t, got)
	if got.Outcome != NotSent || !errors.Is(got.Err, context.Canceled) {
		t.Errorf("got %s, %v, want NotSent", got.Outcome, got.Err)
	}
	if late := <-sent; len(late) != 0 {
		t.Errorf("got a request after the caller had been told NotSent: %q", late)
	}
}

// prefixed gives back what was read of a connection too early.
type prefixed struct {
	net.Conn
	prefix []byte
}

func (c *prefixed) Read(p []byte) (int, error) {
	if len(c.prefix) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.prefix)
	c.prefix = c.prefix[n:]
	return n, nil
}

// From the moment at which there is a connection, the lack of an answer leaves
// open what the server has done, and the request is not sent again.
func TestBuyWithoutAnswer(t *testing.T) {
	answer := func(text string) func(net.Conn, func()) {
		return func(conn net.Conn, _ func()) {
			if readRequest(bufio.NewReader(conn)) != nil {
				_, _ = io.WriteString(conn, text)
			}
		}
	}
	for _, tc := range []struct {
		name, reason string
		handle       func(conn net.Conn, cancel func())
		posts        int
		cause        error
	}{
		{
			name: "closed at once", reason: "the server may have read it", posts: 0,
			handle: func(net.Conn, func()) {},
		},
		{
			name: "closed after the headers", reason: "the server has read enough to know whose it is", posts: 1,
			handle: func(conn net.Conn, _ func()) { _, _ = http.ReadRequest(bufio.NewReaderSize(conn, 16)) },
		},
		{
			name: "closed after the body", reason: "the server has read all of it", posts: 1,
			handle: func(conn net.Conn, _ func()) { readRequest(bufio.NewReader(conn)) },
		},
		{
			name: "reset after the body", reason: "the server has read all of it", posts: 1,
			handle: func(conn net.Conn, _ func()) {
				readRequest(bufio.NewReader(conn))
				reset(conn)
			},
		},
		{name: "closed in the status line", reason: "half an answer is none", posts: 1, handle: answer("HTTP/1.1 20")},
		{name: "closed in the headers", reason: "half an answer is none", posts: 1, handle: answer("HTTP/1.1 429 Too Many Requests\r\nContent-")},
		{
			name: "closed in the body", reason: "half an answer is none, even if it looks whole", posts: 1,
			handle: answer("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + acceptedBody),
		},
		{
			name: "closed in the body of a refusal", reason: "the half that is missing could name a task", posts: 1,
			handle: answer("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 1000\r\n\r\n{\"code\":429}"),
		},
		{
			name: "closed in a chunk", reason: "half an answer is none", posts: 1,
			handle: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n" + acceptedBody),
		},
		{
			name: "reset in the body", reason: "half an answer is none", posts: 1,
			handle: func(conn net.Conn, _ func()) {
				answer("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"+acceptedBody)(conn, nil)
				reset(conn)
			},
		},
		{name: "another protocol", reason: "it cannot be read", posts: 1, handle: answer("SSH-2.0-OpenSSH_9.9\r\n")},
		{name: "headers without end", reason: "it is too long to be an answer", posts: 1, handle: answer("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxResponseHeaderBytes) + "\r\nConnection: close\r\n\r\n" + acceptedBody)},
		{name: "two lengths", reason: "one of them is a lie", posts: 1, handle: answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}")},
		{name: "only an interim answer", reason: "the last word was not heard", posts: 1, handle: answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n")},
		{name: "another protocol to go on with", reason: "nobody asked for it", posts: 1, handle: answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")},
		{name: "a redirect to no address", reason: "it cannot be read", posts: 1, handle: answer("HTTP/1.1 302 Found\r\nLocation: http://bad host\r\nContent-Length: 0\r\n\r\n")},
		{
			name: "time-out before the answer", reason: "the server has read all of it", posts: 1, cause: context.Canceled,
			handle: func(conn net.Conn, cancel func()) {
				readRequest(bufio.NewReader(conn))
				cancel()
				_, _ = io.Copy(io.Discard, conn)
			},
		},
		{
			name: "time-out in the answer", reason: "half an answer is none", posts: 1, cause: context.Canceled,
			handle: func(conn net.Conn, cancel func()) {
				answer("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"+acceptedBody)(conn, nil)
				cancel()
				_, _ = io.Copy(io.Discard, conn)
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server := newWire(t, func(conn net.Conn) { tc.handle(conn, cancel) })
			got := newTestClient(t).Buy(ctx, endpointAt(server.url()), testPurchase)
			checkSubmission(t, got)
			if got.Outcome != Unknown || got.Err.Class != Unavailable || got.Err.Err == nil {
				t.Errorf("%s: got %s, %v, want Unknown", tc.reason, got.Outcome, got.Err)
			}
			if tc.cause != nil && !errors.Is(got.Err, tc.cause) {
				t.Errorf("%s: got %v, want %v inside", tc.reason, got.Err, tc.cause)
			}
			received := server.received(t)
			if len(received) != 1 || posts(received) < tc.posts || posts(received) > 1 {
				t.Errorf("%s: want one connection with one request, got %q", tc.reason, received)
			}
		})
	}
}

// reset closes a connection with an error at the other end.
func reset(conn net.Conn) {
	if wc, ok := conn.(*wireConn); ok {
		if tcp, ok := wc.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	_ = conn.Close()
}

func TestBuyBoundsTheAnswer(t *testing.T) {
	padded := func(size int) string { return acceptedBody + strings.Repeat(" ", size-len(acceptedBody)) }
	for _, tc := range []struct {
		name, reason string
		handler      http.HandlerFunc
		outcome      Outcome
	}{
		{"1 MiB", "as much as is read", kieapi.Answering(200, padded(maxResponseBytes)), Accepted},
		{"more than 1 MiB", "the rest could say something else", kieapi.Answering(200, padded(maxResponseBytes+1)), Unknown},
		{"a refusal of more than 1 MiB", "the rest could name a task", kieapi.Answering(429, strings.Repeat(" ", maxResponseBytes+1)), Unknown},
		{"without end", "nobody waits for ever", endless(200), Unknown},
		{"a refusal without end", "nobody waits for ever", endless(401), Unknown},
		{"compressed", "the API compresses its answers", compressed([]byte(acceptedBody)), Accepted},
		{"compressed, and large when unpacked", "the bound is for what is kept in memory", compressed([]byte(padded(maxResponseBytes + 1))), Unknown},
		{"compressed, says the header", "it cannot be read", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			kieapi.Answering(200, acceptedBody)(w, r)
		}, Unknown},
		{"compressed in a way that nobody asked for", "it cannot be read", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			kieapi.Answering(200, "\x8b\x02\x80{}\x03")(w, r)
		}, Unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := kieapi.NewServer(t, tc.handler)
			got := newTestClient(t).Buy(t.Context(), endpointAt(server.URL), testPurchase)
			checkSubmission(t, got)
			if got.Outcome != tc.outcome {
				t.Errorf("%s: got %s, %v, want %s", tc.reason, got.Outcome, got.Err, tc.outcome)
			}
			if n := server.Requests.Load(); n != 1 {
				t.Errorf("%s: bought %d times", tc.reason, n)
			}
		})
	}
}

func compressed(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Encoding", "gzip")
		packer := gzip.NewWriter(w)
		_, _ = packer.Write(body)
		_ = packer.Close()
	}
}

// A purchase never goes out on a connection that was used before, so a server
// that closes idle connections leaves nothing open about money.
func TestBuyUsesAConnectionOfItsOwn(t *testing.T) {
	for _, tc := range []struct {
		reason string
		option func(*httptest.Server)
		proto  string
	}{
		{"without TLS", func(*httptest.Server) {}, "HTTP/1.1"},
		{"with TLS", kieapi.WithTLS, "HTTP/1.1"},
		{"many requests fit on one HTTP/2 connection", kieapi.WithHTTP2, "HTTP/2.0"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			var purchases atomic.Int32
			var mu sync.Mutex
			clients := map[string]int{}
			server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Proto != tc.proto {
					t.Errorf("got %s, want %s", r.Proto, tc.proto)
				}
				if r.Method == http.MethodGet {
					kieapi.Answering(200, `{"code":200,"data":1}`)(w, r)
					return
				}
				purchases.Add(1)
				mu.Lock()
				clients[r.RemoteAddr]++
				mu.Unlock()
				kieapi.Answering(200, acceptedBody)(w, r)
			}, tc.option)
			c := newTestClient(t)
			if server.Certificate() != nil {
				trust(t, c, server.Certificate())
			}
			const rounds = 4
			for range rounds {
				if _, err := c.Credits(t.Context(), endpointAt(server.URL)); err != nil {
					t.Fatal(err)
				}
				if got := c.Buy(t.Context(), endpointAt(server.URL), testPurchase); got.Outcome != Accepted {
					t.Errorf("%s: got %s, %v, want Accepted", tc.reason, got.Outcome, got.Err)
				}
			}
			if n := purchases.Load(); n != rounds {
				t.Errorf("%s: got %d purchases, want %d", tc.reason, n, rounds)
			}
			if len(clients) != rounds {
				t.Errorf("%s: got %d purchases on %d connections", tc.reason, rounds, len(clients))
			}
			if n := server.Connections.Load(); n != rounds+1 {
				t.Errorf("%s: got %d connections, want one for each purchase and one for the queries", tc.reason, n)
			}
		})
	}
}

// The server offers to keep each connection and closes it right after the
// answer: the moment at which a client that keeps connections runs into it.
func TestBuyAgainstImpatientServer(t *testing.T) {
	server := newWire(t, func(conn net.Conn) {
		if readRequest(bufio.NewReader(conn)) != nil {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n%s", len(acceptedBody), acceptedBody)
		}
	})
	c := newTestClient(t)
	const purchases = 50
	for range purchases {
		if got := c.Buy(t.Context(), endpointAt(server.url()), testPurchase); got.Outcome != Accepted {
			t.Errorf("got %s, %v, want Accepted", got.Outcome, got.Err)
		}
	}
	if received := server.received(t); len(received) != purchases || posts(received) != purchases {
		t.Errorf("got %d requests on %d connections, want %d on as many", posts(received), len(received), purchases)
	}
}
