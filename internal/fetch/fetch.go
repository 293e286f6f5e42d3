// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kie-operator/kie-operator/internal/egress"
)

// Fetcher looks at files, and downloads videos. It is safe for concurrent use.
type Fetcher struct {
	client *http.Client
	// images is for images, which KIE.AI fetches itself, over plain http too.
	images *http.Client
	// maxVideo is the length in bytes of the largest video that is downloaded, and after is the clock of
	// downloads. Tests have others.
	maxVideo int64
	after    func(d time.Duration, f func()) (stop func())
}

// NewFetcher returns a Fetcher that reaches what egress.NewClient allows, and images
// over plain http too.
func NewFetcher(allowPrivate bool) *Fetcher {
	return newFetcher(egress.Guard{AllowPrivate: allowPrivate})
}

func newFetcher(g egress.Guard) *Fetcher {
	f := &Fetcher{client: g.Client(), maxVideo: maxVideoBytes, after: after}
	g.AllowHTTP = true
	f.images = g.Client()
	return f
}

// CloseIdleConnections closes the connections that wait for a next request.
func (f *Fetcher) CloseIdleConnections() {
	f.client.CloseIdleConnections()
	f.images.CloseIdleConnections()
}

// request asks for a range of bytes, first to last, or for the headers only.
func request(ctx context.Context, method string, u *url.URL, first, last int64) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	if method == http.MethodGet {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", first, last))
	}
	return req, nil
}

// contentRange reads a header like "bytes 0-511/79714". The first byte and the
// total are -1 where they are not given: "bytes 0-511/*", "bytes */79714".
func contentRange(header string) (first, total int64) {
	first, total = -1, -1
	unit, rest, _ := strings.Cut(header, " ")
	span, size, ok := strings.Cut(rest, "/")
	if unit != "bytes" || !ok {
		return first, total
	}
	if n, err := strconv.ParseUint(size, 10, 63); err == nil {
		total = int64(n)
	}
	start, _, _ := strings.Cut(span, "-")
	if n, err := strconv.ParseUint(start, 10, 63); err == nil {
		first = int64(n)
	}
	return first, total
}

// parseURL reads the URL of a file.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("the URL cannot be read")
	}
	return u, nil
}

// maxPlaceLength bounds how much of a URL is shown.
const maxPlaceLength = 200

// place is the part of a URL that may be shown: the host and the path. The rest may
// hold a password or a signature.
func place(u *url.URL) string {
	text := strings.ToValidUTF8(u.Host, "?") + u.EscapedPath()
	if runes := []rune(text); len(runes) > maxPlaceLength {
		text = string(runes[:maxPlaceLength]) + "…"
	}
	return text
}

// withoutURL returns the cause of an error whose text shows the whole URL.
func withoutURL(err error) error {
	var shown *url.Error
	if errors.As(err, &shown) {
		return shown.Err
	}
	return err
}

// noAnswer says in words why a request was not answered and what to do, and
// whether it may be answered later.
func noAnswer(err error) (words string, temporary bool) {
	var (
		unknown   *net.DNSError
		untrusted *tls.CertificateVerificationError
		network   net.Error
	)
	switch {
	case errors.Is(err, egress.ErrPrivateAddress):
		return "its address is not a public one: use a URL that can be reached from the internet", false
	case errors.Is(err, egress.ErrInsecureURL):
		return "it is not fetched over http or https all the way: use a URL that begins with https:// and stays there", false
	case errors.Is(err, egress.ErrTooManyRedirects):
		return "it redirects more than 5 times: use the URL at the end of the redirects", false
	case errors.Is(err, context.Canceled):
		return "the check was interrupted: it is made again", true
	case errors.As(err, &unknown):
		return "the name of its host is not known: check the URL and the name servers of the cluster", true
	case errors.As(err, &untrusted):
		return "the certificate of its host is not trusted: use a host with a valid one", false
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "its host does not answer in time: check that it is up", true
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "its host breaks off in the middle: check that it is up", true
	default:
		return "its host cannot be reached: check that it is up", true
	}
}

// otherStatus says in words what a status without a file means and what to do, and
// whether the file may come later.
func otherStatus(status int) (words string, temporary bool) {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fmt.Sprintf("its host answers %d: make it public, or renew the link", status), false
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status >= http.StatusInternalServerError:
		return fmt.Sprintf("its host answers %d: check that it is well", status), true
	default:
		return fmt.Sprintf("its host answers %d: correct the URL", status), false
	}
}
