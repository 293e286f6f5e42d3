// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestFileFaults asks for a file twice by its URL, then from its byte 1000 on, and
// in the end by a link.
func TestFileFaults(t *testing.T) {
	// looks is how an answer looks.
	type looks struct {
		Status int
		Type   string
		// Length and Body are bytes, -1 for no length.
		Length, Body int64
		Broken       bool
		Tag          bool
		Location     string
	}
	all := int64(len(clip{resolution720p, false, 8}.video()))
	half := all / 2
	good := looks{Status: 200, Type: mp4Type, Length: all, Body: all, Tag: true}
	rest := looks{Status: 206, Type: mp4Type, Length: all - 1000, Body: all - 1000, Tag: true}
	refused := func(status int) looks {
		text := int64(len(http.StatusText(status)) + 1)
		return looks{Status: status, Type: "text/plain; charset=utf-8", Length: text, Body: text}
	}
	redirected := func(to string) looks {
		return looks{Status: 302, Type: mp4Type, Location: to}
	}
	with := func(l looks, change func(*looks)) looks {
		change(&l)
		return l
	}
	truncated := with(good, func(l *looks) { l.Length, l.Body = half, half })
	htmlPage := looks{Status: 200, Type: "text/html; charset=utf-8", Length: int64(len(page)), Body: int64(len(page))}
	mp4Page := with(htmlPage, func(l *looks) { l.Type = mp4Type })
	empty := with(good, func(l *looks) { l.Length, l.Body = 0, 0 })
	endless := looks{Status: 200, Type: mp4Type, Length: -1, Body: maxFetched}
	bare := with(good, func(l *looks) { l.Tag = false })
	short := with(good, func(l *looks) { l.Body, l.Broken = half, true })

	cases := map[FileFault]struct{ first, second, rest, link looks }{
		"":                   {good, good, rest, good},
		FileTruncated:        {truncated, truncated, with(rest, func(l *looks) { l.Length, l.Body = half-1000, half-1000 }), truncated},
		FileShort:            {short, short, with(rest, func(l *looks) { l.Body, l.Broken = half-1000, true }), short},
		FileHTML:             {htmlPage, htmlPage, htmlPage, htmlPage},
		FileHTMLAsMP4:        {mp4Page, mp4Page, mp4Page, mp4Page},
		FileEmpty:            {empty, empty, empty, empty},
		FileEndless:          {endless, endless, endless, endless},
		FileLate:             {refused(404), refused(404), rest, good},
		FileGone:             {refused(404), refused(404), refused(404), refused(404)},
		FileGoneURL:          {refused(404), refused(404), refused(404), good},
		FileForbidden:        {refused(403), refused(403), refused(403), refused(403)},
		FileBusy:             {refused(503), refused(503), refused(503), refused(503)},
		FileBusyOnce:         {refused(503), good, rest, good},
		FileNoRanges:         {bare, bare, bare, bare},
		FileChanging:         {good, good, rest, good},
		FileRedirect:         {redirected("moved"), redirected("moved"), redirected("moved"), redirected("moved")},
		FileRedirectPrivate:  {redirected(privateURL), redirected(privateURL), redirected(privateURL), redirected(privateURL)},
		FileRedirectMetadata: {redirected(metadataURL), redirected(metadataURL), redirected(metadataURL), redirected(metadataURL)},
	}
	for _, fate := range fileFates {
		if _, known := cases[FileFault(fate.Value)]; fate.Key == "file" && !known {
			t.Errorf("%s is not tested", fate)
		}
	}
	for fault, test := range cases {
		t.Run(string(fault), func(t *testing.T) {
			f := newFixture(t, Options{Faults: Faults{File: FileFaults{Fault: fault}}})
			path := videoPath(f, f.made(fields{"prompt": "a"}))
			look := func(got fetched) looks {
				l := looks{Status: got.Status, Type: got.Header.Get("Content-Type"), Length: got.Length, Body: int64(len(got.Body)),
					Broken: got.Broken, Tag: got.Header.Get("ETag") != "", Location: got.Header.Get("Location")}
				if got.Status == http.StatusFound { // the text of it does not matter
					l.Type, l.Length, l.Body = mp4Type, 0, 0
				}
				if l.Location == movedFolder+path {
					l.Location = "moved"
				}
				if ranges := got.Header.Get("Accept-Ranges") != "" || got.Header.Get("Last-Modified") != ""; ranges != l.Tag {
					t.Errorf("a validator, or ranges, without the other: %v", got.Header)
				}
				return l
			}
			got := struct{ first, second, rest, link looks }{
				look(f.fetch(path)), look(f.fetch(path)), look(f.fetch(path, from(1000))), look(f.fetch(f.link(f.server.URL + path))),
			}
			if diff := cmp.Diff(test, got, cmp.AllowUnexported(got)); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRedirectLeadsToTheFile(t *testing.T) {
	f := newFixture(t, Options{})
	path := videoPath(f, f.made(fields{"prompt": "[sim:file=redirect]"}))
	got := f.fetch(f.fetch(path).Header.Get("Location"))
	if got.Status != 200 || got.Body != string(clip{resolution720p, false, 8}.video()) {
		t.Errorf("the redirect leads to %v", got)
	}
	if got := f.fetch(movedFolder + "/v/x.mp4"); got.Status != 404 {
		t.Errorf("a redirect of nothing leads to %v", got)
	}
}

func TestAFileThatChangesCannotBeResumed(t *testing.T) {
	f := newFixture(t, Options{})
	path := videoPath(f, f.made(fields{"prompt": "[sim:file=changing]"}))
	first := f.fetch(path)
	second := f.fetch(path, from(10_000), ifTag(first.Header.Get("ETag")))
	if second.Status != 200 || len(second.Body) != len(first.Body) || second.Body == first.Body {
		t.Errorf("the second request got %v after %v", second, first)
	}
	if third := f.fetch(path, from(10_000)); third.Body == second.Body[10_000:] || third.Body == first.Body[10_000:] {
		t.Error("the third request got an old version")
	}
}

func TestAnEndlessFileBeginsAsAVideo(t *testing.T) {
	f := newFixture(t, Options{})
	got := f.fetch(videoPath(f, f.made(fields{"prompt": "[sim:file=endless]"}))).Body
	video := string(clip{resolution720p, false, 8}.video())
	index, _, _ := strings.Cut(video, "mdat")
	if !strings.HasPrefix(got, index[:len(index)-4]+"\x00\x00\x00\x01mdat") {
		t.Error("it does not begin with the index of the video and a large box")
	}
}

// TestFileFatesAreOfOnePurchase checks whose files a fate is about: the videos of
// the task, or that of the upgrade, but no picture.
func TestFileFatesAreOfOnePurchase(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.made(fields{"prompt": "[sim:file=busy][sim:1080p-file=forbidden][sim:4k-file=gone][sim:4k-bytes=2000]", "aspect_ratio": "9:16"})
	f.get1080p(id)
	f.get4K(fields{"taskId": id})
	f.clock.advance(5 * time.Second)
	task, upgrades := f.tasks()[0], f.upgrades()
	got := map[string]int{}
	for name, path := range map[string]string{
		"video": task.resultPath(), "origin": task.originPath(),
		"1080p": upgrades[0].resultPath(), "4k": upgrades[1].resultPath(), "picture": upgrades[1].imagePath(),
	} {
		got[name] = f.status(path)
	}
	want := map[string]int{"video": 503, "origin": 503, "1080p": 403, "4k": 404, "picture": 200}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if size, _, ok := f.FileOf(upgrades[1].resultURLs()[0]); size != 2000 || !ok {
		t.Errorf("the upgrade to 4K has %d bytes, want 2000", size)
	}
}
