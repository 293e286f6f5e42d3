// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestSlowWriter(t *testing.T) {
	cases := map[string]struct {
		rate  int64
		bytes int
		want  time.Duration
	}{
		"a byte per second":  {1, 60, time.Minute},
		"slow":               {1000, 12_345, 12_345 * time.Millisecond},
		"fast":               {10 << 20, 5 << 20, 500 * time.Millisecond},
		"as fast as it goes": {1 << 62, 1_000_000, 0},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				recorder := httptest.NewRecorder()
				start := time.Now()
				w := &slowWriter{ResponseWriter: recorder, ctx: t.Context(), rate: test.rate, start: start}
				for range 5 {
					n, err := w.Write(make([]byte, test.bytes/5))
					if err != nil || n != test.bytes/5 {
						t.Fatalf("wrote %d bytes (%v)", n, err)
					}
				}
				if took := time.Since(start); (took-test.want).Abs() > time.Microsecond || recorder.Body.Len() != test.bytes || !recorder.Flushed {
					t.Errorf("%d bytes took %v, want %v", recorder.Body.Len(), took, test.want)
				}
			})
		})
	}
}

func TestSlowWriterEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		w := &slowWriter{ResponseWriter: httptest.NewRecorder(), ctx: ctx, rate: 1, start: time.Now()}
		if n, err := w.Write(make([]byte, 10)); n != 4 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wrote %d bytes (%v), want 4 until the end of the request", n, err)
		}
	})
}

// TestThrottle reads the first byte of a file that takes hours, and leaves.
func TestThrottle(t *testing.T) {
	f := newFixture(t, Options{})
	path := videoPath(f, f.made(fields{"prompt": "[sim:throttle=1]"}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := f.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	size, _, _ := f.FileOf(f.server.URL + path)
	if _, err := io.ReadFull(response.Body, make([]byte, 1)); err != nil || response.ContentLength != size {
		t.Errorf("the first of %d bytes: %v", response.ContentLength, err)
	}
	// The fixture waits for the answer to end.
}

func TestCut(t *testing.T) {
	f := newFixture(t, Options{})
	path := videoPath(f, f.made(fields{"prompt": "[sim:bytes=50000][sim:cut=5000]"}))
	var got string
	for requests := 1; ; requests++ {
		part := f.fetch(path, from(len(got)))
		if part.Status != http.StatusPartialContent || part.Length != int64(50_000-len(got)) || len(part.Body) != 5000 {
			t.Fatalf("request %d: %v", requests, part)
		}
		got += part.Body
		if part.Broken == (requests == 10) {
			t.Fatalf("request %d breaks off: %v", requests, part.Broken)
		}
		if requests == 10 {
			break
		}
	}
	if _, sum, _ := f.FileOf(f.server.URL + path); hexSum(got) != sum {
		t.Error("the parts are not the file")
	}
	if whole := f.fetch(path); whole.Status != http.StatusOK || whole.Length != 50_000 || len(whole.Body) != 5000 || !whole.Broken {
		t.Errorf("the whole is %v", whole)
	}
}

func TestCutOnce(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.made(fields{"prompt": "[sim:bytes=50000][sim:cut-once=5000]", "aspect_ratio": "9:16"})
	for _, path := range []string{videoPath(f, id), f.tasks()[0].originPath()} {
		look := f.fetch(path, func(r *http.Request) { r.Header.Set("Range", "bytes=0-4999") })
		if look.Broken || len(look.Body) != 5000 {
			t.Errorf("a look at the start is %v", look)
		}
		first := f.fetch(path)
		if !first.Broken || first.Length != 50_000 || len(first.Body) != 5000 {
			t.Errorf("the first answer is %v", first)
		}
		second := f.fetch(f.link(f.server.URL+path), from(5000))
		if second.Broken || len(first.Body+second.Body) != 50_000 {
			t.Errorf("the second answer is %v", second)
		}
	}
}
