// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/egress"
	"github.com/kie-operator/kie-operator/internal/fixture/media"
)

// get fetches a URL and returns what is there.
func get(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return string(body), err
}

// Nothing is sent to these addresses: they are refused before a connection is
// made. So is a name that stands for one.
func TestClientRefusesPrivateAddresses(t *testing.T) {
	for _, tc := range []struct{ reason, host string }{
		{"this machine", "127.0.0.1"},
		{"this machine, by another number", "127.8.9.10"},
		{"this machine, by name", "localhost"},
		{"this machine, unspecified", "0.0.0.0"},
		{"a private network", "10.0.0.1"},
		{"a private network", "172.16.0.1"},
		{"a private network", "192.168.1.1"},
		{"the metadata of many clouds", "169.254.169.254"},
		{"the network of a provider", "100.64.0.1"},
		{"many at once", "224.0.0.1"},
		{"everybody", "255.255.255.255"},
		{"for documentation", "192.0.2.1"},
		{"this machine in IPv6", "[::1]"},
		{"unspecified in IPv6", "[::]"},
		{"a private network in IPv6", "[fd00:ec2::254]"},
		{"a link in IPv6", "[fe80::1]"},
		{"this machine, mapped into IPv6", "[::ffff:127.0.0.1]"},
		{"a private network, mapped into IPv6", "[::ffff:10.0.0.1]"},
		{"the metadata of many clouds, mapped, in hexadecimal", "[::ffff:a9fe:a9fe]"},
		{"this machine, translated into IPv6", "[64:ff9b::7f00:1]"},
		{"this machine, in 6to4", "[2002:7f00:1::]"},
		{"for documentation in IPv6", "[2001:db8::1]"},
	} {
		client := egress.NewClient(false)
		if _, err := get(t.Context(), client, "https://"+tc.host+":8443/x"); !errors.Is(err, egress.ErrPrivateAddress) {
			t.Errorf("%s, %s: got %v, want ErrPrivateAddress", tc.host, tc.reason, err)
		}
	}
}

// Asked of the check itself, because a test sends nothing to the internet.
func TestGuardAllowsPublicAddresses(t *testing.T) {
	check := egress.Guard{}.Control()
	for _, tc := range []struct{ reason, network, address string }{
		{"usual", "tcp4", "93.184.215.14:443"},
		{"buckets often have a port of their own", "tcp4", "93.184.215.14:9000"},
		{"IPv6", "tcp6", "[2606:4700::6810:84e5]:443"},
	} {
		if err := check(tc.network, tc.address, nil); err != nil {
			t.Errorf("%s: %v", tc.reason, err)
		}
	}
	for _, tc := range []struct{ reason, network, address string }{
		{"no protocol that a URL speaks", "udp4", "93.184.215.14:443"},
		{"no address", "tcp4", "example.com:443"},
	} {
		if err := check(tc.network, tc.address, nil); !errors.Is(err, egress.ErrPrivateAddress) {
			t.Errorf("%s: got %v, want ErrPrivateAddress", tc.reason, err)
		}
	}
}

// A name that was public when somebody looked is private when it counts.
func TestClientRefusesReboundNames(t *testing.T) {
	private := media.NewServer(t, media.PrivateAddress, media.Hello)
	public := media.NewServer(t, media.PublicAddress, media.Hello)
	n := &names{}
	f := fetcherOf(t, egress.Guard{Public: publicPrefixes, Resolver: n.resolver()})

	n.address.Store(netip.MustParseAddr(media.PublicAddress))
	if got, err := get(t.Context(), f.client, "https://rebound.example.com:"+public.Port(t)); err != nil || got != "hello" {
		t.Fatalf("got %q, %v, want the public server", got, err)
	}
	f.CloseIdleConnections()
	n.address.Store(netip.MustParseAddr(media.PrivateAddress))
	for _, port := range []string{public.Port(t), private.Port(t)} {
		if _, err := get(t.Context(), f.client, "https://rebound.example.com:"+port); !errors.Is(err, egress.ErrPrivateAddress) {
			t.Errorf("got %v, want ErrPrivateAddress", err)
		}
	}
	if n := private.Connections.Load(); n != 0 {
		t.Errorf("got %d connections to the private server, want 0", n)
	}
}

func TestClientFollowsRedirects(t *testing.T) {
	private := media.NewServer(t, media.PrivateAddress, media.Hello)
	plain := media.NewPlainServer(t, media.PublicAddress, media.Hello)
	target := media.NewServer(t, media.PublicAddress, media.Hello)
	n := &names{}
	n.address.Store(netip.MustParseAddr(media.PrivateAddress))
	for _, tc := range []struct {
		reason, location string
		want             error
	}{
		{"another host", target.URL, nil},
		{"a private address", private.URL, egress.ErrPrivateAddress},
		{"a private address, mapped into IPv6", "https://[::ffff:" + media.PrivateAddress + "]:" + private.Port(t), egress.ErrPrivateAddress},
		{"a name of a private address", "https://private.example.com:" + private.Port(t), egress.ErrPrivateAddress},
		{"the metadata of many clouds", "http://169.254.169.254/latest/meta-data/", egress.ErrInsecureURL},
		{"without TLS", plain.URL, egress.ErrInsecureURL},
		{"another scheme", "ftp://" + media.PublicAddress + "/x", egress.ErrInsecureURL},
		{"a file", "file:///etc/passwd", egress.ErrInsecureURL},
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			server := media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", tc.location)
				w.WriteHeader(status)
			})
			f := fetcherOf(t, egress.Guard{Public: publicPrefixes, Resolver: n.resolver()})
			got, err := get(t.Context(), f.client, server.URL)
			if !errors.Is(err, tc.want) || (err == nil) != (got == "hello") {
				t.Errorf("%s, %d: got %q, %v, want %v", tc.reason, status, got, err, tc.want)
			}
		}
	}
	if n := private.Connections.Load() + plain.Connections.Load(); n != 0 {
		t.Errorf("got %d connections to where a redirect must not lead, want 0", n)
	}
}

func TestClientBoundsRedirects(t *testing.T) {
	for _, tc := range []struct {
		redirects string
		want      error
	}{
		{"12345", nil},
		{"123456", egress.ErrTooManyRedirects},
	} {
		server := media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
			if left := strings.TrimPrefix(r.URL.Path, "/"); left != "" {
				http.Redirect(w, r, "/"+left[1:], http.StatusFound)
				return
			}
			media.Hello(w, r)
		})
		got, err := get(t.Context(), newTestFetcher(t).client, server.URL+"/"+tc.redirects)
		if !errors.Is(err, tc.want) || (err == nil) != (got == "hello") {
			t.Errorf("%d redirects: got %q, %v, want %v", len(tc.redirects), got, err, tc.want)
		}
		if n := server.Requests.Load(); n != 6 {
			t.Errorf("%d redirects: got %d requests, want 6", len(tc.redirects), n)
		}
	}
}

func TestClientRefusesOtherSchemes(t *testing.T) {
	plain := media.NewPlainServer(t, media.PublicAddress, media.Hello)
	f := newTestFetcher(t)
	for _, url := range []string{plain.URL, "HTTP://" + media.PublicAddress, "ftp://" + media.PublicAddress, "file:///etc/passwd"} {
		if _, err := get(t.Context(), f.client, url); !errors.Is(err, egress.ErrInsecureURL) {
			t.Errorf("%s: got %v, want ErrInsecureURL", url, err)
		}
	}
	if n := plain.Connections.Load(); n != 0 {
		t.Errorf("got %d connections, want 0", n)
	}
}

func TestClientThatAllowsPrivateAddresses(t *testing.T) {
	plain := media.NewPlainServer(t, media.PrivateAddress, media.Hello)
	secure := media.NewServer(t, media.PublicAddress, media.Hello) // which only the guards of the other tests know as public
	f := fetcherOf(t, egress.Guard{AllowPrivate: true})
	for _, server := range []*media.Counted{plain, secure} {
		if got, err := get(t.Context(), f.client, server.URL); err != nil || got != "hello" {
			t.Errorf("%s: got %q, %v", server.URL, got, err)
		}
	}
	if _, err := get(t.Context(), f.client, "ftp://"+media.PrivateAddress); !errors.Is(err, egress.ErrInsecureURL) {
		t.Errorf("got %v, want ErrInsecureURL for what is neither http nor https", err)
	}
}

// What the client sends says nothing of the user, or of where it comes from.
func TestClientSendsNoCredentials(t *testing.T) {
	headers := make(chan http.Header, 2)
	target := media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header.Clone()
		media.Hello(w, r)
	})
	server := media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header.Clone()
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		http.Redirect(w, r, strings.Replace(target.URL, "https://", "https://user:password@", 1), http.StatusFound)
	})
	url := strings.Replace(server.URL, "https://", "https://user:password@", 1) + "/?signature=s3cret"
	if got, err := get(t.Context(), newTestFetcher(t).client, url); err != nil || got != "hello" {
		t.Fatalf("got %q, %v", got, err)
	}
	for range 2 {
		if diff := cmp.Diff(http.Header{"User-Agent": {egress.UserAgent}}, <-headers); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestClientTakesNoProxy(t *testing.T) {
	transport, ok := egress.NewClient(false).Transport.(egress.GuardedTransport)
	if !ok || transport.Proxy != nil {
		t.Error("behind a proxy nobody sees the address")
	}
}

func TestClientBoundsHeaders(t *testing.T) {
	server := media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 2*egress.MaxResponseHeaderBytes))
		media.Hello(w, r)
	})
	if _, err := get(t.Context(), newTestFetcher(t).client, server.URL); err == nil {
		t.Error("got an answer with headers of any length")
	}
}

// The body of a request that is refused is closed, as of one that is sent.
func TestClientClosesTheBody(t *testing.T) {
	body := &tracked{Reader: strings.NewReader("x")}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+media.PublicAddress, body)
	req.RequestURI = ""
	resp, err := egress.NewClient(false).Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, egress.ErrInsecureURL) || !body.closed {
		t.Errorf("got %v, closed: %t", err, body.closed)
	}
}

type tracked struct {
	io.Reader
	closed bool
}

func (b *tracked) Close() error {
	b.closed = true
	return nil
}
