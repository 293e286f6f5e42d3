// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// maxFetched is how much of a body is read, in bytes.
const maxFetched = 1 << 20

// fetched is the answer to a request for a file.
type fetched struct {
	Status int
	Header http.Header
	// Length is the declared one, -1 if there is none.
	Length int64
	Body   string
	// Broken is set if the body ended before its declared end.
	Broken bool
}

// String tells all but the date and the body, of which it tells the hash.
func (f fetched) String() string {
	header := f.Header.Clone()
	header.Del("Date")
	sum := sha256.Sum256([]byte(f.Body))
	return fmt.Sprintf("%d %v %d, %d bytes %x, broken %v", f.Status, header, f.Length, len(f.Body), sum[:8], f.Broken)
}

// fetch gets a file as somebody does who knows nothing but the path. It reads
// maxFetched bytes at most.
func (f *fixture) fetch(path string, edits ...func(*http.Request)) fetched {
	f.t.Helper()
	request, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.server.URL+path, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, edit := range edits {
		edit(request)
	}
	response, err := f.client.Do(request)
	if err != nil {
		f.t.Fatalf("GET %s: %v", path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxFetched))
	return fetched{response.StatusCode, response.Header, response.ContentLength, string(body), err != nil}
}

// from asks for all from a byte on, and ifTag only if the file is still the same.
func from(start int) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Range", fmt.Sprintf("bytes=%d-", start)) }
}

func ifTag(tag string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("If-Range", tag) }
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestFilesCanBeResumed(t *testing.T) {
	f := newFixture(t, Options{})
	path := videoPath(f, f.made(fields{"prompt": "a"}))
	whole := f.fetch(path)
	tag := whole.Header.Get("ETag")
	if len(tag) != 34 || tag[0] != '"' || tag != f.fetch(path).Header.Get("ETag") {
		t.Errorf("ETag is %s, which is not strong and steady", tag)
	}
	if got := f.fetch(path, from(1000), ifTag(tag)); got.Status != 206 || got.Body != whole.Body[1000:] {
		t.Errorf("the rest of the same file is %v", got)
	}
	if got := f.fetch(path, from(1000), ifTag(`"other"`)); got.Status != 200 || got.Body != whole.Body {
		t.Errorf("the rest of another file is %v, want the whole", got)
	}
	shorter := f.fetch(videoPath(f, f.made(fields{"prompt": "a", "duration": 4})))
	if shorter.Header.Get("ETag") == tag {
		t.Error("another video has the same ETag")
	}
	if got := f.fetch(path, from(len(whole.Body))); got.Status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("what follows the end is %v", got)
	}
}

func TestFetches(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.made(fields{"prompt": "[sim:file=gone-url]"})
	path := videoPath(f, id)
	link := f.link(f.server.URL + path)
	for range 2 {
		f.fetch(path)
	}
	f.fetch(link)
	f.fetch(path, func(r *http.Request) { r.Method = http.MethodHead })
	for address, want := range map[string]int{f.server.URL + path: 2, "https://cdn.example" + path: 2, f.server.URL + link: 1, f.server.URL + "/v/x.mp4": 0, "%": 0} {
		if got := f.Fetches(address); got != want {
			t.Errorf("%s was fetched %d times, want %d", address, got, want)
		}
	}
	if got := f.State().Fetches; len(got) != 2 || got[path] != 2 || got[link] != 1 {
		t.Errorf("the state counts %v", got)
	}
}

func TestFileOf(t *testing.T) {
	f := newFixture(t, Options{})
	small := videoPath(f, f.made(fields{"prompt": "a"}))
	large := videoPath(f, f.made(fields{"prompt": "[sim:bytes=100000]"}))
	broken := videoPath(f, f.made(fields{"prompt": "[sim:file=truncated][sim:cut=10]"}))
	running := f.accept(fields{"prompt": "[sim:latency=1h]"})
	upload := pathOf(t, f.uploaded("a.png"))
	whole := f.fetch(small).Body
	cases := map[string]struct {
		path string
		want string // the content, empty for none
	}{
		"video":    {small, whole},
		"link":     {f.link(f.server.URL + large), f.fetch(large).Body},
		"redirect": {movedFolder + small, whole},
		"broken":   {broken, whole},
		"to come":  {f.tasks()[3].resultPath(), whole},
		"upload":   {upload, png},
		"unknown":  {"/v/" + running + ".mp4", ""},
		"no link":  {linkFolder + "x.mp4", ""},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				size, sum, ok := f.FileOf("https://cdn.example" + test.path)
				if !ok && test.want == "" {
					return
				}
				if !ok || size != int64(len(test.want)) || sum != hexSum(test.want) {
					t.Errorf("%d bytes, %s, %v; want %d and %s", size, sum, ok, len(test.want), hexSum(test.want))
				}
			}
		})
	}
}
