// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/kie-operator/kie-operator/internal/egress"
	"github.com/kie-operator/kie-operator/internal/fixture/media"
)

func TestMain(m *testing.M) {
	// A library of the GCS server for tests starts this when it is imported, and never ends it.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

// publicPrefixes make PublicAddress count as public.
var publicPrefixes = []netip.Prefix{netip.MustParsePrefix(media.PublicAddress + "/32")}

// newTestFetcher is a Fetcher for which PublicAddress is public, and which
// accepts the certificates of test servers.
func newTestFetcher(t testing.TB) *Fetcher {
	t.Helper()
	return fetcherOf(t, egress.Guard{Public: publicPrefixes})
}

func fetcherOf(t testing.TB, g egress.Guard) *Fetcher {
	t.Helper()
	f := newFetcher(g)
	server := httptest.NewTLSServer(nil) // all test servers have the same certificate
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	server.Close()
	for _, client := range []*http.Client{f.client, f.images} {
		transport, ok := client.Transport.(egress.GuardedTransport)
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
