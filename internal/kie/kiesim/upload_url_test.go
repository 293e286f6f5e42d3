// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newOrigin serves a picture at /a%201.png, nothing at other paths.
func newOrigin(t *testing.T) *httptest.Server {
	t.Helper()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a 1.png", "/picture":
			w.Header().Set("Content-Type", "image/png")
			_, _ = io.WriteString(w, png)
		case "/moved":
			http.Redirect(w, r, "/a%201.png", http.StatusFound)
		case "/short":
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, png)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(origin.Close)
	return origin
}

func (f *fixture) uploadURL(request fields) answer {
	f.t.Helper()
	return f.call(http.MethodPost, "/api/file-url-upload", request.json())
}

func TestUploadByURL(t *testing.T) {
	origin := newOrigin(t)
	for _, path := range []string{"/a%201.png?token=t", "/moved"} {
		t.Run(path, func(t *testing.T) {
			f := newFixture(t, Options{})
			got := f.uploadURL(fields{"fileUrl": origin.URL + path, "uploadPath": "images/in", "fileName": "b.png"})
			want := `{"success":true,"code":200,"msg":"File uploaded successfully","data":{"success":true,` +
				`"fileName":"b.png","filePath":"kieai/123456/images/in/b.png",` +
				`"downloadUrl":"` + f.server.URL + `/kieai/123456/images/in/b.png",` +
				`"fileSize":8,"mimeType":"image/png","uploadedAt":"2026-11-01T12:00:00.000Z"}}`
			if diff := cmp.Diff(want, got.Body); diff != "" || got.Status != 200 {
				t.Errorf("HTTP %d, answer (-want +got):\n%s", got.Status, diff)
			}
			if served := f.call(http.MethodGet, "/kieai/123456/images/in/b.png", ""); served.Body != png {
				t.Errorf("the file is HTTP %d %q", served.Status, served.Body)
			}
			if state := f.State(); state.Requests["upload"] != 1 || state.Uploads.Count != 1 || state.Balance != 10000 {
				t.Errorf("%d requests, %d uploads and a balance of %v, want one for free", state.Requests["upload"], state.Uploads.Count, state.Balance)
			}
		})
	}
}

func TestUploadByURLIsNamedIfNobodyDoes(t *testing.T) {
	origin := newOrigin(t)
	f := newFixture(t, Options{})
	for _, path := range []string{"/a%201.png?name=x.gif", "/picture"} {
		got := f.uploadURL(fields{"fileUrl": origin.URL + path, "uploadPath": "in"})
		data, _ := got.Data.(map[string]any)
		if name, _ := data["fileName"].(string); !regexp.MustCompile(`^1793534400000-[0-9a-z]{8,12}\.png$`).MatchString(name) {
			t.Errorf("the file of %s is called %q: %s", path, name, got.Body)
		}
	}
}

// TestUploadByURLOfItsOwnFile uploads what was uploaded before.
func TestUploadByURLOfItsOwnFile(t *testing.T) {
	f := newFixture(t, Options{})
	got := f.uploadURL(fields{"fileUrl": f.uploaded("a.png"), "uploadPath": "in", "fileName": "again.png"})
	if got.Status != 200 || f.State().Uploads.Count != 2 {
		t.Errorf("answer is HTTP %d %s", got.Status, got.Body)
	}
}

func TestUploadByURLIsRefused(t *testing.T) {
	origin := newOrigin(t)
	untouched := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a file is fetched whose place is wrong")
	}))
	t.Cleanup(untouched.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	cases := map[string]struct {
		request fields
		names   string
	}{
		"no URL":            {fields{"uploadPath": "in"}, "Missing required parameter: fileUrl"},
		"no folder":         {fields{"fileUrl": untouched.URL}, "Missing required parameter: uploadPath"},
		"folder with slash": {fields{"fileUrl": untouched.URL, "uploadPath": "/in"}, "uploadPath"},
		"name with a slash": {fields{"fileUrl": untouched.URL, "uploadPath": "in", "fileName": "a/b"}, "fileName"},
		"number":            {fields{"fileUrl": 7, "uploadPath": "in"}, "fileUrl has the wrong type"},
		"no web URL":        {fields{"fileUrl": "file:///etc/hostname", "uploadPath": "in"}, "fileUrl is not an http or https URL"},
		"no host":           {fields{"fileUrl": "https:///a.png", "uploadPath": "in"}, "fileUrl is not an http or https URL"},
		"not found":         {fields{"fileUrl": origin.URL + "/b.png", "uploadPath": "in"}, "fileUrl cannot be fetched: HTTP 404"},
		"nobody there":      {fields{"fileUrl": closed.URL, "uploadPath": "in"}, "fileUrl cannot be fetched"},
		"ends too early":    {fields{"fileUrl": origin.URL + "/short", "uploadPath": "in"}, "fileUrl cannot be fetched"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			got := f.uploadURL(test.request)
			if got.Status != 400 || got.Code != 400 || !strings.HasPrefix(got.Body, `{"success":false,"code":400,`) || !strings.Contains(got.Msg, test.names) {
				t.Errorf("answer is HTTP %d %s, want 400 and %q", got.Status, got.Body, test.names)
			}
			if f.State().Uploads.Count != 0 {
				t.Error("the upload counts")
			}
		})
	}
	f := newFixture(t, Options{})
	if got := f.call(http.MethodPost, "/api/file-url-upload", "{}", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }); got.Status != 401 {
		t.Errorf("with a wrong key: HTTP %d, want 401", got.Status)
	}
}

// TestFetchIsBounded fetches from servers that never end, each in its own way.
func TestFetchIsBounded(t *testing.T) {
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := fmt.Fprint(w, strings.Repeat("x", 1000)); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()

	if _, _, err := newFetcher(time.Hour, 5000).fetch(t.Context(), endless.URL); err == nil || !strings.Contains(err.Error(), "larger than 5000 bytes") {
		t.Errorf("a file without an end: %v", err)
	}
	var timeout net.Error
	if _, _, err := newFetcher(time.Millisecond, 5000).fetch(t.Context(), silent.URL); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("a server that says nothing: %v", err)
	}
}
