// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kie-operator/kie-operator/internal/transfer"
)

// secret is what no message shows.
const secret = "?signature=s3cret"

// download reads what is at a link to its end, and the length that is declared.
func download(ctx context.Context, f *Fetcher, link string) (data []byte, size int64, err error) {
	d, err := f.Download(ctx, link)
	if err != nil {
		return nil, -1, err
	}
	defer func() { _ = d.Close() }()
	data, err = io.ReadAll(d)
	return data, d.Size(), err
}

// isOf says whether an error has a class, and a message that may be shown.
func isOf(t testing.TB, err error, class transfer.Class, words string) {
	t.Helper()
	var failure *transfer.StorageError
	if !errors.As(err, &failure) || failure.Class != class || !strings.Contains(failure.Message, words) {
		t.Errorf("got %v, want %s with %q", err, class, words)
		return
	}
	for _, hidden := range []string{"s3cret", "password", "signature", "expired page"} {
		if strings.Contains(failure.Message, hidden) {
			t.Errorf("want no %q in %q", hidden, failure.Message)
		}
	}
}

// turns answers each request by the next handler, and all that follow by the
// last.
func turns(handlers ...http.HandlerFunc) http.HandlerFunc {
	var n atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		handlers[min(int(n.Add(1)), len(handlers))-1](w, r)
	}
}

// file serves a file in ranges, with some headers, such as its validators.
func file(data []byte, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", "video/mp4")
		modified, _ := http.ParseTime(w.Header().Get("Last-Modified"))
		http.ServeContent(w, r, "", modified, bytes.NewReader(data))
	}
}

// cut breaks off an answer after some bytes of its body.
func cut(after int, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		handler(&cutting{ResponseWriter: w, left: after}, r)
	}
}

type cutting struct {
	http.ResponseWriter
	left int
}

// Unwrap is for http.NewResponseController.
func (c *cutting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *cutting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(len(p), c.left)])
	if c.left -= n; c.left == 0 && n < len(p) {
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// chunked serves a file without its length.
func chunked(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		_, _ = w.Write(data)
	}
}

// abort does not answer.
func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// endless sends zeros as long as somebody takes them.
func endless(w http.ResponseWriter, _ *http.Request) {
	for zeros := make([]byte, 64<<10); ; {
		if _, err := w.Write(zeros); err != nil {
			return
		}
	}
}

// status answers nothing but a status, with a page that nobody should see.
func status(code int) http.HandlerFunc {
	return page{code, nil, []byte("<html>expired page</html>")}.serve
}

// A testClock is a clock on which pauses are over at once. Other times end when
// a test says so.
type testClock struct {
	mutex  sync.Mutex
	pauses []time.Duration
	// silent ends the patience with a host, and late the time of all, once each time that it is set.
	silent, late atomic.Bool

	// onPause is called at the start of a pause.
	onPause func()

	whole func()
}

// newClock replaces the clock of a Fetcher.
func newClock(f *Fetcher) *testClock {
	c := &testClock{}
	f.after = c.after
	return c
}

func (c *testClock) after(d time.Duration, f func()) (stop func()) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	switch d {
	case maxDownloadTime:
		c.whole = f
	case maxSilence:
		if c.silent.CompareAndSwap(true, false) {
			f()
		}
		if c.late.CompareAndSwap(true, false) {
			c.whole()
		}
	default:
		c.pauses = append(c.pauses, d)
		if c.onPause != nil {
			c.onPause()
		}
		f()
	}
	return func() {}
}

// newQuickFetcher is one whose pauses take no time.
func newQuickFetcher(t testing.TB) (*Fetcher, *testClock) {
	t.Helper()
	f := newTestFetcher(t)
	return f, newClock(f)
}

// stalled sends the start of a file and then nothing any more. The clock is told
// before the last bytes, so that who waits for more gives up.
func stalled(data []byte, clock *testClock) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		half := len(data) / 2
		_, _ = w.Write(data[:half])
		_ = http.NewResponseController(w).Flush()
		clock.silent.Store(true)
		_, _ = w.Write(data[half:])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}
