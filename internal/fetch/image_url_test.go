// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/egress"
	"github.com/kie-operator/kie-operator/internal/fixture/media"
)

// page is how a host answers.
type page struct {
	status  int
	header  map[string]string
	content []byte
}

func (p page) serve(w http.ResponseWriter, _ *http.Request) {
	for name, value := range p.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(p.content)
}

func declared(contentType string, length int) map[string]string {
	header := map[string]string{"Content-Length": strconv.Itoa(length)}
	if contentType != "" {
		header["Content-Type"] = contentType
	}
	return header
}

func TestCheckImageURL(t *testing.T) {
	jpg, webp, gif := media.Picture(t, "jpeg"), media.Picture(t, "webp"), media.Picture(t, "gif")
	part := func(of string, content []byte) page {
		return page{206, map[string]string{"Content-Range": of}, content}
	}
	image := page{200, declared("image/jpeg", len(jpg)), jpg}
	refused := func(status int) page { return page{status: status} }

	for i, tc := range []struct {
		reason    string
		head, get page
		requests  int32
		words     string // "" if the image is fine
		temporary bool
	}{
		{"the headers settle it", page{200, declared("image/png", 70), nil}, refused(500), 1, "", false},
		{"with a parameter and in capitals", page{200, declared("Image/WebP; x=y", 70), nil}, refused(500), 1, "", false},
		{"as large as it may be", page{200, declared("image/jpeg", MaxImageBytes), nil}, refused(500), 1, "", false},
		{"larger, as declared: nothing is fetched", page{200, declared("image/jpeg", MaxImageBytes+1), nil}, image, 1, "at most 30 MiB", false},
		{"larger, whatever it is", page{200, declared("", MaxImageBytes+1), nil}, image, 1, "at most 30 MiB", false},

		{"HEAD refused", refused(405), image, 2, "", false},
		{"HEAD refused, as by links that are signed for GET", refused(403), image, 2, "", false},
		{"HEAD refused", refused(501), image, 2, "", false},
		{"HEAD refused, as by frameworks without a route for it", refused(404), image, 2, "", false},
		{"HEAD refused, by breaking", refused(500), image, 2, "", false},
		{"no type", page{200, declared("", len(jpg)), nil}, image, 2, "", false},
		{"the type of buckets", page{200, declared("application/octet-stream", len(jpg)), nil}, image, 2, "", false},
		{"the wrong type", page{200, declared("text/html", len(jpg)), nil}, image, 2, "", false},
		{"a type that cannot be read", page{200, declared("image/", len(jpg)), nil}, image, 2, "", false},
		{"no length", page{200, map[string]string{"Content-Type": "image/jpeg"}, nil}, image, 2, "", false},
		{"another success", refused(204), image, 2, "", false},

		{"the host serves ranges", refused(405), part("bytes 0-511/79714", webp), 2, "", false},
		{"the host does not tell the length", refused(405), part("bytes 0-511/*", webp), 2, "", false},
		{"the host tells nothing", refused(405), page{206, nil, webp}, 2, "", false},
		{"too large, as told by the range", refused(405), part(fmt.Sprintf("bytes 0-511/%d", MaxImageBytes+1), jpg), 2, "at most 30 MiB", false},
		{"too large, as told by the whole", refused(405), page{200, declared("", MaxImageBytes+1), jpg}, 2, "at most 30 MiB", false},
		{"empty, as told by the range", refused(405), refused(416), 2, "is empty", false},
		{"empty, as told by the length", page{200, declared("image/png", 0), nil}, page{200, declared("image/png", 0), nil}, 2, "is empty", false},
		{"empty, as told by nobody", refused(405), page{206, nil, nil}, 2, "is empty", false},
		{"a page", page{200, declared("text/html", 6), nil}, page{200, declared("text/html", 6), []byte("<html>")}, 2, "link to the image itself", false},
		{"a page that says that it is an image", refused(405), page{200, declared("image/png", 6), []byte("<html>")}, 2, "link to the image itself", false},
		{"a kind that KIE.AI does not take", page{200, declared("image/gif", len(gif)), nil}, page{200, nil, gif}, 2, "not a JPEG, PNG or WebP", false},

		{"not there", refused(404), refused(404), 2, "answers 404: correct the URL", false},
		{"not there any more", refused(410), refused(410), 2, "answers 410: correct the URL", false},
		{"not for everybody", refused(401), refused(401), 2, "answers 401: make it public", false},
		{"not for everybody, or not any more", refused(403), refused(403), 2, "answers 403: make it public, or renew the link", false},
		{"a redirect to nowhere", refused(304), refused(304), 2, "answers 304: correct the URL", false},
		{"too fast: the host is left alone", refused(429), image, 1, "answers 429", true},
		{"a gateway: the host is left alone", refused(502), image, 1, "answers 502", true},
		{"not well: the host is left alone", refused(503), image, 1, "answers 503", true},
		{"a gateway: the host is left alone", refused(504), image, 1, "answers 504", true},
		{"too fast", refused(405), refused(429), 2, "answers 429", true},
		{"slow", refused(405), refused(408), 2, "answers 408", true},
		{"broken", refused(500), refused(500), 2, "answers 500", true},
	} {
		t.Run(fmt.Sprint(i, " ", tc.reason), func(t *testing.T) {
			server := media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					tc.head.serve(w, r)
					return
				}
				tc.get.serve(w, r)
			})
			err := newTestFetcher(t).CheckImageURL(t.Context(), strings.Replace(server.URL, "//", "//user:password@", 1)+"/in/a.png?signature=s3cret#part")
			checkImageError(t, err, tc.words, tc.temporary)
			if err != nil && !strings.Contains(err.Error(), server.Listener.Addr().String()+"/in/a.png cannot be used: ") {
				t.Errorf("want the host and the path in %q", err)
			}
			if n := server.Requests.Load(); n != tc.requests {
				t.Errorf("got %d requests, want %d", n, tc.requests)
			}
		})
	}
}

// checkImageError compares an error with the words that must be in it, "" for
// no error.
func checkImageError(t testing.TB, err error, words string, temporary bool) {
	t.Helper()
	if words == "" {
		if err != nil {
			t.Errorf("got %v, want none", err)
		}
		return
	}
	var failure *ImageError
	if !errors.As(err, &failure) {
		t.Errorf("got %v, want an *ImageError", err)
		return
	}
	if failure.Temporary != temporary || !strings.Contains(failure.Message, words) {
		t.Errorf("got %+v, want the words %q, temporary: %t", *failure, words, temporary)
	}
	for _, secret := range []string{"password", "s3cret", "signature", "\n"} {
		if strings.Contains(failure.Error(), secret) {
			t.Errorf("%q is in %q", secret, failure.Message)
		}
	}
}

func TestCheckImageURLAsks(t *testing.T) {
	requests := make(chan string, 2)
	server := media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
		requests <- fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header["Range"], " ", r.Header["Accept-Encoding"])
		page{status: 405}.serve(w, r)
	})
	_ = newTestFetcher(t).CheckImageURL(t.Context(), server.URL+"/a%20b.png?x=1")
	for _, want := range []string{"HEAD /a%20b.png?x=1 [] []", "GET /a%20b.png?x=1 [bytes=0-511] []"} {
		if diff := cmp.Diff(want, <-requests); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// A host that ignores the range could send without end.
func TestCheckImageURLReadsTheStartOnly(t *testing.T) {
	server := media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		chunk := append([]byte("\xff\xd8\xff"), make([]byte, 64<<10)...)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	if err := newTestFetcher(t).CheckImageURL(t.Context(), server.URL); err != nil {
		t.Error(err)
	}
}

func TestCheckImageURLWithoutAnswer(t *testing.T) {
	private := media.NewServer(t, media.PrivateAddress, media.Hello)
	plain := media.NewPlainServer(t, media.PublicAddress, media.Hello)
	redirecting := func(location string) string {
		return media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, location, http.StatusFound)
		}).URL
	}
	half := media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "\xff\xd8")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	t.Cleanup(cancel)
	listener, err := net.Listen("tcp", media.PublicAddress+":0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "https://" + listener.Addr().String()
	_ = listener.Close()

	for _, tc := range []struct {
		reason    string
		ctx       context.Context
		url       string
		words     string
		temporary bool
		cause     error
	}{
		{"a private address", t.Context(), private.URL + "/?signature=s3cret", "not a public one", false, egress.ErrPrivateAddress},
		{"a redirect to a private address", t.Context(), redirecting(private.URL + "/?signature=s3cret"), "not a public one", false, egress.ErrPrivateAddress},
		{"a redirect to another scheme", t.Context(), redirecting("ftp://" + media.PublicAddress + "/a.png"), "http or https all the way", false, egress.ErrInsecureURL},
		{"a redirect in a circle", t.Context(), redirecting("/"), "redirects more than 5 times", false, egress.ErrTooManyRedirects},
		{"no such name", t.Context(), "https://images.invalid/a.png?signature=s3cret", "name of its host", true, nil},
		{"another certificate", t.Context(), strings.Replace(half.URL, media.PublicAddress, "images.invalid", 1), "certificate", false, nil},
		{"nobody listens", t.Context(), closed, "cannot be reached", true, nil},
		{"the answer breaks off", t.Context(), half.URL, "breaks off", true, io.ErrUnexpectedEOF},
		{"the caller has given up", cancelled, half.URL, "interrupted", true, context.Canceled},
		{"the time is over", expired, half.URL, "in time", true, context.DeadlineExceeded},
		{"no URL", t.Context(), "https://a b/", "cannot be read", false, nil},
		{"no host", t.Context(), "/a.png", "cannot be read", false, nil},
		{"no host", t.Context(), "https:///a.png", "cannot be read", false, nil},
		{"a name", t.Context(), "a.png", "cannot be read", false, nil},
		{"secrets in what cannot be read", t.Context(), "https://user:password@a b/?signature=s3cret", "cannot be read", false, nil},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			n := &names{}
			g := egress.Guard{Public: publicPrefixes, Resolver: n.resolver()}
			if tc.reason == "another certificate" {
				n.address.Store(publicPrefixes[0].Addr())
			}
			err := fetcherOf(t, g).CheckImageURL(tc.ctx, tc.url)
			checkImageError(t, err, tc.words, tc.temporary)
			if tc.cause != nil && !errors.Is(err, tc.cause) {
				t.Errorf("got %v, want %v inside", err, tc.cause)
			}
		})
	}
	if n := private.Connections.Load() + plain.Connections.Load(); n != 0 {
		t.Errorf("got %d connections, want 0", n)
	}
}

func TestPlace(t *testing.T) {
	for _, tc := range []struct{ reason, url, want string }{
		{"no secrets", "https://user:password@a.example:8443/b/c.png?signature=x#y", "a.example:8443/b/c.png"},
		{"no characters that hide others", "https://a.example/b%0A%E2%80%AEc", "a.example/b%0A%E2%80%AEc"},
		{"no characters that hide others, unescaped", "https://a.example/b\u202ec", "a.example/b%E2%80%AEc"},
		{"of some length", "https://a.example/" + strings.Repeat("x", 300), "a.example/" + strings.Repeat("x", 190) + "…"},
	} {
		u, err := parseURL(tc.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := place(u); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.reason, got, tc.want)
		}
	}
}

func TestContentRange(t *testing.T) {
	for _, tc := range []struct {
		header       string
		first, total int64
	}{
		{"bytes 0-511/79714", 0, 79714},
		{"bytes 512-1023/*", 512, -1},
		{"bytes */79714", -1, 79714},
		{"", -1, -1},
		{"bytes", -1, -1},
		{"bytes 0-511", -1, -1},
		{"items 0-511/79714", -1, -1},
		{"bytes -5-511/-7", -1, -1},
		{"bytes 0-511/9223372036854775807", 0, 9223372036854775807},
		{"bytes 0-511/9223372036854775808", 0, -1},
		{"bytes x-y/z", -1, -1},
	} {
		if first, total := contentRange(tc.header); first != tc.first || total != tc.total {
			t.Errorf("%q: got %d, %d, want %d, %d", tc.header, first, total, tc.first, tc.total)
		}
	}
}
