// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/kie-operator/kie-operator/internal/egress"
	"github.com/kie-operator/kie-operator/internal/fixture/media"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// checkedDownload reads a video to its end, and returns how much of it came.
func checkedDownload(t testing.TB, f *Fetcher, link string) (int, error) {
	t.Helper()
	d, err := f.Download(t.Context(), link)
	if err != nil {
		return 0, err
	}
	defer func() { _ = d.Close() }()
	data, err := io.ReadAll(d.Checked())
	return len(data), err
}

func TestDownloadErrors(t *testing.T) {
	data := media.Video(t)
	middle := len(data) / 2
	broken := func(handlers ...http.HandlerFunc) http.HandlerFunc {
		return turns(append([]http.HandlerFunc{cut(middle, file(data, "ETag", `"a"`))}, handlers...)...)
	}
	answering := func(code int, header map[string]string, content []byte) http.HandlerFunc {
		return page{code, header, content}.serve
	}
	part := func(of string) http.HandlerFunc {
		return answering(206, map[string]string{"Content-Range": of}, data[middle:])
	}
	const changed = "does not send the rest, or has another file by now"
	for _, tc := range []struct {
		reason   string
		handler  http.HandlerFunc
		class    transfer.Class
		words    string
		requests int32
	}{
		{"it is gone", status(410), transfer.LinkDead, "410", 1},
		{"it is not there", status(404), transfer.LinkDead, "404", 1},
		{"the link has expired", status(403), transfer.LinkDead, "403", 1},
		{"not for us", status(401), transfer.LinkDead, "401", 1},
		{"it is gone in the middle", broken(status(410)), transfer.LinkDead, "410", 2},
		{"it is not there in the middle", broken(status(404)), transfer.LinkDead, "404", 2},
		{"the link expires in the middle", broken(status(403)), transfer.LinkDead, "403", 2},
		{"the host is not well", status(500), transfer.DownloadFailed, "500", 1},
		{"the host is busy", status(503), transfer.DownloadFailed, "503", 1},
		{"too often", status(429), transfer.DownloadFailed, "429", 1},
		{"something else is wrong", status(400), transfer.DownloadFailed, "400", 1},
		{"something else is wrong in the middle", broken(status(400)), transfer.DownloadFailed, "400", 2},
		{"no content", answering(204, nil, nil), transfer.DownloadFailed, "204", 1},
		{"a part without having asked for one", part("bytes 0-100/1000"), transfer.DownloadFailed, "", 1},
		{"no answer", abort, transfer.DownloadFailed, "cannot be reached", 1},
		{"breaks without end", broken(cut(0, file(data, "ETag", `"a"`))), transfer.DownloadFailed, "breaks off in the middle", 1 + maxTries},
		{"never well again", broken(status(502)), transfer.DownloadFailed, "502", 1 + maxTries},
		{"ranges are ignored", broken(ignoring(data, true)), transfer.DownloadFailed, changed, 2},
		{"another version, and all of it", broken(file(data, "ETag", `"b"`)), transfer.DownloadFailed, changed, 2},
		{"another version, and its rest", broken(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("If-Range")
			file(data, "ETag", `"b"`)(w, r)
		}), transfer.DownloadFailed, changed, 2},
		{"another date", turns(cut(middle, file(data, "Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT")), func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("If-Range")
			file(data, "Last-Modified", "Tue, 03 Nov 2026 10:00:00 GMT")(w, r)
		}), transfer.DownloadFailed, changed, 2},
		{"another length", broken(file(append(data[:len(data):len(data)], 0))), transfer.DownloadFailed, changed, 2},
		{"another length, before the first byte", turns(cut(0, file(data)), ignoring(data[1:], true)), transfer.DownloadFailed, changed, 2},
		{"it is shorter by now", broken(file(data[:middle])), transfer.DownloadFailed, changed, 2},
		{"another part", broken(part("bytes 0-100/24663")), transfer.DownloadFailed, changed, 2},
		{"a part of nobody knows what", broken(part("bytes 12331-24662/*")), transfer.DownloadFailed, changed, 2},
		{"a part of nobody knows where", broken(part("")), transfer.DownloadFailed, changed, 2},
		{"a page", answering(200, nil, []byte("<!DOCTYPE html><html>expired page</html>")), transfer.NotVideo, "begins like something else", 1},
		{"an answer", answering(200, nil, []byte(`{"code":404,"msg":"expired page"}`)), transfer.NotVideo, "begins like something else", 1},
		{"nothing", answering(200, nil, nil), transfer.NotVideo, "it is empty", 1},
		{"it is compressed", file(data, "Content-Encoding", "gzip"), transfer.NotVideo, "compressed", 1},
		{"half of it, and all as declared", file(data[:middle]), transfer.NotVideo, "ends in the middle", 1},
		{"half of it, without a length", chunked(data[:middle]), transfer.NotVideo, "ends in the middle", 1},
		{"a byte less", file(data[:len(data)-1]), transfer.NotVideo, "ends in the middle", 1},
		{"a byte more", file(append(data[:len(data):len(data)], 0)), transfer.NotVideo, "ends in the middle", 1},
		{"more is declared than ever comes", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				status(416)(w, r)
				return
			}
			w.Header().Set("Content-Length", "30000")
			_, _ = w.Write(data)
		}, transfer.DownloadFailed, changed, 2},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			host := media.NewServer(t, media.PublicAddress, tc.handler)
			f, _ := newQuickFetcher(t)
			n, err := checkedDownload(t, f, strings.Replace(host.URL, "//", "//user:password@", 1)+"/v.mp4"+secret)
			isOf(t, err, tc.class, tc.words)
			isOf(t, err, tc.class, host.Listener.Addr().String()+"/v.mp4")
			if n > len(data) {
				t.Errorf("got %d bytes, want no more than there were", n)
			}
			if n := host.Requests.Load(); n != tc.requests {
				t.Errorf("got %d requests, want %d", n, tc.requests)
			}
		})
	}
}

func TestDownloadBoundsTheSize(t *testing.T) {
	const most = 1 << 20
	data := make([]byte, most+1)
	for _, tc := range []struct {
		reason  string
		handler http.HandlerFunc
		class   transfer.Class // none if it fits
	}{
		{"as much as may be", file(data[:most]), ""},
		{"as much as may be, without a length", chunked(data[:most]), ""},
		{"a byte more", file(data), transfer.TooLarge},
		{"a byte more, without a length", chunked(data), transfer.TooLarge},
		{"more than there can be", answeringLength("9223372036854775807"), transfer.TooLarge},
		{"without end", endless, transfer.TooLarge},
		{"a byte more, as one sees after a break", turns(cut(100, chunked(data)), file(data)), transfer.TooLarge},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			host := media.NewServer(t, media.PublicAddress, tc.handler)
			f, _ := newQuickFetcher(t)
			f.maxVideo = most
			got, _, err := download(t.Context(), f, host.URL)
			if tc.class != "" {
				isOf(t, err, tc.class, "more than 1048576 bytes")
			} else if err != nil || len(got) != most {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
			if len(got) > most {
				t.Errorf("got %d bytes, want at most %d", len(got), most)
			}
		})
	}
}

func answeringLength(length string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", length) }
}

func TestDownloadBoundsTheTime(t *testing.T) {
	data := media.Video(t)

	// A host that stops each time.
	f, clock := newQuickFetcher(t)
	host := media.NewServer(t, media.PublicAddress, stalled(data[:1000], clock))
	clock.onPause = func() { clock.silent.Store(true) }
	_, _, err := download(t.Context(), f, host.URL)
	isOf(t, err, transfer.DownloadFailed, "sends nothing for 30 seconds")

	// A host that always sends a little.
	f, clock = newQuickFetcher(t)
	host = media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, _ *http.Request) {
		for n := 0; ; n++ {
			if _, err := w.Write([]byte{0}); err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			if n == 100 {
				clock.late.Store(true)
			}
		}
	})
	_, _, err = download(t.Context(), f, host.URL)
	isOf(t, err, transfer.DownloadFailed, "more than 30 minutes")

	// A host that always breaks off.
	f, clock = newQuickFetcher(t)
	var n int
	clock.onPause = func() {
		if n++; n == 100 {
			clock.late.Store(true)
		}
	}
	host = media.NewServer(t, media.PublicAddress, cut(1, file(data)))
	_, _, err = download(t.Context(), f, host.URL)
	isOf(t, err, transfer.DownloadFailed, "more than 30 minutes")
}

// Where nothing is fetched from, nothing is fetched from after a break either.
func TestDownloadIsGuarded(t *testing.T) {
	data := media.Video(t)
	private := media.NewServer(t, media.PrivateAddress, file(data))
	plain := media.NewPlainServer(t, media.PublicAddress, file(data))
	n := &names{}
	n.address.Store(netip.MustParseAddr(media.PrivateAddress))
	f := fetcherOf(t, egress.Guard{Public: publicPrefixes, Resolver: n.resolver()})
	newClock(f)
	const notPublic, insecure = "not a public one", "not fetched over http or https all the way"
	targets := []struct{ reason, location, words string }{
		{"a private address", private.URL, notPublic},
		{"this machine in IPv6", "https://[::1]:" + private.Port(t), notPublic},
		{"a private network in IPv6", "https://[fd00:ec2::254]", notPublic},
		{"mapped into IPv6", "https://[::ffff:" + media.PrivateAddress + "]:" + private.Port(t), notPublic},
		{"a private network", "https://10.0.0.1", notPublic},
		{"a name of a private address", "https://private.example.com:" + private.Port(t), notPublic},
		{"the metadata of many clouds", "https://169.254.169.254/latest/meta-data/", notPublic},
		{"the metadata, over http", "http://169.254.169.254/latest/meta-data/", insecure},
		{"without TLS", plain.URL, insecure},
		{"another scheme", "ftp://" + media.PublicAddress + "/x", insecure},
		{"a file", "file:///etc/passwd", insecure},
		{"around and around", "/loop", "redirects more than 5 times"},
	}
	redirect := func(location string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusFound)
		}
	}
	for _, tc := range targets {
		if !strings.HasPrefix(tc.location, "/") {
			_, _, err := download(t.Context(), f, tc.location+secret)
			words := tc.words
			if tc.reason == "a file" { // it has no host
				words = "cannot be read"
			}
			isOf(t, err, transfer.LinkRefused, words)
		}
		for reason, handlers := range map[string][]http.HandlerFunc{
			"at first":      {redirect(tc.location + secret)},
			"after a break": {cut(1000, file(data)), redirect(tc.location + secret)},
			"after many":    slices.Concat(slices.Repeat([]http.HandlerFunc{cut(10, file(data))}, 5), []http.HandlerFunc{redirect(tc.location)}),
		} {
			host := media.NewServer(t, media.PublicAddress, turns(handlers...))
			_, _, err := download(t.Context(), f, host.URL+"/v.mp4"+secret)
			t.Log(tc.reason, reason)
			isOf(t, err, transfer.LinkRefused, tc.words)
			isOf(t, err, transfer.LinkRefused, host.Listener.Addr().String()+"/v.mp4")
		}
	}
	if n := private.Connections.Load() + plain.Connections.Load(); n != 0 {
		t.Errorf("got %d connections to where nothing is fetched from, want 0", n)
	}
	for _, link := range []string{"", "v.mp4", "https://", "https://a b/", "https://%zz/"} {
		_, err := f.Download(t.Context(), link)
		isOf(t, err, transfer.LinkRefused, "cannot be read")
	}
}

// A name that was public for the first bytes is private for the rest.
func TestDownloadIsGuardedFromReboundNames(t *testing.T) {
	data := media.Video(t)
	n := &names{}
	n.address.Store(netip.MustParseAddr(media.PublicAddress))
	host := media.NewServer(t, media.PublicAddress, cut(1000, func(w http.ResponseWriter, r *http.Request) {
		n.address.Store(netip.MustParseAddr(media.PrivateAddress))
		file(data)(w, r)
	}))
	f := fetcherOf(t, egress.Guard{Public: publicPrefixes, Resolver: n.resolver()})
	newClock(f)
	got, _, err := download(t.Context(), f, "https://rebound.example.com:"+host.Port(t)+"/v.mp4")
	isOf(t, err, transfer.LinkRefused, "not a public one")
	if n := host.Requests.Load(); n != 1 || len(got) != 1000 {
		t.Errorf("got %d requests and %d bytes, want 1 and 1000", n, len(got))
	}
}
