// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/egress"
	"github.com/kie-operator/kie-operator/internal/fixture/media"
	"github.com/kie-operator/kie-operator/internal/mp4"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

func TestDownload(t *testing.T) {
	data := media.Video(t)
	for _, tc := range []struct {
		reason  string
		handler http.HandlerFunc
		size    int64
	}{
		{"in ranges", file(data), int64(len(data))},
		{"without ranges", ignoring(data, true), int64(len(data))},
		{"without a length", chunked(data), -1},
		{"not compressed", page{200, map[string]string{"Content-Encoding": "identity", "Content-Length": fmt.Sprint(len(data))}, data}.serve, int64(len(data))},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			host := media.NewServer(t, media.PublicAddress, tc.handler)
			f, _ := newQuickFetcher(t)
			got, size, err := download(t.Context(), f, host.URL+"/v.mp4"+secret)
			if err != nil || !bytes.Equal(got, data) || size != tc.size {
				t.Errorf("got %d bytes, declared %d, %v", len(got), size, err)
			}
			if n := host.Requests.Load(); n != 1 {
				t.Errorf("got %d requests, want 1", n)
			}
		})
	}
}

// Wherever a host breaks off, and however it names a version of the file, the
// stream is the file.
func TestDownloadMendsBreaks(t *testing.T) {
	data := media.Video(t)
	const modified = "Mon, 02 Nov 2026 10:00:00 GMT"
	for _, tc := range []struct {
		reason  string
		headers []string
		ifRange string
	}{
		{"no version", nil, ""},
		{"an ETag", []string{"ETag", `"a"`}, `"a"`},
		{"a weak ETag", []string{"ETag", `W/"a"`}, ""},
		{"a date", []string{"Last-Modified", modified}, modified},
		{"both", []string{"ETag", `"a"`, "Last-Modified", modified}, `"a"`},
		{"a weak ETag and a date", []string{"ETag", `W/"a"`, "Last-Modified", modified}, modified},
	} {
		for tenth := range 11 {
			at := len(data) * tenth / 10
			headers := make(chan http.Header, 3)
			serve := turns(cut(at, file(data, tc.headers...)), file(data, tc.headers...))
			host := media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
				headers <- r.Header.Clone()
				serve(w, r)
			})
			f, _ := newQuickFetcher(t)
			got, size, err := download(t.Context(), f, host.URL)
			if err != nil || !bytes.Equal(got, data) || size != int64(len(data)) {
				t.Errorf("%s, at %d: got %d bytes, declared %d, %v", tc.reason, at, len(got), size, err)
			}
			want := []http.Header{{"User-Agent": {egress.UserAgent}, "Accept-Encoding": {"identity"}}}
			if at < len(data) {
				rest := want[0].Clone()
				rest.Set("Range", fmt.Sprintf("bytes=%d-", at))
				if tc.ifRange != "" {
					rest.Set("If-Range", tc.ifRange)
				}
				want = append(want, rest)
			}
			close(headers)
			if diff := cmp.Diff(want, received(headers)); diff != "" {
				t.Errorf("%s, at %d: (-want +got):\n%s", tc.reason, at, diff)
			}
		}
	}
}

func received(headers <-chan http.Header) (all []http.Header) {
	for header := range headers {
		all = append(all, header)
	}
	return all
}

func TestDownloadMends(t *testing.T) {
	data := media.Video(t)
	middle := len(data) / 2
	part := func(w http.ResponseWriter, r *http.Request) { // as hosts do that send no more than so much at a time
		var first int
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &first)
		last := min(first+1000, len(data)) - 1
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(data)))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(data[first : last+1])
	}
	for _, tc := range []struct {
		reason   string
		handler  http.HandlerFunc
		requests int32
	}{
		{"again and again", cut(1000, file(data)), 25},
		{"parts of the rest", turns(cut(middle, file(data)), part), 14},
		{"no length", turns(cut(middle, chunked(data)), file(data)), 2},
		{"no length, after the last byte", turns(cut(len(data), chunked(append(data[:len(data):len(data)], 0))), file(data)), 2},
		{"nothing came, without ranges", turns(cut(0, file(data)), ignoring(data, true)), 2},
		{"the host is not well for a while", turns(cut(middle, file(data)), status(500), status(429), status(408), status(503), file(data)), 6},
		{"the host does not answer for a while", turns(cut(middle, file(data)), abort, file(data)), 3},
		{"a version that is not told again", turns(cut(middle, file(data, "ETag", `W/"a"`)), file(data)), 2},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			host := media.NewServer(t, media.PublicAddress, tc.handler)
			f, _ := newQuickFetcher(t)
			got, _, err := download(t.Context(), f, host.URL)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
			if n := host.Requests.Load(); n != tc.requests {
				t.Errorf("got %d requests, want %d", n, tc.requests)
			}
		})
	}
}

func TestDownloadMendsHTTP2(t *testing.T) {
	data := media.Video(t)
	serve := turns(cut(len(data)/2, file(data)), file(data))
	host := media.Start(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("got %s", r.Proto)
		}
		serve(w, r)
	}, func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.StartTLS()
	})
	f, _ := newQuickFetcher(t)
	got, _, err := download(t.Context(), f, host.URL)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if n := host.Requests.Load(); n != 2 {
		t.Errorf("got %d requests, want 2", n)
	}
}

// A host that sends nothing is asked again, and what came before is kept.
func TestDownloadMendsSilence(t *testing.T) {
	data := media.Video(t)
	f, clock := newQuickFetcher(t)
	// The declared length is that of the file, whatever the first handler sends of it.
	whole := slices.Concat(data, make([]byte, 1000000-len(data)))
	host := media.NewServer(t, media.PublicAddress, turns(stalled(whole[:5000], clock), file(whole)))
	clock.onPause = func() { clock.silent.Store(len(clock.pauses) == 1) } // the second try gets no answer
	got, _, err := download(t.Context(), f, host.URL)
	if err != nil || !bytes.Equal(got, whole) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if len(clock.pauses) != 2 {
		t.Errorf("got the pauses %v, want 2", clock.pauses)
	}
}

// The rest is asked for a few times, with longer and longer pauses, until a byte
// of it comes.
func TestDownloadPauses(t *testing.T) {
	data := media.Video(t)
	f, clock := newQuickFetcher(t)
	host := media.NewServer(t, media.PublicAddress, turns(cut(100, file(data)), status(500), status(502), cut(200, file(data)), status(503)))
	_, _, err := download(t.Context(), f, host.URL+"/v.mp4"+secret)
	isOf(t, err, transfer.DownloadFailed, "/v.mp4 cannot be downloaded: its host answers 503")
	longest := []time.Duration{
		200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond,
		200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond, 3200 * time.Millisecond,
		5 * time.Second, 5 * time.Second, 5 * time.Second,
	}
	if len(clock.pauses) != len(longest) {
		t.Fatalf("got %v, want %d pauses", clock.pauses, len(longest))
	}
	for i, pause := range clock.pauses {
		if pause < longest[i]/2 || pause > longest[i] {
			t.Errorf("pause %d: got %v, want between half of %v and all of it", i, pause, longest[i])
		}
	}
}

// The link may work the next time.
func TestDownloadAgain(t *testing.T) {
	data := media.Video(t)
	host := media.NewServer(t, media.PublicAddress, turns(status(404), file(data)))
	f, _ := newQuickFetcher(t)
	_, _, err := download(t.Context(), f, host.URL)
	isOf(t, err, transfer.LinkDead, "404")
	if got, _, err := download(t.Context(), f, host.URL); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestDownloadIsInterrupted(t *testing.T) {
	data := media.Video(t)
	const words = "was interrupted"
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	f, _ := newQuickFetcher(t)
	host := media.NewServer(t, media.PublicAddress, file(data))
	_, err := f.Download(cancelled, host.URL)
	isOf(t, err, transfer.Interrupted, words)

	// While the next bytes are waited for.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	host = media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(data[:100])
		_ = http.NewResponseController(w).Flush()
		cancel()
		<-r.Context().Done()
	})
	_, _, err = download(ctx, f, host.URL)
	isOf(t, err, transfer.Interrupted, words)

	// While the rest is asked for.
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	host = media.NewServer(t, media.PublicAddress, turns(cut(100, file(data)), func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	_, _, err = download(ctx, f, host.URL)
	isOf(t, err, transfer.Interrupted, words)

	// In a pause, which on this clock has no end.
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	f.after = func(d time.Duration, _ func()) func() {
		if d <= maxPause {
			cancel()
		}
		return func() {}
	}
	host = media.NewServer(t, media.PublicAddress, cut(100, file(data)))
	_, _, err = download(ctx, f, host.URL)
	isOf(t, err, transfer.Interrupted, words)
}

// A host that sees that nobody waits any more may still end its answer in good
// order, or begin one. Neither is taken for good.
func TestDownloadIsInterruptedAtTheEnd(t *testing.T) {
	for reason, when := range map[string]interrupting{
		"an answer begins": {atAnswer: true},
		"an answer ends":   {},
	} {
		host := media.NewServer(t, media.PublicAddress, chunked(media.Video(t)))
		f, _ := newQuickFetcher(t)
		ctx, cancel := context.WithCancel(t.Context())
		guarded, ok := f.client.Transport.(egress.GuardedTransport)
		if !ok {
			t.Fatalf("requests are sent by a %T", f.client.Transport)
		}
		when.GuardedTransport, when.cancel = guarded, cancel
		f.client.Transport = when
		_, _, err := download(ctx, f, host.URL)
		t.Log(reason)
		isOf(t, err, transfer.Interrupted, "was interrupted")
	}
}

// interrupting cancels after the headers of an answer, or after its body, which
// is nothing.
type interrupting struct {
	egress.GuardedTransport
	cancel   context.CancelFunc
	atAnswer bool
}

func (i interrupting) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := i.GuardedTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(cancelling(i.cancel))
	if i.atAnswer {
		i.cancel()
	}
	return resp, nil
}

// cancelling is a stream that ends when it is read.
type cancelling context.CancelFunc

func (c cancelling) Read([]byte) (int, error) {
	c()
	return 0, io.EOF
}

func TestDownloadCloses(t *testing.T) {
	host := media.NewServer(t, media.PublicAddress, endless)
	f, _ := newQuickFetcher(t)
	d, err := f.Download(t.Context(), host.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(d, make([]byte, 1000)); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		_, err = d.Read(make([]byte, 1000))
		isOf(t, err, transfer.Interrupted, "closed before its end")
	}
}

// The clock that is used where there is no test.
func TestAfter(t *testing.T) {
	called := make(chan struct{})
	after(time.Nanosecond, func() { close(called) })
	<-called
	after(time.Hour, func() { t.Error("it was stopped") })()
}

func TestDownloadChecked(t *testing.T) {
	data := media.Video(t)
	host := media.NewServer(t, media.PublicAddress, cut(10000, file(data)))
	f, _ := newQuickFetcher(t)
	d, err := f.Download(t.Context(), host.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	c := d.Checked()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	want := mp4.VideoFacts{Width: 1280, Height: 720, Duration: 8 * time.Second, Audio: true}
	if diff := cmp.Diff(want, c.Facts()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
