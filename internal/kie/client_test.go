// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
)

const (
	testKey    = "kie-test-key-0f4b81d2"
	testTaskID = "5a1f0c3e9b7d48e2a6c4f80b1d2e3a47"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newTestClient returns a Client of which nothing is left after the test.
func newTestClient(t testing.TB) *Client {
	t.Helper()
	c := NewClient()
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// transports returns what the Client sends with.
func transports(t testing.TB, c *Client) (queries, purchases *http.Transport) {
	t.Helper()
	queries, ok := c.queries.Transport.(*http.Transport)
	if !ok {
		t.Fatalf("queries are sent by a %T", c.queries.Transport)
	}
	purchases, ok = c.purchases.Transport.(*http.Transport)
	if !ok {
		t.Fatalf("purchases are sent by a %T", c.purchases.Transport)
	}
	return queries, purchases
}

// trust makes the Client accept the certificate of a test server.
func trust(t testing.TB, c *Client, certificate *x509.Certificate) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	queries, purchases := transports(t, c)
	for _, transport := range []*http.Transport{queries, purchases} {
		if transport.TLSClientConfig == nil {
			transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		transport.TLSClientConfig.RootCAs = roots
	}
}

func endpointAt(url string) Endpoint { return Endpoint{BaseURL: url, APIKey: testKey} }

// wire is a server for tests in which the bytes matter: it hands out each
// connection as it is and keeps what was read from it.
type wire struct {
	listener net.Listener

	mu       sync.Mutex
	accepted *sync.Cond
	conns    []*wireConn
	done     sync.WaitGroup
}

type wireConn struct {
	net.Conn
	mu   sync.Mutex
	read bytes.Buffer
}

func (c *wireConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read.Write(p[:n])
	return n, err
}

// newWire serves each connection with handle and closes it afterwards. handle
// must put up with a connection on which nothing comes.
func newWire(t testing.TB, handle func(net.Conn)) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener}
	w.accepted = sync.NewCond(&w.mu)
	w.done.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wc := &wireConn{Conn: conn}
			w.mu.Lock()
			w.conns = append(w.conns, wc)
			w.accepted.Broadcast()
			w.mu.Unlock()
			w.done.Go(func() {
				defer func() { _ = wc.Close() }()
				handle(wc)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		w.mu.Lock()
		for _, c := range w.conns {
			_ = c.Close()
		}
		w.mu.Unlock()
		w.done.Wait()
	})
	return w
}

func (w *wire) url() string { return "http://" + w.listener.Addr().String() }

// received returns what came in on each connection that was made before the
// call. Connections are accepted in the order in which they were made, so a
// last one of our own shows that there is none still to come.
func (w *wire) received(t testing.TB) []string {
	t.Helper()
	last, err := net.Dial("tcp", w.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = last.Close() }()
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		end := slices.IndexFunc(w.conns, func(c *wireConn) bool {
			return c.RemoteAddr().String() == last.LocalAddr().String()
		})
		if end < 0 {
			w.accepted.Wait()
			continue
		}
		var all []string
		for _, c := range w.conns[:end] {
			c.mu.Lock()
			all = append(all, c.read.String())
			c.mu.Unlock()
		}
		return all
	}
}

// posts counts the requests among the bytes of a connection that buy something.
func posts(received []string) int {
	return strings.Count(strings.Join(received, "\n"), "POST "+testPurchase.Path+" HTTP/1.1\r\n")
}

// readRequest reads one request to its end. It returns nil where none comes.
func readRequest(r *bufio.Reader) *http.Request {
	request, err := http.ReadRequest(r)
	if err != nil {
		return nil
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	return request
}

func TestEndpointKeepsTheKey(t *testing.T) {
	ep := endpointAt("https://api.example")
	for _, tc := range []struct{ reason, format string }{
		{"%v is what loggers use", "%v"},
		{"%+v is what people use when they look for a fault", "%+v"},
		{"%#v is what go-cmp and test failures use", "%#v"},
		{"%s is what errors use", "%s"},
	} {
		if got := fmt.Sprintf(tc.format, ep); strings.Contains(got, testKey) || !strings.Contains(got, "api.example") {
			t.Errorf("%s: got %q", tc.reason, got)
		}
	}
}

func TestQueryHeaders(t *testing.T) {
	headers := make(chan http.Header, 1)
	server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header.Clone()
		kieapi.Answering(http.StatusOK, `{"code":200,"msg":"success","data":1}`)(w, r)
	})
	if _, err := newTestClient(t).Credits(t.Context(), endpointAt(server.URL)); err != nil {
		t.Fatal(err)
	}
	want := http.Header{
		"Accept":          {"application/json"},
		"Accept-Encoding": {"gzip"},
		"Authorization":   {"Bearer " + testKey},
		"Content-Type":    {"application/json"},
		"User-Agent":      {userAgent},
	}
	if diff := cmp.Diff(want, <-headers); diff != "" {
		t.Errorf("a GET without these headers is refused as unauthorized or as a robot (-want +got):\n%s", diff)
	}
}

func TestQueryFailures(t *testing.T) {
	for _, tc := range []struct {
		reason  string
		status  int
		body    string
		class   Class
		code    int
		message string
		cause   bool
	}{
		{"the usual form of a refusal", 200, `{"code":401,"msg":"You do not have access permissions"}`, Unauthorized, 401, "You do not have access permissions", false},
		{"some pages of the documentation write message", 200, `{"code":455,"message":"maintenance"}`, Maintenance, 455, "maintenance", true},
		{"the same over HTTP", 429, `{"code":429,"msg":"slow down","data":null}`, RateLimited, 429, "slow down", false},
		{"two have spoken", 503, `{"code":401,"msg":"no"}`, Unavailable, 503, "no", true},
		{"a code as text", 200, `{"code":"402","msg":"no credits"}`, InsufficientCredits, 402, "no credits", true},
		{"no code, no success", 200, `{"msg":"success","data":1}`, Unavailable, 0, "success", true},
		{"an empty body", 200, ``, Unavailable, 0, "", true},
		{"a page instead of an answer", 200, `<html>hello</html>`, Unavailable, 0, "", true},
		{"a list is no envelope", 200, `[200]`, Unavailable, 0, "", true},
		{"a second document after the first is no answer", 200, `{"code":200,"data":1}{"code":200,"data":2}`, Unavailable, 0, "", true},
		{"another success than 200 is none", 201, `{"code":200,"data":1}`, Unavailable, 201, "", true},
		{"a gateway's 502", 502, `<html>bad gateway</html>`, Unavailable, 502, "", true},
		{"a gateway's 429 passes", 429, `<html>slow down</html>`, Unavailable, 429, "", true},
		{"a gateway's 429 passes", 429, `{"code":429,"message":"API rate limit exceeded"}`, Unavailable, 429, "API rate limit exceeded", true},
		{"a redirect is not followed: the key stays here", 301, `moved`, NotFound, 301, "", true},
		{"a redirect is not followed: the key stays here", 302, `moved`, NotFound, 302, "", true},
		{"a redirect is not followed: the key stays here", 303, `moved`, Unavailable, 303, "", true},
		{"a redirect is not followed: the key stays here", 307, `moved`, NotFound, 307, "", true},
		{"a redirect is not followed: the key stays here", 308, `moved`, NotFound, 308, "", true},
	} {
		t.Run(fmt.Sprintf("%d %.30s", tc.status, tc.body), func(t *testing.T) {
			elsewhere := kieapi.NewServer(t, kieapi.Answering(200, `{"code":200,"data":1}`))
			server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
				if tc.status/100 == 3 {
					w.Header().Set("Location", elsewhere.URL)
				}
				kieapi.Answering(tc.status, tc.body)(w, r)
			})
			_, err := newTestClient(t).Credits(t.Context(), endpointAt(server.URL))
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("%s: got %v, want an *Error", tc.reason, err)
			}
			if got.Class != tc.class || got.Code != tc.code || got.Message != tc.message || (got.Err != nil) != tc.cause {
				t.Errorf("%s: got %+v, want class %s, code %d, message %q, cause %t", tc.reason, *got, tc.class, tc.code, tc.message, tc.cause)
			}
			if n := server.Requests.Load(); n != 1 {
				t.Errorf("%s: asked %d times", tc.reason, n)
			}
			if n := elsewhere.Requests.Load(); n != 0 {
				t.Errorf("%s: followed the redirect", tc.reason)
			}
		})
	}
}

func TestQueryWithoutAnswer(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tooLarge := kieapi.NewServer(t, endless(http.StatusOK))
	truncated := kieapi.NewServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"code":200,"data":1}`)
	})
	server := kieapi.NewServer(t, kieapi.Answering(200, `{"code":200,"data":1}`))
	for _, tc := range []struct {
		name, reason string
		ctx          context.Context
		ep           Endpoint
	}{
		{"refused", "nobody listens", t.Context(), endpointAt("http://" + kieapi.RefusingAddress(t))},
		{"cancelled", "the caller has given up", cancelled, endpointAt(server.URL)},
		{"bad address", "no request can be made of it", t.Context(), endpointAt("http://bad host")},
		{"no scheme", "no request can be made of it", t.Context(), endpointAt("api.example")},
		{"bad key", "a header cannot hold it", t.Context(), Endpoint{BaseURL: server.URL, APIKey: testKey + "\n"}},
		{"endless", "an answer is a few kilobytes", t.Context(), endpointAt(tooLarge.URL)},
		{"truncated", "half an answer is none", t.Context(), endpointAt(truncated.URL)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := newTestClient(t).Credits(tc.ctx, tc.ep)
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("%s: got %v, want an *Error", tc.reason, err)
			}
			if got.Class != Unavailable || got.Code != 0 || got.Err == nil {
				t.Errorf("%s: got %+v, want Unavailable with a cause", tc.reason, *got)
			}
			if strings.Contains(err.Error(), testKey) {
				t.Errorf("%s: the error holds the key: %v", tc.reason, err)
			}
			if tc.ctx.Err() != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got %v, want the context's error inside", tc.reason, err)
			}
		})
	}
}

// endless is a handler that writes until nobody reads any more.
func endless(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		page := bytes.Repeat([]byte(" "), 64<<10)
		for {
			if _, err := w.Write(page); err != nil {
				return
			}
		}
	}
}

func TestQueriesReuseConnections(t *testing.T) {
	for _, tc := range []struct {
		reason string
		option func(*httptest.Server)
		proto  string
	}{
		{"a poll should not cost a connection", func(*httptest.Server) {}, "HTTP/1.1"},
		{"a poll should not cost a handshake", kieapi.WithTLS, "HTTP/1.1"},
		{"the API speaks HTTP/2", kieapi.WithHTTP2, "HTTP/2.0"},
	} {
		t.Run(tc.proto+" "+tc.reason, func(t *testing.T) {
			protos := make(chan string, 5)
			server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
				protos <- r.Proto
				kieapi.Answering(200, `{"code":200,"data":1}`)(w, r)
			}, tc.option)
			c := newTestClient(t)
			if server.Certificate() != nil {
				trust(t, c, server.Certificate())
			}
			for range cap(protos) {
				if _, err := c.Credits(t.Context(), endpointAt(server.URL)); err != nil {
					t.Fatal(err)
				}
				if got := <-protos; got != tc.proto {
					t.Errorf("%s: got %s, want %s", tc.reason, got, tc.proto)
				}
			}
			if got := server.Connections.Load(); got != 1 {
				t.Errorf("%s: got %d connections for %d queries, want 1", tc.reason, got, cap(protos))
			}
		})
	}
}

// A refusal is read to its end too, so that the connection can be used again.
func TestQueriesReuseConnectionsAfterRefusals(t *testing.T) {
	server := kieapi.NewServer(t, kieapi.Answering(429, `{"code":429,"msg":"slow down"}`))
	c := newTestClient(t)
	for range 3 {
		if _, err := c.Credits(t.Context(), endpointAt(server.URL)); err == nil {
			t.Fatal("want an error")
		}
	}
	if got := server.Connections.Load(); got != 1 {
		t.Errorf("got %d connections, want 1", got)
	}
}

// The server takes the second query on the connection of the first and closes
// without a word, as one does whose patience with an idle connection has just
// ended. A GET may be sent again, and is.
func TestQuerySurvivesClosedIdleConnection(t *testing.T) {
	var first atomic.Bool
	server := newWire(t, func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		patience := 8
		if first.CompareAndSwap(false, true) {
			patience = 1
		}
		for readRequest(reader) != nil && patience > 0 {
			patience--
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{\"code\":200,\"data\":1}")
		}
	})
	c := newTestClient(t)
	for range 2 {
		if _, err := c.Credits(t.Context(), endpointAt(server.url())); err != nil {
			t.Fatal(err)
		}
	}
	if got := server.received(t); len(got) != 2 || strings.Count(strings.Join(got, ""), "GET ") != 3 {
		t.Errorf("want the second GET on the old connection and again on a new one, got %q", got)
	}
}

func TestCloseIdleConnections(t *testing.T) {
	server := kieapi.NewServer(t, kieapi.Answering(200, `{"code":200,"data":1}`))
	c := newTestClient(t)
	for range 2 {
		if _, err := c.Credits(t.Context(), endpointAt(server.URL)); err != nil {
			t.Fatal(err)
		}
		c.CloseIdleConnections()
	}
	if got := server.Connections.Load(); got != 2 {
		t.Errorf("got %d connections, want a new one after the first was closed", got)
	}
}

// trackedBody knows whether it was closed.
type trackedBody struct {
	io.Reader
	closed bool
}

func (b *trackedBody) Close() error {
	b.closed = true
	return nil
}

func TestReadAnswerClosesTheBody(t *testing.T) {
	for _, tc := range []struct {
		reason string
		body   io.Reader
	}{
		{"an answer", strings.NewReader(`{"code":200}`)},
		{"something else", strings.NewReader("<html>")},
		{"too much", bytes.NewReader(make([]byte, maxResponseBytes+1))},
		{"too little", iotest.ErrReader(io.ErrUnexpectedEOF)},
	} {
		body := &trackedBody{Reader: tc.body}
		if _, err := readAnswer(&http.Response{StatusCode: http.StatusOK, Body: body}); !body.closed {
			t.Errorf("%s: the body is still open (%v)", tc.reason, err)
		}
	}
}

// One Client serves many accounts at once.
func TestQueriesAtTheSameTime(t *testing.T) {
	server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"code":200,"data":%s}`, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	})
	c := newTestClient(t)
	var group sync.WaitGroup
	for account := range 32 {
		group.Go(func() {
			got, err := c.Credits(t.Context(), Endpoint{BaseURL: server.URL, APIKey: fmt.Sprint(account)})
			if err != nil || got != credits.Of(int64(account)) {
				t.Errorf("account %d got the answer %v, %v", account, got, err)
			}
		})
	}
	group.Wait()
}
