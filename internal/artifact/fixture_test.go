// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
)

func TestMain(m *testing.M) {
	// A library of the GCS server for tests starts this when it is imported, and never ends it.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

// The addresses of test servers: one that counts as public, and one that does
// not. Both are on this machine.
const (
	publicAddress  = "127.0.0.1"
	privateAddress = "127.0.0.2"
)

// publicPrefixes make publicAddress count as public.
var publicPrefixes = []netip.Prefix{netip.MustParsePrefix(publicAddress + "/32")}

// counted is a server that counts what it is asked.
type counted struct {
	*httptest.Server
	requests    atomic.Int32
	connections atomic.Int32
}

// port is where the server listens.
func (s *counted) port(t testing.TB) string {
	t.Helper()
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// newServer serves https at an address of this machine.
func newServer(t testing.TB, address string, handler http.HandlerFunc) *counted {
	t.Helper()
	return start(t, address, handler, (*httptest.Server).StartTLS)
}

// newPlainServer serves http.
func newPlainServer(t testing.TB, address string, handler http.HandlerFunc) *counted {
	t.Helper()
	return start(t, address, handler, (*httptest.Server).Start)
}

func start(t testing.TB, address string, handler http.HandlerFunc, begin func(*httptest.Server)) *counted {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := &counted{}
	s.Server = &httptest.Server{Listener: listener, Config: &http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.requests.Add(1)
			handler(w, r)
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				s.connections.Add(1)
			}
		},
	}}
	begin(s.Server)
	t.Cleanup(s.Close)
	return s
}

// newTestFetcher is a Fetcher for which publicAddress is public, and which
// accepts the certificates of test servers.
func newTestFetcher(t testing.TB) *Fetcher {
	t.Helper()
	return fetcherOf(t, guard{public: publicPrefixes})
}

func fetcherOf(t testing.TB, g guard) *Fetcher {
	t.Helper()
	f := newFetcher(g)
	server := httptest.NewTLSServer(nil) // all test servers have the same certificate
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	server.Close()
	for _, client := range []*http.Client{f.client, f.images} {
		transport, ok := client.Transport.(guardedTransport)
		if !ok {
			t.Fatalf("requests are sent by a %T", client.Transport)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	t.Cleanup(f.CloseIdleConnections)
	return f
}

// names answers every question for an address with the one that is set.
type names struct{ address atomic.Value }

// resolver asks the names instead of a name server.
func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer func() { _ = there.Close() }()
			for n.answer(there) == nil {
			}
		}()
		return here, nil
	}}
}

// answer answers one question, which has its length in front of it.
func (n *names) answer(conn net.Conn) error {
	var length uint16
	if err := binary.Read(conn, binary.BigEndian, &length); err != nil {
		return err
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(conn, text); err != nil {
		return err
	}
	var message dnsmessage.Message
	if err := message.Unpack(text); err != nil {
		return err
	}
	message.Response, message.RecursionAvailable = true, true
	message.Additionals = nil
	question := message.Questions[0]
	address, ok := n.address.Load().(netip.Addr)
	if !ok {
		return errors.New("no address is set")
	}
	if question.Type == dnsmessage.TypeA {
		message.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class},
			Body:   &dnsmessage.AResource{A: address.As4()},
		}}
	}
	packed, err := message.AppendPack([]byte{0, 0})
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint16(packed, uint16(len(packed)-2))
	_, err = conn.Write(packed)
	return err
}

// video is a real one.
func video(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "kie", "kiesim", "media", "720p-landscape-8s.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
