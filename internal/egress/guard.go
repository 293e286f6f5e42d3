// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/kie-operator/kie-operator/internal/version"
)

// Why a URL is not fetched.
var (
	// ErrPrivateAddress means that a URL, or a redirect from it, leads to an address that is not a public one.
	ErrPrivateAddress = errors.New("the address is not a public one")
	// ErrInsecureURL means that a URL, or a redirect from it, has another scheme than https.
	ErrInsecureURL = errors.New("the URL does not begin with https://")

	ErrTooManyRedirects = errors.New("there are more than 5 redirects")
)

// Bounds of one exchange, except for its body and for the time that one takes.
const (
	maxRedirects           = 5
	MaxResponseHeaderBytes = 64 << 10
	dialTimeout            = 10 * time.Second
	responseHeaderTimeout  = 15 * time.Second
	// storageAnswerTimeout is longer, because a storage puts a large file together before it answers.
	storageAnswerTimeout = 3 * time.Minute
	// StorageRequestTimeout bounds one request, the largest of which reads a video back. Whoever takes a connection
	// and then neither reads nor answers does not keep others from storing for long.
	StorageRequestTimeout = 15 * time.Minute
)

// UserAgent is sent because some servers refuse requests without a name, or
// with the name of a library.
var UserAgent = version.UserAgent()

// NewClient returns a client for URLs that somebody else chose. It fetches https
// only, from public addresses only, and sends no credentials, cookies or
// referrers. Scheme and address are checked for each redirect too, and the address
// when the connection is made, so that a name which resolves to another address by
// then does not get past the check (DNS rebinding). Proxies of the environment are
// not used, because the address behind a proxy cannot be checked.
//
// With AllowPrivate, http and every address are allowed; that is for development.
//
// The caller bounds the time with the context, and the length of what it reads.
func NewClient(allowPrivate bool) *http.Client {
	return Guard{AllowPrivate: allowPrivate}.Client()
}

// azureWireServer is the address at which Azure serves metadata to its virtual
// machines. It looks like a public address.
var azureWireServer = netip.MustParsePrefix("168.63.129.16/32")

// Guard is what a client may reach.
type Guard struct {
	AllowPrivate bool
	// AllowHTTP lets plain http be used for public addresses too.
	AllowHTTP bool
	// Public are addresses that count as public, and resolver resolves names, nil for that of the system. Tests set
	// both.
	Public   []netip.Prefix
	Resolver *net.Resolver
}

// Client speaks to those that the guard allows.
func (g Guard) Client() *http.Client {
	return &http.Client{
		CheckRedirect: boundRedirects,
		Transport:     GuardedTransport{allowHTTP: g.AllowPrivate || g.AllowHTTP, Transport: g.transport()},
	}
}

// StorageClient is a client for the API of a storage that somebody else chose. What
// it sends is signed with their credentials, so the headers stay as they are, and
// redirects are not followed: no other host gets to see them.
func (g Guard) StorageClient() *http.Client {
	transport := g.transport()
	transport.ResponseHeaderTimeout = storageAnswerTimeout
	return &http.Client{
		CheckRedirect: noRedirects,
		Timeout:       StorageRequestTimeout,
		Transport:     boundedAnswers{signedTransport{GuardedTransport{allowHTTP: g.AllowPrivate || g.AllowHTTP, Transport: transport}}},
	}
}

// TrustedStorageClient is a client for the API of a storage that an administrator
// chose: at any address, over plain http too, and through the proxies of the
// environment.
func TrustedStorageClient() *http.Client {
	transport := Guard{AllowPrivate: true}.transport()
	transport.ResponseHeaderTimeout = storageAnswerTimeout
	transport.Proxy = http.ProxyFromEnvironment
	return &http.Client{CheckRedirect: noRedirects, Timeout: StorageRequestTimeout, Transport: boundedAnswers{transport}}
}

// transport connects to the addresses that the guard allows.
func (g Guard) transport() *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Resolver: g.Resolver}
	if !g.AllowPrivate {
		dialer.Control = g.Control()
	}
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  responseHeaderTimeout,
		MaxResponseHeaderBytes: MaxResponseHeaderBytes,
		// What is compressed can unfold into any size, and images and videos are compressed already.
		DisableCompression: true,
		MaxIdleConns:       16,
		IdleConnTimeout:    30 * time.Second,
	}
}

// Control is called for each address before a connection to it is made.
func (g Guard) Control() func(network, address string, conn syscall.RawConn) error {
	allowed := ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(g.Public...), ssrf.WithDeniedV4Prefixes(azureWireServer))
	return func(network, address string, conn syscall.RawConn) error {
		if err := allowed.Safe(network, address, conn); err != nil {
			return fmt.Errorf("%w: %w", ErrPrivateAddress, err)
		}
		return nil
	}
}

func boundRedirects(_ *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return ErrTooManyRedirects
	}
	return nil
}

func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// GuardedTransport sees each request of a chain of redirects.
type GuardedTransport struct {
	*http.Transport
	allowHTTP bool
}

// RoundTrip sends a request if its scheme is allowed, without what the client
// took along from the URL or from the request before.
func (t GuardedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.check(req); err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	for _, name := range []string{"Authorization", "Cookie", "Referer"} {
		req.Header.Del(name)
	}
	req.Header.Set("User-Agent", UserAgent)
	return t.Transport.RoundTrip(req)
}

// check refuses a request whose scheme is not allowed.
func (t GuardedTransport) check(req *http.Request) error {
	if req.URL.Scheme == "https" || req.URL.Scheme == "http" && t.allowHTTP {
		return nil
	}
	if req.Body != nil {
		_ = req.Body.Close() // as a RoundTripper must
	}
	return ErrInsecureURL
}

// signedTransport is one whose requests keep their headers.
type signedTransport struct{ GuardedTransport }

// RoundTrip sends a request as it is if its scheme is allowed.
func (t signedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.check(req); err != nil {
		return nil, err
	}
	return t.Transport.RoundTrip(req)
}
