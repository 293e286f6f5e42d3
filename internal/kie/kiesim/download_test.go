// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// link asks for a link to a URL and returns its path.
func (f *fixture) link(url string) string {
	f.t.Helper()
	got := f.call(http.MethodPost, "/api/v1/common/download-url", fields{"url": url}.json())
	link, ok := got.Data.(string)
	if got.Code != 200 || !ok || !regexp.MustCompile(`^`+f.server.URL+`/d/[0-9a-f]{32}\.mp4$`).MatchString(link) {
		f.t.Fatalf("there is no link: %s", got.Body)
	}
	return pathOf(f.t, link)
}

// status returns the HTTP status of a GET without any header.
func (f *fixture) status(path string) int {
	f.t.Helper()
	return f.call(http.MethodGet, path, "", func(r *http.Request) { r.Header = nil }).Status
}

func TestDownloadURL(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.made(fields{"prompt": "a"})
	path := videoPath(f, id)
	link := f.link(f.server.URL + path)
	got := f.call(http.MethodGet, link, "", func(r *http.Request) { r.Header = nil })
	if got.Body != string(clip{resolution720p, false, 8}.video()) {
		t.Errorf("the link is HTTP %d with %d bytes", got.Status, len(got.Body))
	}
	f.clock.advance(20 * time.Minute)
	if got := f.status(link); got != 200 {
		t.Errorf("the link is HTTP %d after 20 minutes, want 200", got)
	}
	f.clock.advance(time.Nanosecond)
	if got := f.status(link); got != 403 {
		t.Errorf("the link is HTTP %d afterwards, want 403", got)
	}
	if got := f.status("/d/0.mp4"); got != 403 {
		t.Errorf("an unknown link is HTTP %d, want 403", got)
	}

	f.clock.set(epoch.Add(retention))
	link = f.link(f.server.URL + path)
	f.clock.advance(time.Second)
	if got := f.status(link); got != 404 {
		t.Errorf("a link to a video that is gone is HTTP %d, want 404", got)
	}
	if got := f.status(f.link(f.server.URL + "/v/made-up.mp4")); got != 404 {
		t.Errorf("a link to a video that never was is HTTP %d, want 404", got)
	}
}

func TestDownloadURLRefusesForeignURLs(t *testing.T) {
	f := newFixture(t, Options{})
	for _, url := range []string{"https://cdn.example/v/a.mp4", "", "/v/a.mp4", f.server.URL, f.server.URL + ".example/v/a.mp4", f.server.URL + "/%"} {
		got := f.call(http.MethodPost, "/api/v1/common/download-url", fields{"url": url}.json())
		want := answer{Status: 200, Code: 422, Msg: "url is wrong", Body: `{"code":422,"msg":"url is wrong","data":null}`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answer about %q (-want +got):\n%s", url, diff)
		}
	}
	if got := f.call(http.MethodPost, "/api/v1/common/download-url", `{"url":7}`); got.Code != 422 {
		t.Errorf("a number got %s", got.Body)
	}
}

func TestPlainURLsDieEarly(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.made(fields{"prompt": "[sim:link-for=1h][sim:4k-link-for=2h]"})
	f.get4K(fields{"taskId": id})
	f.clock.advance(5 * time.Second)
	video, upgraded := videoPath(f, id), f.upgrades()[0].resultPath()
	type seen struct{ Video, Link, Upgraded, UpgradedLink int }
	steps := []struct {
		after time.Duration // after the task finished
		want  seen
	}{
		{5 * time.Second, seen{200, 200, 200, 200}},
		{time.Hour, seen{200, 200, 200, 200}},
		{time.Hour + time.Second, seen{404, 200, 200, 200}},
		{2*time.Hour + 5*time.Second, seen{404, 200, 200, 200}},
		{2*time.Hour + 6*time.Second, seen{404, 200, 404, 200}},
		{14 * 24 * time.Hour, seen{404, 404, 404, 200}}, // the upgrade is five seconds younger
	}
	for _, step := range steps {
		f.clock.set(epoch.Add(5*time.Second + step.after))
		got := seen{f.status(video), f.status(f.link(f.server.URL + video)), f.status(upgraded), f.status(f.link(f.server.URL + upgraded))}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("after %v (-want +got):\n%s", step.after, diff)
		}
	}
}
