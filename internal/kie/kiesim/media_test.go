// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"bytes"
	"encoding/binary"
	"fmt"
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

// TestMediaIsWhatItsNameSays checks the form of the embedded files: the index before
// the data, a picture of the right size, sound, the right length, and few bytes.
func TestMediaIsWhatItsNameSays(t *testing.T) {
	sizes := map[string][2]uint32{
		resolution720p:  {1280, 720},
		resolution1080p: {1920, 1080},
		resolution4K:    {3840, 2160},
	}
	total := 0
	for resolution, size := range sizes {
		for _, upright := range []bool{false, true} {
			for _, seconds := range []int{4, 6, 8, filmSeconds} {
				c := clip{resolution: resolution, upright: upright, seconds: seconds}
				width, height := size[0], size[1]
				if upright {
					width, height = height, width
				}
				total += len(c.video())
				t.Run(fmt.Sprintf("%s %s %ds", resolution, c.orientation(), seconds), func(t *testing.T) {
					checkVideo(t, c.video(), width, height, seconds)
				})
			}
		}
	}
	for _, upright := range []bool{false, true} {
		picture := clip{upright: upright}.picture()
		total += len(picture)
		if http.DetectContentType(picture) != jpegType {
			t.Errorf("the picture that is upright (%v) is no JPEG", upright)
		}
	}
	if total > 1_500_000 {
		t.Errorf("all files have %d bytes, want 1500000 at most", total)
	}
}

// checkVideo checks an MP4 file.
func checkVideo(t *testing.T, video []byte, width, height uint32, seconds int) {
	t.Helper()
	var order []string
	var index []byte
	for rest := video; len(rest) >= 8; {
		size, kind := binary.BigEndian.Uint32(rest), string(rest[4:8])
		order = append(order, kind)
		if kind == "moov" {
			index = rest[:size]
		}
		rest = rest[size:]
	}
	if diff := cmp.Diff([]string{"ftyp", "moov", "free", "mdat"}, order); diff != "" {
		t.Fatalf("boxes (-want +got):\n%s", diff)
	}
	for _, codec := range []string{"avc1", "mp4a"} {
		if !bytes.Contains(index, []byte(codec)) {
			t.Errorf("there is no %s track", codec)
		}
	}
	// A track header ends with width and height as 16.16 fixed point.
	size := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width<<16), height<<16)
	if !bytes.Contains(index, size) {
		t.Errorf("the picture is not %dx%d", width, height)
	}
	// The movie header has a version, two times, the units in a second and the length.
	_, header, _ := bytes.Cut(index, []byte("mvhd"))
	units, length := binary.BigEndian.Uint32(header[12:]), binary.BigEndian.Uint32(header[16:])
	if int(length) != seconds*int(units) {
		t.Errorf("it lasts %d/%d s, want %d s", length, units, seconds)
	}
}

func TestVideoOfATask(t *testing.T) {
	video := func(name string) []byte { return media[name+".mp4"] }
	cases := map[string]struct {
		request fields
		video   []byte
		origin  []byte
	}{
		"16:9":       {fields{"prompt": "a"}, video("720p-landscape-8s"), nil},
		"9:16":       {fields{"prompt": "a", "aspect_ratio": "9:16"}, video("720p-portrait-8s"), video("720p-landscape-8s")},
		"Auto":       {fields{"prompt": "a", "aspect_ratio": "Auto", "imageUrls": []string{"https://img.example/a.png"}}, video("720p-landscape-8s"), video("720p-landscape-8s")},
		"4 s":        {fields{"prompt": "a", "duration": 4}, video("720p-landscape-4s"), nil},
		"6 s, 9:16":  {fields{"prompt": "a", "duration": 6, "aspect_ratio": "9:16"}, video("720p-portrait-6s"), video("720p-landscape-6s")},
		"1080p":      {fields{"prompt": "a", "resolution": "1080p"}, video("1080p-landscape-8s"), video("720p-landscape-8s")},
		"4k, 9:16":   {fields{"prompt": "a", "resolution": "4k", "aspect_ratio": "9:16"}, video("4k-portrait-8s"), video("720p-portrait-8s")},
		"deliver":    {fields{"prompt": "[sim:deliver=1080p]"}, video("1080p-landscape-8s"), video("720p-landscape-8s")},
		"not long":   {fields{"prompt": "[sim:deliver-seconds=4]"}, video("720p-landscape-4s"), nil},
		"quite long": {fields{"prompt": "[sim:deliver-seconds=15]", "duration": 4}, video("720p-landscape-15s"), nil},
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
			if test.origin == nil && origin.Status != 404 || test.origin != nil && origin.Body != string(test.origin) {
				t.Errorf("the origin is HTTP %d with %d bytes, want %d bytes", origin.Status, len(origin.Body), len(test.origin))
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
