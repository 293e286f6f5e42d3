// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// videoPath returns the path of the result of a task that succeeded.
func videoPath(f *fixture, id string) string {
	f.t.Helper()
	return pathOf(f.t, f.recordData(id)["response"].(map[string]any)["resultUrls"].([]any)[0].(string))
}

func pathOf(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatalf("%q is not a URL: %v", text, err)
	}
	return u.Path
}

// TestVideosCanBeStreamed checks the form of the embedded files: the index before
// the data, a picture of the right size, sound, and few bytes.
func TestVideosCanBeStreamed(t *testing.T) {
	cases := map[string]struct {
		video         []byte
		width, height uint32
	}{
		"landscape": {landscapeVideo, 1280, 720},
		"portrait":  {portraitVideo, 720, 1280},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			var order []string
			var index []byte
			for rest := test.video; len(rest) >= 8; {
				size, kind := binary.BigEndian.Uint32(rest), string(rest[4:8])
				order = append(order, kind)
				if kind == "moov" {
					index = rest[:size]
				}
				rest = rest[size:]
			}
			if diff := cmp.Diff([]string{"ftyp", "moov", "free", "mdat"}, order); diff != "" {
				t.Errorf("boxes (-want +got):\n%s", diff)
			}
			for _, codec := range []string{"avc1", "mp4a"} {
				if !bytes.Contains(index, []byte(codec)) {
					t.Errorf("there is no %s track", codec)
				}
			}
			// A track header ends with width and height as 16.16 fixed point.
			size := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, test.width<<16), test.height<<16)
			if !bytes.Contains(index, size) {
				t.Errorf("the picture is not %dx%d", test.width, test.height)
			}
			if len(test.video) > 150_000 {
				t.Errorf("the file has %d bytes, want 150000 at most", len(test.video))
			}
		})
	}
}

func TestVideoOfATask(t *testing.T) {
	cases := map[string]struct {
		request fields
		video   []byte
		origin  bool
	}{
		"16:9": {fields{"prompt": "a"}, landscapeVideo, false},
		"9:16": {fields{"prompt": "a", "aspect_ratio": "9:16"}, portraitVideo, true},
		"Auto": {fields{"prompt": "a", "aspect_ratio": "Auto", "imageUrls": []string{"https://img.example/a.png"}}, landscapeVideo, true},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			id := f.accept(test.request)
			f.clock.advance(5 * time.Second)
			got := f.call(http.MethodGet, videoPath(f, id), "", func(r *http.Request) { r.Header = nil })
			if got.Status != 200 || got.Body != string(test.video) {
				t.Errorf("HTTP %d with %d bytes, want 200 with %d", got.Status, len(got.Body), len(test.video))
			}
			origin := f.call(http.MethodGet, "/o/"+id+".mp4", "")
			if served := origin.Status == 200 && origin.Body == string(landscapeVideo); served != test.origin {
				t.Errorf("the origin is served: %v, want %v", served, test.origin)
			}
		})
	}
}

func TestVideoURLIsThatOfTheSubmission(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.accept(fields{"prompt": "a"})
	f.clock.advance(5 * time.Second)
	got := f.recordData(id)["response"].(map[string]any)["resultUrls"].([]any)[0]
	if want := f.server.URL + "/v/" + id + "_1793534405.mp4"; got != want {
		t.Errorf("the video is at %v, want %s", got, want)
	}
}

func TestVideoInRanges(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.accept(fields{"prompt": "a"})
	f.clock.advance(5 * time.Second)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.server.URL+videoPath(f, id), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Range", "bytes=4-7")
	response, err := f.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(response.Body); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusPartialContent || body.String() != "ftyp" || response.Header.Get("Content-Type") != "video/mp4" {
		t.Errorf("HTTP %d, %s, %q; want 206, video/mp4 and ftyp", response.StatusCode, response.Header.Get("Content-Type"), body.String())
	}
}

func TestVideosThatDoNotExist(t *testing.T) {
	f := newFixture(t, Options{})
	running := f.accept(fields{"prompt": "[sim:latency=1h]"})
	failed := f.accept(fields{"prompt": "[sim:fail=501]"})
	made := f.accept(fields{"prompt": "a"})
	f.clock.advance(5 * time.Second)
	for name, path := range map[string]string{
		"running":    "/v/" + running + "_1793538000.mp4",
		"failed":     "/v/" + failed + "_1793534405.mp4",
		"wrong time": "/v/" + made + "_1793534406.mp4",
		"no time":    "/v/" + made + ".mp4",
		"unknown":    "/v/x_1.mp4",
		"origin":     "/o/" + made,
	} {
		if got := f.call(http.MethodGet, path, ""); got.Status != 404 {
			t.Errorf("%s: HTTP %d, want 404", name, got.Status)
		}
	}
}
